"""Starting and stopping the server process of a local AWS."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import IO

import psutil

from agentcore_local.settings import Settings

_STOP_TIMEOUT_SECONDS = 20


def start_server(
    settings: Settings, *, log: IO[str] | None, ends_with_us: bool
) -> tuple[subprocess.Popen[str], int]:
    """Start a server and wait until it answers.

    Args:
        settings: the options of the local AWS.
        log: where its log goes; standard error when it is None.
        ends_with_us: whether the server stops when this process ends, however it ends.

    Returns:
        The process, and the port that it serves.

    Raises:
        RuntimeError: it ended before it served.
    """
    options = ["--stop-with-standard-input"] if ends_with_us else []
    process = subprocess.Popen(
        # -P: else a file of the user's folder, such as secrets.py, is imported for Python's own.
        [sys.executable, "-P", "-m", "agentcore_local.server", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        env=without_aws_settings(os.environ),
        text=True,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError):  # It has ended already, which is told below.
        process.stdin.write(json.dumps(settings.as_json()) + "\n")
        process.stdin.flush()
        if not ends_with_us:
            process.stdin.close()
    line = process.stdout.readline()
    process.stdout.close()
    if not line:
        with suppress(BrokenPipeError):
            process.stdin.close()
        raise RuntimeError(f"the local AWS ended with {process.wait()} at its start")
    return process, int(json.loads(line)["port"])


def stop_server(pid: int) -> None:
    """End a server and every process below it: politely first, then by force."""
    try:
        server = psutil.Process(pid)
        below = server.children(recursive=True)
    except psutil.NoSuchProcess:
        return
    server.send_signal(signal.SIGTERM)
    _gone, alive = psutil.wait_procs([server], timeout=_STOP_TIMEOUT_SECONDS)
    for process in [*alive, *below]:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs([*alive, *below], timeout=_STOP_TIMEOUT_SECONDS)


def without_aws_settings(environment: os._Environ[str] | dict[str, str]) -> dict[str, str]:
    """An environment without the caller's own endpoint, profile and credentials."""
    return {name: value for name, value in environment.items() if not name.startswith("AWS_")}
