"""The functions that manage sessions: how fast they drain, what they need, how they start."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from agentcore_local import LocalAws

from .figures import Figure, counted, measured, ratio
from .processes import REPOSITORY, in_turns, seconds

APPS = Path(__file__).with_name("apps")
LAMBDA = REPOSITORY / "lambda"
SESSIONS = 1000
RATE = 20
AT_ONCE = 5
# Sessions are started as fast as the machine can; everything else has the account's real rates.
LIMITS = {"requests_per_second": {"StartCodeInterpreterSession": 1e6}}


def drains() -> Iterator[Figure]:
    """A thousand sessions at the account's 30 requests a second: one drain, five at once."""
    yield from _drained("one drain", interpreters=1)
    yield from _drained("five drains at once", interpreters=AT_ONCE)


def _drained(name: str, *, interpreters: int) -> Iterator[Figure]:
    with LocalAws(enforce_iam=False, limits=LIMITS) as aws:
        made = [_interpreter(aws, f"bench{number}") for number in range(interpreters)]
        _open(aws, made, SESSIONS // interpreters)
        with ThreadPoolExecutor(interpreters) as pool:
            ends = list(pool.map(lambda each: _drain(aws, each, interpreters), made))
    if any(end["left"] != "0" for end in ends):
        raise RuntimeError(f"a drain left sessions: {ends}")
    slowest = max(end["seconds"] for end in ends)
    yield counted(
        f"{name}: {SESSIONS} sessions / what {RATE} requests a second allow",
        slowest / (SESSIONS / RATE),
        "x",
        target=1.15,
    )
    refused = sum(end["throttled"] for end in ends) / sum(end["requests"] for end in ends)
    yield counted(f"{name}: requests that were throttled", 100 * refused, "%", target=2)
    peak = max(end["peak_mebibytes"] for end in ends)
    yield counted(f"{name}: peak memory of a function", peak, "MiB", target=128)


def _interpreter(aws: LocalAws, name: str) -> str:
    control = aws.client("bedrock-agentcore-control")
    made = control.create_code_interpreter(
        name=name, networkConfiguration={"networkMode": "SANDBOX"}
    )
    identifier = str(made["codeInterpreterId"])
    while control.get_code_interpreter(codeInterpreterId=identifier)["status"] != "READY":
        aws.admin("POST", "clock", {"advance_seconds": 1})
    return identifier


def _open(aws: LocalAws, interpreters: list[str], count: int) -> None:
    data = aws.client("bedrock-agentcore")
    for identifier in interpreters:
        for _ in range(count):
            data.start_code_interpreter_session(
                codeInterpreterIdentifier=identifier, sessionTimeoutSeconds=28_800
            )


def _drain(aws: LocalAws, identifier: str, interpreters: int) -> dict[str, Any]:
    """Run a drain in a process of its own, as Lambda does."""
    environment = {"REQUESTS_PER_SECOND": str(RATE), "INTERPRETERS": str(interpreters)}
    process = subprocess.Popen(
        [sys.executable, APPS / "drain.py", identifier],
        env=_environment(aws, environment),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = process.stdout.read().splitlines()
    process.stdout.close()
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the drain ended with {process.returncode}: {lines[-3:]}")
    return {**json.loads(lines[-1]), "peak_mebibytes": usage.ru_maxrss / 1024}


def _environment(aws: LocalAws, more: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, **aws.environment, "PYTHONPATH": str(LAMBDA), **more}


def functions() -> Iterator[Figure]:
    """What a cold start imports, what is uploaded, and what a tick with nothing to do calls."""
    environment = {"PYTHONPATH": str(LAMBDA), "AWS_DEFAULT_REGION": "us-east-1"}
    client = 'client("bedrock-agentcore")'
    commands = {
        "boto3": [sys.executable, "-c", f"import boto3; boto3.{client}"],
        **{
            name: [
                sys.executable,
                "-c",
                f"from session_manager import {name}, clients; clients.{which}(None)",
            ]
            for name, which in (
                ("drain", "session_client"),
                ("janitor", "session_client"),
                ("canary", "tool_client"),
            )
        },
    }
    runs = in_turns(commands, rounds=9, environments=dict.fromkeys(commands, environment))
    for name in ("drain", "janitor", "canary"):
        yield ratio(
            f"import of the {name} and a client / boto3 and a client",
            seconds(runs[name]),
            seconds(runs["boto3"]),
            target=1.1,
        )
    yield measured("import of boto3 and a client", seconds(runs["boto3"]), "s")
    yield counted("package of the functions, zipped", _zipped_size() / 1024, "KiB")
    with LocalAws(enforce_iam=False) as aws:
        identifier = _interpreter(aws, "bench")
        finished = subprocess.run(
            [sys.executable, APPS / "tick.py", identifier],
            env=_environment(aws, {}),
            capture_output=True,
            text=True,
            check=True,
        )
    calls = json.loads(finished.stdout.splitlines()[-1])
    yield counted("calls of a tick with nothing to do", len(calls), "", target=1)


def _zipped_size() -> int:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted((LAMBDA / "session_manager").rglob("*.py")):
            archive.write(file, file.relative_to(LAMBDA))
    return len(content.getvalue())
