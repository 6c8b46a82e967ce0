"""The service's side of the process host: starts it, asks it, ends it, cleans up after a kill."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

logger = logging.getLogger(__name__)

OWNER_VARIABLE = "AGENTCORE_LOCAL_DATA"
"""Marks the process host and all below it with the data folder that they belong to."""

SESSION_VARIABLE = "AGENTCORE_LOCAL_SESSION"


@dataclass(frozen=True, kw_only=True)
class SessionUsage:
    """What a session has used, by the operating system's figures.

    Attributes:
        cpu_seconds: Processor time of all its processes since it started.
        memory_bytes: Resident memory of its processes now.
    """

    cpu_seconds: float = 0.0
    memory_bytes: float = 0.0


@dataclass(frozen=True, kw_only=True)
class RunningKernel:
    """A Python kernel of a session.

    Attributes:
        pid: Its keeper's process.
        connection_file: Jupyter's connection file.
    """

    pid: int
    connection_file: Path


ASKING_SECONDS = 2
GIVE_UP_SECONDS = 10
"""For how long processes that were left behind are asked to end, and then killed."""

LONGEST_SOCKET_FOLDER = 70
"""A socket's path has room for 103 characters on the narrowest system; names below need 30."""


class HostLostError(Exception):
    """The process host ended, and every process of every session with it."""

    def __init__(self) -> None:
        super().__init__("the process that runs sessions has ended")


class Processes:
    """Starts and ends the processes of sessions, through one process host.

    Args:
        data_folder: The local AWS's own folder; marks what belongs to it.
        warm_kernels: How many Python kernels are kept ready for sessions to come.
    """

    def __init__(self, data_folder: Path, *, warm_kernels: int = 2) -> None:
        self._data_folder = data_folder
        self._warm_kernels = warm_kernels
        self._host: asyncio.subprocess.Process | None = None
        self._starting = asyncio.Lock()
        self._reader: asyncio.Task[None] | None = None
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._ends: dict[int, asyncio.Future[int]] = {}
        self._next_id = 0
        self._stopped = False
        self._folder: Path | None = None

    @property
    def folder(self) -> Path:
        """A short folder for sockets."""
        if self._folder is None:
            self._folder = _make_socket_folder()
            record = self._data_folder / "sockets"
            record.write_text(str(self._folder))
        return self._folder

    async def start(self) -> None:
        """Start the host unless it runs.

        Raises:
            HostLostError: This has been stopped.
        """
        async with self._starting:
            if self._stopped:
                raise HostLostError
            if self._runs():
                return
            if self._reader is not None:  # a host was lost, and may have left something behind
                await asyncio.to_thread(end_marked, self._data_folder)
            program = Path(__file__).with_name("process_host.py")
            self._host = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-W",
                "ignore",
                str(program),
                str(self.folder),
                str(self._warm_kernels),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,  # Ctrl-C at a terminal is the service's to handle
                limit=1 << 24,
                env=self._host_environment(),
            )
            self._reader = asyncio.create_task(self._read(self._host))

    def _runs(self) -> bool:
        """Whether the host is there; what it says ends when it does."""
        return self._reader is not None and not self._reader.done()

    def _host_environment(self) -> dict[str, str]:
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(home),
            "IPYTHONDIR": str(home),
            "LANG": "C.UTF-8",
            OWNER_VARIABLE: str(self._data_folder),
        }

    async def stop(self) -> None:
        """End the host, and with it every process of every session."""
        async with self._starting:
            self._stopped = True
        host, self._host = self._host, None
        if host is not None:
            assert host.stdin is not None
            host.stdin.close()
            try:
                await asyncio.wait_for(host.wait(), timeout=10)
            except TimeoutError:
                host.kill()
                await host.wait()
                await asyncio.to_thread(end_marked, self._data_folder)
        if self._reader is not None:
            await self._reader
            self._reader = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            (self._data_folder / "sockets").unlink(missing_ok=True)
            self._folder = None

    async def start_kernel(
        self, session: str, *, environment: Mapping[str, str], cwd: Path, path: Sequence[str]
    ) -> RunningKernel:
        """Get a Python kernel for a session; `path` goes before its module search path."""
        answer = await self._ask(
            "kernel", session=session, env=dict(environment), cwd=str(cwd), path=list(path)
        )
        return RunningKernel(pid=answer["pid"], connection_file=Path(answer["connection"]))

    async def run(
        self,
        session: str,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        cwd: Path,
        stdout: Path,
        stderr: Path,
    ) -> int:
        """Start a program for a session, its output appended to files; returns its keeper's id."""
        answer = await self._ask(
            "run",
            session=session,
            argv=list(argv),
            env=dict(environment),
            cwd=str(cwd),
            stdout=str(stdout),
            stderr=str(stderr),
        )
        return int(answer["pid"])

    async def wait(self, pid: int) -> int:
        """Wait for the end of a process; the exit code is negative where a signal ended it.

        Each process may be waited for once.

        Raises:
            HostLostError: The host ended before the process did.
        """
        end = self._end_of(pid)
        try:
            return await asyncio.shield(end)
        finally:
            if end.done():
                self._ends.pop(pid, None)

    async def kill(self, pid: int) -> None:
        """Kill one process that `run` or `start_kernel` started, with its descendants."""
        await self._ask("kill", pid=pid)

    async def interrupt(self, pid: int) -> None:
        """Send Ctrl-C to one process that `run` or `start_kernel` started."""
        await self._ask("interrupt", pid=pid)

    async def end_session(self, session: str) -> SessionUsage:
        """Kill every process of a session; returns what they had used."""
        if not self._runs():
            return SessionUsage()
        answer = await self._ask("end", session=session)
        return SessionUsage(cpu_seconds=answer["cpu_seconds"], memory_bytes=answer["memory_bytes"])

    async def usage(self) -> dict[str, SessionUsage]:
        """What each session that has had a process uses."""
        if not self._runs():
            return {}
        answer = await self._ask("usage")
        return {
            session: SessionUsage(cpu_seconds=cpu, memory_bytes=memory)
            for session, (cpu, memory) in answer["sessions"].items()
        }

    def _end_of(self, pid: int) -> asyncio.Future[int]:
        if pid not in self._ends:
            self._ends[pid] = asyncio.get_running_loop().create_future()
        return self._ends[pid]

    async def _ask(self, operation: str, **arguments: object) -> dict[str, Any]:
        """Ask the host, or once more a new one: what the lost one had begun ended with it."""
        try:
            return await self._ask_once(operation, **arguments)
        except HostLostError:
            return await self._ask_once(operation, **arguments)

    async def _ask_once(self, operation: str, **arguments: object) -> dict[str, Any]:
        await self.start()
        host = self._host
        if host is None or host.stdin is None:
            raise HostLostError
        self._next_id += 1
        number = self._next_id
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        request = json.dumps({"op": operation, "id": number, **arguments})
        try:
            host.stdin.write(request.encode() + b"\n")
            await host.stdin.drain()
            return await answer
        except ConnectionError as error:
            raise HostLostError from error
        finally:
            self._answers.pop(number, None)

    async def _read(self, host: asyncio.subprocess.Process) -> None:
        assert host.stdout is not None
        while line := await host.stdout.readline():
            message = json.loads(line)
            if "exited" in message:
                end = self._end_of(message["exited"])
                if not end.done():
                    end.set_result(message["code"])
                continue
            if "pid" in message:  # before its end can be reported: the lines are in order
                self._ends[message["pid"]] = asyncio.get_running_loop().create_future()
            answer = self._answers.get(message["id"])
            if answer is not None and not answer.done():
                if "error" in message:
                    answer.set_exception(RuntimeError(message["error"]))
                else:
                    answer.set_result(message)
        self._lose_everything()

    def _lose_everything(self) -> None:
        futures: list[asyncio.Future[Any]] = [*self._answers.values(), *self._ends.values()]
        for future in futures:
            if not future.done():
                future.set_exception(HostLostError())
                future.exception()  # nobody need be waiting
        self._ends.clear()


def _make_socket_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="acl-"))
    if len(str(folder)) > LONGEST_SOCKET_FOLDER:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="acl-", dir="/tmp"))
    return folder


def clean_up_after_kill(data_folder: Path) -> int:
    """End what a service that was itself killed has left running; returns how many there were.

    The process host ends by itself when the service dies. This is for what survived the host too.
    """
    record = data_folder / "sockets"
    if not record.exists():
        return 0
    count = end_marked(data_folder)
    shutil.rmtree(record.read_text(), ignore_errors=True)
    record.unlink()
    return count


def end_marked(data_folder: Path) -> int:
    """End every process that carries the mark of a data folder; returns how many there were.

    They are asked first: a keeper then ends what is below it and carries no mark.
    """
    found: set[psutil.Process] = set()
    started = time.monotonic()
    while (left := _marked(data_folder)) and time.monotonic() < started + GIVE_UP_SECONDS:
        asked = time.monotonic() > started + ASKING_SECONDS
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.send_signal(signal.SIGKILL if asked else signal.SIGTERM)
        found.update(left)
        time.sleep(0.01)
    return len(found)


def _marked(data_folder: Path) -> list[psutil.Process]:
    marked = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # a zombie has no environment
            if process.environ().get(OWNER_VARIABLE) == str(data_folder):
                marked.append(process)
    return marked
