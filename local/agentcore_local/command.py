"""The command `agentcore-local`: a local AWS by hand, for people who use any tool or SDK."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import psutil
from rich.console import Console
from rich.table import Table

from agentcore_local import exports
from agentcore_local.conformance import command as conformance
from agentcore_local.local_aws import client_for, environment_for
from agentcore_local.server_process import start_server, stop_server, without_aws_settings
from agentcore_local.settings import (
    ADMIN_PATH,
    DEFAULT_ACCOUNT,
    DEFAULT_REGION,
    LOOPBACK,
    Settings,
)
from cdk_code_interpreter.checks.command import add_evidence

DEFAULT_PORT = 4566
DEFAULT_DATA_FOLDER = Path.home() / ".agentcore-local"
_STATE_FILE = "server.json"
_READY = "READY"

_console = Console()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Args:
        arguments: the command line; the process's own when not given.
    """
    try:
        try:
            options = _parser().parse_args(arguments)
            code = options.run(options)
        finally:
            sys.stdout.flush()
        if code:
            raise SystemExit(code)
    except BrokenPipeError:
        # A reader such as `head` has seen enough. Python flushes once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except (ValueError, RuntimeError, OSError) as error:
        print(f"agentcore-local: {error}", file=sys.stderr)
        raise SystemExit(1) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="agentcore-local",
        description="A local AWS with Bedrock AgentCore's Code Interpreter. It runs the code it is "
        "given on this machine, as you: give it only code that you would run yourself.",
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_up(commands)
    for name, run, text in (
        ("status", _status, "tell whether the local AWS runs, and how to use it"),
        ("reset", _reset, "stop every session and forget every resource"),
        ("down", _down, "stop the local AWS and everything it started"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        _add_data_folder(command)
        command.set_defaults(run=run)
    _add_env(commands)
    _add_run(commands)
    _add_sessions(commands)
    _add_faults(commands)
    _add_dashboard(commands)
    add_evidence(commands)
    conformance.add_command(commands, _values)
    return parser


def _add_up(commands: Any) -> None:
    up = commands.add_parser("up", help="start the local AWS", description="start the local AWS")
    up.add_argument("--port", type=int, default=DEFAULT_PORT, help="default: %(default)s")
    up.add_argument("--host", default=LOOPBACK, help="a loopback address; default: %(default)s")
    up.add_argument("--account", default=DEFAULT_ACCOUNT, help="default: %(default)s")
    up.add_argument("--region", default=DEFAULT_REGION, help="default: %(default)s")
    up.add_argument("--no-iam", action="store_true", help="allow every call, as no AWS does")
    up.add_argument("--detach", action="store_true", help="run in the background until `down`")
    up.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change a limit of the service; may be given several times",
    )
    up.add_argument(
        "--behavior",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="answer a question that AWS leaves open; may be given several times",
    )
    up.add_argument("--log-level", default="WARNING", help="default: %(default)s")
    _add_data_folder(up)
    up.set_defaults(run=_up)


def _add_env(commands: Any) -> None:
    text = "print or write the environment variables that point a tool at the local AWS"
    env = commands.add_parser("env", help=text, description=text)
    env.add_argument("--shell", choices=exports.FORMS, help="default: sh, or dotenv for a file")
    env.add_argument("--write", type=Path, metavar="FILE", help="such as .env")
    _add_data_folder(env)
    env.set_defaults(run=_env)


def _add_run(commands: Any) -> None:
    text = "run one command against the local AWS"
    run = commands.add_parser("run", help=text, description=text)
    _add_data_folder(run)
    run.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    run.set_defaults(run=_run_command)


def _add_sessions(commands: Any) -> None:
    text = "list the code interpreter sessions that are READY"
    sessions = commands.add_parser("sessions", help=text, description=text)
    sessions.add_argument("--all", action="store_true", help="the records of ended ones as well")
    _add_data_folder(sessions)
    sessions.set_defaults(run=_sessions)


def _add_faults(commands: Any) -> None:
    text = "show, add or clear faults"
    faults = commands.add_parser("faults", help=text, description=text)
    faults.add_argument("--clear", action="store_true", help="end every fault")
    faults.add_argument("--add", metavar="NAME", help="add a fault, such as throttle")
    faults.add_argument("options", nargs="*", metavar="NAME=VALUE", help="what the fault is about")
    _add_data_folder(faults)
    faults.set_defaults(run=_faults)


def _add_dashboard(commands: Any) -> None:
    text = "draw a deployed dashboard, with the data of the local CloudWatch"
    dashboard = commands.add_parser("dashboard", help=text, description=text)
    dashboard.add_argument("name", help="the dashboard's name, or the beginning of just one")
    dashboard.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="a .png or .html file"
    )
    dashboard.add_argument(
        "--hours", type=float, help="how much time it shows; as long as it says by default"
    )
    _add_data_folder(dashboard)
    dashboard.set_defaults(run=_dashboard)


def _add_data_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data-folder",
        type=Path,
        default=DEFAULT_DATA_FOLDER,
        help="where the local AWS keeps its files; default: %(default)s",
    )


def _up(options: argparse.Namespace) -> None:
    settings = Settings(
        data_folder=options.data_folder,
        port=options.port,
        host=options.host,
        account=options.account,
        region=options.region,
        enforce_iam=not options.no_iam,
        limits=_values(options.limit),
        behavior=_values(options.behavior),
        log_level=options.log_level,
    )
    running = _running(settings.data_folder)
    if running is not None:
        raise ValueError(
            f"a local AWS with this data folder runs already, at {running['endpoint_url']}; "
            "use it, stop it with `agentcore-local down`, or give another --data-folder"
        )
    settings.data_folder.mkdir(parents=True, exist_ok=True)
    if options.detach:
        _up_in_background(settings)
    else:
        _up_in_foreground(settings)


def _start(settings: Settings, log: IO[str] | None) -> tuple[subprocess.Popen[str], str]:
    # In the foreground it ends with us, even where nobody lets us say so (SIGKILL).
    process, port = start_server(settings, log=log, ends_with_us=log is None)
    endpoint_url = f"http://{settings.host}:{port}"
    state = {
        "pid": process.pid,
        "started": psutil.Process(process.pid).create_time(),
        "endpoint_url": endpoint_url,
        "settings": settings.as_json(),
    }
    (settings.data_folder / _STATE_FILE).write_text(json.dumps(state))
    return process, endpoint_url


def _up_in_background(settings: Settings) -> None:
    log_file = settings.data_folder / "server.log"
    with log_file.open("w") as log:
        try:
            _process, endpoint_url = _start(settings, log)
        except RuntimeError:
            raise RuntimeError(log_file.read_text().strip()[-2000:]) from None
    _print_exports(settings, endpoint_url)


def _up_in_foreground(settings: Settings) -> None:
    process, endpoint_url = _start(settings, None)
    signal.signal(signal.SIGTERM, _exit_as_told)
    try:
        _print_exports(settings, endpoint_url)
        print("# Ctrl-C stops it.", flush=True)
        process.wait()
    except KeyboardInterrupt:
        print("\nstopping the local AWS", file=sys.stderr)
    finally:
        stop_server(process.pid)
        process.wait()
        (settings.data_folder / _STATE_FILE).unlink(missing_ok=True)


def _exit_as_told(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def _print_exports(settings: Settings, endpoint_url: str) -> None:
    print(f"# Local AWS at {endpoint_url}. It runs the code it is given on this machine, as you.")
    print("# Paste this where you use the AWS CLI, an SDK or the CDK:")
    environment = environment_for(settings, endpoint_url)
    # Behind your own tools: the node, cdk and aws of this environment stand in for missing ones.
    scripts = environment.pop("PATH").split(os.pathsep)[0]
    for line in exports.lines("sh", environment):
        print(line)
    print(f'export PATH="$PATH":{shlex.quote(scripts)}')
    sys.stdout.flush()


def _env(options: argparse.Namespace) -> None:
    state = _require(options.data_folder)
    settings = Settings.from_json(state["settings"])
    environment = environment_for(settings, state["endpoint_url"])
    environment.pop("PATH")
    form = options.shell or ("dotenv" if options.write else "sh")
    written = "".join(f"{line}\n" for line in exports.lines(form, environment))
    if options.write is None:
        print(written, end="")
    else:
        # It holds credentials, if only those of the local AWS.
        options.write.touch(mode=0o600)
        options.write.write_text(written)
        print(f"the environment is written to {options.write}")


def _run_command(options: argparse.Namespace) -> int:
    state = _require(options.data_folder)
    command = [each for each in options.command if each != "--"]
    if not command:
        raise ValueError(
            "name a command to run: agentcore-local run -- aws sts get-caller-identity"
        )
    settings = Settings.from_json(state["settings"])
    environment = environment_for(settings, state["endpoint_url"])
    path = [os.environ.get("PATH", ""), environment.pop("PATH").split(os.pathsep)[0]]
    environment["PATH"] = os.pathsep.join(path)
    return subprocess.run(
        command, env={**without_aws_settings(os.environ), **environment}, check=False
    ).returncode


def _status(options: argparse.Namespace) -> None:
    state = _require(options.data_folder)
    status = _admin(state, "GET", "status")
    table = Table(title=f"Local AWS at {state['endpoint_url']}", show_header=False)
    for name, value in status.items():
        table.add_row(name, str(value))
    _console.print(table)
    _print_exports(Settings.from_json(state["settings"]), state["endpoint_url"])


def _sessions(options: argparse.Namespace) -> None:
    found = _admin(_require(options.data_folder), "GET", "sessions")["sessions"]
    sessions = [each for each in found if options.all or each["status"] == _READY]
    kind = "" if options.all else f" {_READY}"
    table = Table(title=f"{len(sessions)}{kind} session{'' if len(sessions) == 1 else 's'}")
    # A session without a name has no such member: the columns are those of all sessions.
    columns = list(dict.fromkeys(column for each in sessions for column in each)) or ["session"]
    for column in columns:
        table.add_column(column, no_wrap=True)
    for session in sessions:
        table.add_row(*(_readable(column, session.get(column)) for column in columns))
    # As wide as it needs to be: an id in pieces cannot be copied.
    Console(width=1000).print(table)


def _readable(column: str, value: Any) -> str:
    if value is None:
        return "-"
    if column.endswith("At"):
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds")
    return str(value)


def _reset(options: argparse.Namespace) -> None:
    _admin(_require(options.data_folder), "POST", "reset", {})
    print("every session is stopped and every resource forgotten")


def _dashboard(options: argparse.Namespace) -> None:
    from agentcore_local.picture import draw_dashboard

    state = _require(options.data_folder)
    settings = Settings.from_json(state["settings"])
    draw_dashboard(
        lambda service: client_for(settings, state["endpoint_url"], service),
        options.name,
        options.output,
        now=_admin(state, "GET", "status")["now"],
        hours=options.hours,
    )
    print(f"the dashboard is drawn in {options.output.resolve()}")


def _faults(options: argparse.Namespace) -> None:
    state = _require(options.data_folder)
    if options.options and not options.add:
        raise ValueError(f"{' '.join(options.options)} says what a fault is about; name it: --add")
    if options.clear:
        _admin(state, "DELETE", "faults")
    if options.add:
        _admin(state, "POST", "faults", {"fault": options.add, **_values(options.options)})
    print(json.dumps(_admin(state, "GET", "faults"), indent=2))


def _down(options: argparse.Namespace) -> None:
    state = _require(options.data_folder)
    stop_server(state["pid"])
    (options.data_folder / _STATE_FILE).unlink(missing_ok=True)
    print("the local AWS is stopped")


def _running(data_folder: Path) -> dict[str, Any] | None:
    """What was written down of a server that still runs, or None."""
    try:
        state: dict[str, Any] = json.loads((data_folder / _STATE_FILE).read_text())
        # A process id is used again; its start tells whether it is the same process.
        process = psutil.Process(state["pid"])
        is_it = abs(process.create_time() - state["started"]) < 1
        is_it = is_it and process.status() != psutil.STATUS_ZOMBIE
    except (FileNotFoundError, psutil.NoSuchProcess):
        return None
    except (ValueError, KeyError, TypeError):  # a file that was only half written
        return None
    return state if is_it else None


def _require(data_folder: Path) -> dict[str, Any]:
    state = _running(data_folder)
    if state is None:
        raise ValueError(
            f"no local AWS with the data folder {data_folder} is running; "
            "start one with `agentcore-local up`"
        )
    return state


def _admin(
    state: dict[str, Any], method: str, path: str, body: dict[str, Any] | None = None
) -> Any:
    request = urllib.request.Request(
        f"{state['endpoint_url']}{ADMIN_PATH}/{path}",
        method=method,
        data=json.dumps(body).encode() if body is not None else None,
    )
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            raise ValueError(json.load(error)["message"]) from None


def _values(pairs: Sequence[str]) -> dict[str, Any]:
    """Read NAME=VALUE pairs; a value is JSON where it can be, else text."""
    values: dict[str, Any] = {}
    for pair in pairs:
        name, separator, text = pair.partition("=")
        if not separator:
            raise ValueError(f"options are given as NAME=VALUE, got {pair!r}")
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
    return values
