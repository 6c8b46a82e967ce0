"""Node for `runtime=nodejs`: one process per session, driven over a socket.

JavaScript is CommonJS: what a script declares at its top level stays for the next one. TypeScript
is an ES module, whose declarations are its own by the language; what it sets on `globalThis` stays.
https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/code-interpreter-runtime-selection.html
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from agentcore_local.service.processes import HostLostError, Processes
from agentcore_local.service.results import Execution, plain, streams_execution

DRIVER = Path(__file__).with_name("node_driver.mjs")
FLAGS = ("--experimental-vm-modules", "--no-warnings")


class NodeProcess:
    """The Node process of one session; starts on first use.

    Args:
        processes: Starts and ends it.
        check: Raises an error if the session has ended; asked when a call's turn has come.
        session: The session's id.
        node: The program.
        environment: The session's environment.
        cwd: The session's working directory.
        log: Where output goes that bypasses Node's streams.
    """

    def __init__(
        self,
        processes: Processes,
        session: str,
        *,
        check: Callable[[], None],
        node: str,
        environment: Mapping[str, str],
        cwd: Path,
        log: Path,
    ) -> None:
        self._processes = processes
        self._session = session
        self._check = check
        self._node = node
        self._environment = environment
        self._cwd = cwd
        self._log = log
        self._socket = processes.folder / f"n{session}"
        self._turn = asyncio.Lock()
        self._server: asyncio.Server | None = None
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._pid = 0

    async def execute(self, language: str, code: str, *, timeout: float) -> Execution:
        """Run code until nothing is left to wait for."""
        async with self._turn:
            self._check()
            started = time.perf_counter()
            self._read_log()
            try:
                answer = await asyncio.wait_for(self._call(language, code), timeout)
            except TimeoutError:
                note = f"Execution was stopped: it took longer than {timeout:g} seconds\n"
                await self._discard()
                answer = {"stdout": "", "stderr": note, "exitCode": 1}
            return streams_execution(
                plain(answer["stdout"]).rstrip("\n"),
                plain(answer["stderr"]).rstrip("\n"),
                answer["exitCode"],
                time.perf_counter() - started,
            )

    def close(self) -> None:
        """Let go of the sockets; the process is ended with the session."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
        if self._server is not None:
            self._server.close()
            self._server = None
        self._socket.unlink(missing_ok=True)

    async def _discard(self) -> None:
        with contextlib.suppress(HostLostError):
            await self._processes.kill(self._pid)
        self.close()

    async def _call(self, language: str, code: str) -> dict[str, Any]:
        streams = self._streams or await self._start()
        if streams is None:
            return self._answer_of_ended()
        reader, writer = streams
        writer.write(json.dumps({"language": language, "code": code}).encode() + b"\n")
        with contextlib.suppress(ConnectionError):
            await writer.drain()
            if line := await reader.readline():
                answer: dict[str, Any] = json.loads(line)
                answer["stdout"] += self._read_log()
                return answer
        return self._answer_of_ended()

    def _answer_of_ended(self) -> dict[str, Any]:
        """What a process has said that exited while it ran code: its state is lost."""
        self.close()
        last_words = Path(f"{self._socket}.exit")
        try:
            answer: dict[str, Any] = json.loads(last_words.read_text())
        except FileNotFoundError:
            text = "The interpreter's process ended; its state is lost\n"
            return {"stdout": "", "stderr": text, "exitCode": 1}
        last_words.unlink()
        return answer

    async def _start(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Start the process; None if it ended before it was up."""
        connected: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = (
            asyncio.get_running_loop().create_future()
        )

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if connected.done():
                writer.close()
            else:
                connected.set_result((reader, writer))

        self._server = await asyncio.start_unix_server(accept, self._socket, limit=1 << 30)
        self._pid = await self._processes.run(
            self._session,
            [self._node, *FLAGS, str(DRIVER), str(self._socket)],
            environment=self._environment,
            cwd=self._cwd,
            stdout=self._log,
            stderr=self._log,
        )
        end = asyncio.create_task(self._processes.wait(self._pid))
        end.add_done_callback(lambda end: end.cancelled() or end.exception())
        # However it ends, nobody would connect any more.
        end.add_done_callback(lambda _: connected.cancel())
        try:
            await asyncio.wait({connected})
        finally:
            end.cancel()
        self._streams = None if connected.cancelled() else connected.result()
        return self._streams

    def _read_log(self) -> str:
        """What child processes have printed since the last time, past Node's own streams."""
        try:
            text = self._log.read_text(errors="replace")
        except FileNotFoundError:
            return ""
        if text:
            with self._log.open("w"):
                pass
        return text
