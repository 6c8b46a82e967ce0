"""`agentcore-local`, run as a user runs it."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest


class Command:
    """Runs the installed command with a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        finished = subprocess.run(
            ["agentcore-local", *arguments, "--data-folder", str(self.folder)],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert not check or finished.returncode == 0, finished.stderr
        return finished


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    run = Command(tmp_path / "data")
    yield run
    run("down", check=False)


@pytest.fixture
def exports(command: Command) -> dict[str, str]:
    printed = command("up", "--detach", "--port", "0", "--region", "eu-west-1").stdout
    return dict(re.findall(r"^export (AWS_\w+)=(.*)$", printed, flags=re.MULTILINE))


def test_the_exports_point_any_tool_at_it(exports: dict[str, str]) -> None:
    identity = subprocess.run(
        ["aws", "sts", "get-caller-identity", "--query", "Account", "--output", "text"],
        env={"PATH": os.environ["PATH"], **exports},
        capture_output=True,
        text=True,
        check=True,
    )

    assert identity.stdout.strip() == "111122223333"
    assert exports["AWS_REGION"] == "eu-west-1"


@pytest.mark.usefixtures("exports")
def test_a_second_server_with_the_same_folder_is_refused(command: Command) -> None:
    second = command("up", "--detach", "--port", "0", check=False)

    assert second.returncode == 1
    assert "runs already" in second.stderr


@pytest.mark.usefixtures("exports")
def test_status_tells_account_and_region_until_it_is_down(command: Command) -> None:
    running = command("status").stdout
    command("down")
    stopped = command("status", check=False)

    assert "111122223333" in running
    assert stopped.returncode == 1
    assert "agentcore-local up" in stopped.stderr


def test_sessions_that_are_ready_are_listed_and_on_request_the_ended_ones(
    command: Command, exports: dict[str, str]
) -> None:
    def aws(operation: str, *options: str) -> str:
        interpreter = ["--code-interpreter-identifier", "aws.codeinterpreter.v1"]
        answer = subprocess.run(
            ["aws", "bedrock-agentcore", operation, *interpreter, *options],
            env={"PATH": os.environ["PATH"], **exports},
            capture_output=True,
            text=True,
            check=True,
        )
        return str(json.loads(answer.stdout)["sessionId"])

    # One session has a name and the other has none.
    ready = aws("start-code-interpreter-session")
    ended = aws("start-code-interpreter-session", "--name", "reports")
    aws("stop-code-interpreter-session", "--session-id", ended)

    printed, everything = command("sessions").stdout, command("sessions", "--all").stdout
    # An id in pieces cannot be copied.
    assert ready in printed
    assert ended not in printed
    assert "1 READY session " in printed
    assert ready in everything
    assert ended in everything
    today = datetime.now(UTC).date()
    assert re.search(rf"{today:%Y-%m}-\d\dT\d\d:\d\d:\d\d\+00:00", printed)


@pytest.mark.usefixtures("exports")
def test_a_reader_that_has_seen_enough_ends_every_command_quietly(command: Command) -> None:
    folder = ["--data-folder", str(command.folder)]
    said = {}
    for arguments in (["status", *folder], ["sessions", *folder], ["faults", *folder], ["--help"]):
        for unbuffered in ("", "1"):
            reading, writing = os.pipe()
            os.close(reading)
            with os.fdopen(writing, "w") as nobody:
                finished = subprocess.run(
                    ["agentcore-local", *arguments],
                    stdout=nobody,
                    stderr=subprocess.PIPE,
                    env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
                    text=True,
                    check=False,
                )
            said[arguments[0], unbuffered] = finished.stderr

    assert set(said.values()) == {""}, said


def documented(command_line: str) -> str:
    """The one line of the documentation's console blocks that begins with this."""
    page = Path(__file__).parents[2] / "docs" / "local-aws.md"
    [line] = re.findall(rf"^\$ ({re.escape(command_line)} .*)$", page.read_text(), re.MULTILINE)
    return str(line)


def typed(line: str, exports: dict[str, str], folder: Path) -> str:
    finished = subprocess.run(
        ["bash", "-c", line],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **exports},
        cwd=folder,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl to type it with")
def test_the_clock_moves_as_documented(exports: dict[str, str], tmp_path: Path) -> None:
    before = time.time()
    answer = typed(documented("curl"), exports, tmp_path)

    assert json.loads(answer)["now"] - before >= 3600


def test_a_folder_without_an_app_bootstraps_as_documented(command: Command, tmp_path: Path) -> None:
    printed = command("up", "--detach", "--port", "0").stdout
    exports = dict(re.findall(r"^export (AWS_\w+)=(.*)$", printed, flags=re.MULTILINE))

    typed(documented("cdk bootstrap"), exports, tmp_path)

    stack = ["aws", "cloudformation", "describe-stacks", "--stack-name", "CDKToolkit"]
    status = [*stack, "--query", "Stacks[0].StackStatus", "--output", "text"]
    assert typed(shlex.join(status), exports, tmp_path).strip() == "CREATE_COMPLETE"


def test_another_address_is_refused(command: Command) -> None:
    refused = command("up", "--detach", "--host", "0.0.0.0", check=False)

    assert refused.returncode == 1
    assert "loopback" in refused.stderr


def test_a_wrong_region_is_refused(command: Command) -> None:
    refused = command("up", "--detach", "--region", "narnia", check=False)

    assert refused.returncode == 1
    assert "'narnia'" in refused.stderr


def test_a_port_in_use_is_said_without_a_traceback(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for how in (["--detach"], []):
            refused = command("up", "--port", port, *how, check=False)
            assert refused.returncode == 1
            assert f"cannot listen on 127.0.0.1:{port}" in refused.stderr
            assert "Traceback" not in refused.stderr


def test_a_data_folder_that_cannot_be_one_is_said_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = Command(tmp_path / "file")("up", "--detach", "--port", "0", check=False)

    assert refused.returncode == 1
    assert str(tmp_path / "file") in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("content", ["", "{", "{}", "[]"])
def test_what_a_crash_left_half_written_is_no_server(command: Command, content: str) -> None:
    command.folder.mkdir()
    (command.folder / "server.json").write_text(content)
    status = command("status", check=False)

    assert status.returncode == 1
    assert "agentcore-local up" in status.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_in_the_foreground_the_server_ends_with_the_command(
    tmp_path: Path, number: signal.Signals
) -> None:
    process = subprocess.Popen(
        ["agentcore-local", "up", "--port", "0", "--data-folder", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        while "Ctrl-C" not in (line := process.stdout.readline()):
            assert line
        server = psutil.Process(json.loads((tmp_path / "server.json").read_text())["pid"])
        process.send_signal(number)
        process.wait(timeout=60)

    server.wait(timeout=60)
    assert not server.is_running()


@pytest.mark.usefixtures("exports")
def test_options_of_a_fault_without_its_name_are_refused(command: Command) -> None:
    refused = command("faults", "operation=Stop*", check=False)

    assert refused.returncode == 1
    assert "--add" in refused.stderr


def test_the_environment_is_written_for_every_shell_and_file(
    command: Command, exports: dict[str, str], tmp_path: Path
) -> None:
    endpoint = exports["AWS_ENDPOINT_URL"]
    assert f"export AWS_ENDPOINT_URL={endpoint}\n" in command("env").stdout
    assert f"set -gx AWS_ENDPOINT_URL '{endpoint}'" in command("env", "--shell", "fish").stdout
    assert f"$Env:AWS_ENDPOINT_URL = '{endpoint}'" in command("env", "--shell", "powershell").stdout

    file = tmp_path / ".env"
    command("env", "--write", str(file))
    written = dict(line.split("=", 1) for line in file.read_text().splitlines())
    assert written["AWS_ENDPOINT_URL"] == endpoint
    # What a file puts on PATH would take the place of the reader's own.
    assert "PATH" not in written


def test_what_is_pasted_stands_behind_the_users_own_tools(command: Command) -> None:
    printed = command("up", "--detach", "--port", "0").stdout
    (path,) = re.findall(r"^export PATH=(.*)$", printed, flags=re.MULTILINE)
    assert path.startswith('"$PATH":')


def test_one_command_runs_against_it(exports: dict[str, str], command: Command) -> None:
    assert exports
    ran = subprocess.run(
        [
            "agentcore-local",
            "run",
            "--data-folder",
            str(command.folder),
            "--",
            "aws",
            "sts",
            "get-caller-identity",
            "--query",
            "Account",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, '"111122223333"'), ran.stderr
