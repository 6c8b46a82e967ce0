"""Invoke's tools for commands: run one, or run one as a task."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import shutil
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agentcore_local.service.processes import Processes
from agentcore_local.service.results import Execution, streams_execution, text_result

SHELL = shutil.which("bash") or "/bin/sh"

LONGEST_ARGUMENT = 100_000
"""A longer command goes to the shell in a file: Linux gives one argument 128 KiB at most."""

WATCH_SECONDS = 0.1
"""How often the output of a command is looked at, so that it cannot fill the disk."""


class Command:
    """One command of a session, with its output in files.

    Args:
        processes: Starts and ends it.
        output_folder: Where its output goes.
        limit: How many bytes of each stream are reported; a command that prints more is stopped.
        merged: Whether its two streams arrive as one, as from a terminal.
    """

    def __init__(
        self, processes: Processes, output_folder: Path, *, limit: int, merged: bool
    ) -> None:
        self._processes = processes
        self._limit = limit
        self._merged = merged
        name = uuid.uuid4().hex
        self._stdout = output_folder / f"{name}.out"
        self._stderr = self._stdout if merged else output_folder / f"{name}.err"
        self._script = output_folder / f"{name}.sh"
        self._started = time.perf_counter()
        self._pid = 0
        self._killed = False

    async def run(
        self,
        session: str,
        command: str,
        *,
        environment: Mapping[str, str],
        cwd: Path,
        timeout: float,
    ) -> Execution:
        """Run the command to its end, or for as long as it may take."""
        text = await asyncio.to_thread(self._as_argument, command)
        self._pid = await self._processes.run(
            session,
            [SHELL, "-c", text],
            environment=environment,
            cwd=cwd,
            stdout=self._stdout,
            stderr=self._stderr,
        )
        if self._killed:  # before it had a process
            await self.kill()
        end = asyncio.ensure_future(self._processes.wait(self._pid))
        note = ""
        try:
            if problem := await self._watch(end, timeout):
                await self.kill()
                note = f"The command was stopped: it {problem}\n"
            code = await end
        finally:
            end.cancel()
            self._script.unlink(missing_ok=True)
        return self._execution(128 - code if code < 0 else code, note)

    async def _watch(self, end: asyncio.Future[int], timeout: float) -> str:
        """Wait for the end, or for what the command does too much of; returns what that is."""
        deadline = time.perf_counter() + timeout
        while not end.done():
            left = deadline - time.perf_counter()
            if left <= 0:
                return f"took longer than {timeout:g} seconds"
            if max(_size(self._stdout), _size(self._stderr)) > self._limit:
                return f"printed more than {self._limit} bytes"
            await asyncio.wait({end}, timeout=min(left, WATCH_SECONDS))
        return ""

    async def kill(self) -> None:
        """Kill the command with its descendants, or as soon as it has a process."""
        self._killed = True
        if self._pid:
            await self._processes.kill(self._pid)

    def discard(self) -> None:
        """Delete the files of its output."""
        for file in {self._stdout, self._stderr}:
            file.unlink(missing_ok=True)

    def _as_argument(self, command: str) -> str:
        """The command itself, or one that has the same shell run it from a file."""
        encoded = command.encode()
        if len(encoded) <= LONGEST_ARGUMENT:
            return command
        self._script.write_bytes(encoded)
        # Not a script of its own: $0 and the names in error messages are those of any command.
        return f'eval "$(cat {shlex.quote(str(self._script))})"'

    def _execution(self, code: int, note: str) -> Execution:
        seconds = time.perf_counter() - self._started
        stdout = self._read(self._stdout)
        if self._merged:
            text = (stdout + note).replace("\n", "\r\n")
            streams = ("", text) if code else (text, "")
        else:
            streams = (stdout, self._read(self._stderr) + note)
        return streams_execution(*streams, exit_code=code, seconds=seconds)

    def _read(self, file: Path) -> str:
        with contextlib.suppress(FileNotFoundError), file.open("rb") as stream:
            return stream.read(self._limit).decode(errors="replace")
        return ""


def _size(file: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        return file.stat().st_size
    return 0


class Task:
    """A command that runs while its session does other things."""

    def __init__(self, command: Command) -> None:
        self.id = str(uuid.uuid4())
        self._command = command
        self._status = "submitted"
        self._work: asyncio.Task[Execution] | None = None

    def start(
        self,
        session: str,
        command: str,
        *,
        environment: Mapping[str, str],
        cwd: Path,
        timeout: float,
    ) -> dict[str, Any]:
        """Begin the command; returns the tool's result."""
        self._work = asyncio.create_task(
            self._command.run(session, command, environment=environment, cwd=cwd, timeout=timeout)
        )
        result = text_result("Successfully started a command execution task")
        return result | {"structuredContent": self._structured() | {"stdout": "", "stderr": ""}}

    def describe(self) -> dict[str, Any]:
        """How it stands; the result of `getTask`."""
        status = self._current_status()
        if status in ("completed", "failed"):
            assert self._work is not None
            return self._work.result().result(task=self._structured())
        result = text_result(f"Task is {status}")
        return result | {"structuredContent": self._structured()}

    async def stop(self) -> dict[str, Any]:
        """Cancel it; the result of `stopTask`."""
        status = self._current_status()
        if status != "working":
            return text_result(
                f"Task cannot be canceled (current status: TaskStatus.{status.upper()})",
                is_error=True,
            ) | {"structuredContent": self._structured()}
        self._status = "canceled"
        await self._command.kill()
        result = text_result("Successfully canceled the task")
        return result | {"structuredContent": self._structured()}

    async def ended(self) -> None:
        """Wait until the command has ended, however it did."""
        if self._work is not None:
            await asyncio.gather(self._work, return_exceptions=True)

    def _current_status(self) -> str:
        if self._status != "canceled":
            if self._work is None or not self._work.done():
                self._status = "working"
            elif self._work.exception() is not None or self._work.result().exit_code:
                self._status = "failed"
            else:
                self._status = "completed"
        return self._status

    def _structured(self) -> dict[str, Any]:
        return {"taskId": self.id, "taskStatus": self._status}
