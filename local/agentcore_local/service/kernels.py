"""Jupyter kernels: Python, and Deno for JavaScript and TypeScript."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentcore_local.service.processes import HostLostError, Processes
from agentcore_local.service.results import Execution, image_block, plain, text_block

if TYPE_CHECKING:
    from jupyter_client.asynchronous.client import AsyncKernelClient

READY_SECONDS = 60
INTERRUPT_SECONDS = 3
MARK_SECONDS = 1
REPLY_SECONDS = 10

MESSAGES_AHEAD = 16
"""How many messages, of any size, may have arrived that are still to be read."""

KEPT_BYTES = 1 << 20
"""What is kept of an output that is too large. A result has it twice, and JSON writes six bytes for
one at worst, which is still less than a client reads in one event."""

LaunchedKernel = tuple[int, Path]
"""A kernel's process and its connection file."""


class KernelEndedError(Exception):
    """The kernel's process ended while it was needed.

    Attributes:
        exit_code: What the process ended with; None if the whole process host is gone.
    """

    def __init__(self, exit_code: int | None) -> None:
        super().__init__(f"the kernel ended with exit code {exit_code}")
        self.exit_code = exit_code


class OutputLimitError(Exception):
    """Code has put out more than a result may have; its text is for the caller."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"it put out more than {limit} bytes, and only the beginning is kept; "
            "print less, or write into a file that is read in parts"
        )


class JupyterKernel:
    """A kernel of one session: starts on first use, runs one piece of code at a time.

    Args:
        processes: Knows when the kernel's process ends.
        launch: Starts the kernel.
        check: Raises an error if the session has ended; asked whenever something may begin.
        output_limit: After how many bytes of output code is stopped.
        marking: Code that prints a text to both streams, for a kernel that may say that it is
            idle before it has sent all its output; what comes before the text is the output.
    """

    def __init__(
        self,
        processes: Processes,
        launch: Callable[[], Awaitable[LaunchedKernel]],
        *,
        check: Callable[[], None],
        output_limit: int,
        marking: Callable[[str], str] | None = None,
    ) -> None:
        self._processes = processes
        self._launch = launch
        self._check = check
        self._output_limit = output_limit
        self._marking = marking
        self._turn = asyncio.Lock()
        self._client: AsyncKernelClient | None = None
        self._pid = 0
        self._end: asyncio.Task[int] | None = None

    async def execute(self, code: str, *, timeout: float, fresh: bool = False) -> Execution:
        """Run code; its state is there for the next call.

        Args:
            code: The code.
            timeout: After how many seconds it is interrupted.
            fresh: Whether to forget all earlier state first.
        """
        async with self._turn:
            self._check()
            if fresh:
                await self._discard()
            started = time.perf_counter()
            try:
                client = await self._ready_client()
                execution = await self._run(client, code, timeout)
            except KernelEndedError as ended:
                await self._discard()
                execution = _ended_execution(ended)
            execution.seconds = time.perf_counter() - started
            return execution

    def close(self) -> None:
        """Let go of the kernel's sockets; its process is ended with the session."""
        if self._client is not None:
            # Not stop_channels: it opens the channels that were never used, and waits for them.
            self._client.context.destroy(linger=0)
            self._client = None
        if self._end is not None:
            self._end.cancel()
            self._end = None

    async def _discard(self) -> None:
        if self._client is not None:
            with contextlib.suppress(HostLostError):
                await self._processes.kill(self._pid)
        self.close()

    async def _ready_client(self) -> AsyncKernelClient:
        if self._end is not None and self._end.done():  # it ended between two calls
            await self._discard()
        if self._client is None:
            try:
                return await self._start()
            except KernelEndedError:  # another program took a port that it had been given
                await self._discard()
                return await self._start()
        return self._client

    async def _start(self) -> AsyncKernelClient:
        import zmq
        from jupyter_client.asynchronous.client import AsyncKernelClient
        from zmq.asyncio import Context

        self._check()
        self._pid, connection_file = await self._launch()
        self._end = asyncio.create_task(self._processes.wait(self._pid))
        self._end.add_done_callback(lambda end: end.cancelled() or end.exception())
        context = Context()
        # Deno's kernel drops what its reader is not quick enough for; ours waits for its reader.
        context.setsockopt(zmq.RCVHWM, 0 if self._marking is not None else MESSAGES_AHEAD)
        self._client = client = AsyncKernelClient(context=context)
        client.load_connection_file(str(connection_file))
        client.start_channels(stdin=False, hb=False)
        await self._until_end(_until_ready(client), READY_SECONDS)
        return client

    async def _run(self, client: AsyncKernelClient, code: str, timeout: float) -> Execution:
        message_id = client.execute(code, allow_stdin=False)
        collector = OutputCollector(message_id, self._output_limit)
        why = f"it took longer than {timeout:g} seconds"
        try:
            await self._until_end(collector.collect(client), timeout)
            with contextlib.suppress(TimeoutError):
                await self._until_end(collector.read_reply(client), REPLY_SECONDS)
            if self._marking is not None:
                await self._collect_the_rest(client, collector, self._marking, timeout)
            if collector.exits:  # it would end a moment later, and with it the next call
                await self._discard()
                collector.add_error(_told(KernelEndedError(None)))
        except (TimeoutError, OutputLimitError) as error:
            if isinstance(error, OutputLimitError):
                why = str(error)
            obeyed = await self._interrupt(client, collector)
            lost = "" if obeyed else ". It could not be interrupted, so its state is lost"
            collector.add_error(f"Execution was stopped: {why}{lost}")
        return collector.execution()

    async def _collect_the_rest(
        self,
        client: AsyncKernelClient,
        collector: OutputCollector,
        marking: Callable[[str], str],
        timeout: float,
    ) -> None:
        mark = secrets.token_hex(16)
        message_id = client.execute(marking(mark), allow_stdin=False, store_history=False)
        with contextlib.suppress(TimeoutError):  # code may have replaced what prints
            await self._until_end(collector.collect_mark(client, message_id, mark), timeout)

    async def _interrupt(self, client: AsyncKernelClient, collector: OutputCollector) -> bool:
        """Interrupt the code; whether it obeyed, or else the kernel had to be ended."""
        await self._processes.interrupt(self._pid)
        try:
            await self._until_end(collector.collect(client), INTERRUPT_SECONDS)
        except OutputLimitError:  # what it put out last was too much
            return await self._interrupt(client, collector)
        except (TimeoutError, KernelEndedError):
            await self._discard()
            return False
        return True

    async def _until_end(self, work: Awaitable[None], timeout: float) -> None:
        """Wait for some work, but not beyond the end of the kernel's process.

        Raises:
            KernelEndedError: The process ended first.
            TimeoutError: Neither happened in time.
        """
        end = self._end
        assert end is not None
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait({task, end}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            if end.done():
                lost = end.cancelled() or isinstance(end.exception(), HostLostError)
                raise KernelEndedError(None if lost else end.result())
            raise TimeoutError
        finally:
            if not task.done():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task


async def _until_ready(client: AsyncKernelClient) -> None:
    """Ask for the kernel's information until its broadcasts arrive as well.

    A broadcast that is sent before the subscription has reached the kernel is lost, and with it
    the output of the first code.
    """
    while True:
        message_id = client.kernel_info()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.25):
                while True:
                    message = await client.get_iopub_msg()
                    if _answers(message, message_id) and _is_idle(message):
                        break
                while not _answers(await client.get_shell_msg(), message_id):
                    pass
                return


def _answers(message: dict[str, Any], message_id: str) -> bool:
    return bool(message["parent_header"].get("msg_id") == message_id)


def _is_idle(message: dict[str, Any]) -> bool:
    if message["header"]["msg_type"] != "status":
        return False
    return bool(message["content"]["execution_state"] == "idle")


@dataclass(kw_only=True)
class _Block:
    """A piece of the output: text that comes together, or an image.

    Attributes:
        source: `stdout`, `value` and `stderr`, `error` for texts; `image`.
        texts: The text as it came; joined late, because there may be much of it.
        image: The image.
    """

    source: str
    texts: list[str] = field(default_factory=list)
    image: dict[str, Any] | None = None

    @property
    def text(self) -> str:
        return "".join(self.texts)


class OutputCollector:
    """Gathers what a piece of code puts out.

    Args:
        message_id: The request that ran the code.
        limit: How many bytes the code may put out.
    """

    def __init__(self, message_id: str, limit: int) -> None:
        self._message_id = message_id
        self._limit = limit
        self._size = 0
        self._blocks: list[_Block] = []
        self._failed = False
        self._reply: dict[str, Any] = {}

    async def collect(self, client: AsyncKernelClient) -> None:
        """Read broadcasts until the kernel is idle again.

        Raises:
            OutputLimitError: The code has put out too much; told once, the rest is left out.
        """
        while True:
            message = await client.get_iopub_msg()
            if _answers(message, self._message_id):
                if _is_idle(message):
                    return
                self._add(message["header"]["msg_type"], message["content"])
            await asyncio.sleep(0)  # where messages come quickly, nobody else had a turn

    async def read_reply(self, client: AsyncKernelClient) -> None:
        """Read the answer to the request itself, which tells of errors that no broadcast told."""
        while not self._reply:
            message = await client.get_shell_msg()
            if _answers(message, self._message_id):
                self._reply = message["content"]

    async def collect_mark(self, client: AsyncKernelClient, message_id: str, mark: str) -> None:
        """Read what was still under way, up to a mark that another message prints.

        Raises:
            OutputLimitError: The code has put out too much.
            TimeoutError: Nothing more comes, and the mark has not come.
        """
        unmarked = {"stdout": "", "stderr": ""}  # and what each has ended with
        try:
            while unmarked:
                async with asyncio.timeout(MARK_SECONDS):
                    message = await client.get_iopub_msg()
                kind, content = message["header"]["msg_type"], message["content"]
                is_mark = kind == "stream" and _answers(message, message_id)
                if is_mark or _answers(message, self._message_id):
                    if kind == "stream" and content["name"] in unmarked:
                        end = unmarked.pop(content["name"]) + content["text"]
                        if mark not in end:
                            unmarked[content["name"]] = end[-len(mark) :]
                    self._add(kind, content)
                await asyncio.sleep(0)
        finally:
            for block in self._blocks:
                block.texts = [block.text.replace(f"{mark}\n", "")]

    @property
    def exits(self) -> bool:
        """Whether the code has asked the kernel to end, as Python's `exit()` does."""
        return any(
            each["source"] == "ask_exit" and not each.get("keepkernel")
            for each in self._reply.get("payload", [])
        )

    def execution(self) -> Execution:
        """What was gathered so far."""
        if self._reply.get("status") == "error" and not self._failed:
            with contextlib.suppress(OutputLimitError):  # its beginning is enough
                self._add("error", self._reply)
        content = []
        streams: dict[str, list[str]] = {"stdout": [], "stderr": []}
        for block in self._blocks:
            text = block.text
            if block.image is not None:
                content.append(block.image)
            elif text:
                content.append(text_block(text.rstrip("\n")))
                stream = streams["stdout" if block.source in ("stdout", "value") else "stderr"]
                if block.source == "error" and stream and not stream[-1].endswith("\n"):
                    stream.append("\n")
                stream.append(text)
        return Execution(
            content=content,
            # The service's answers end without the last line's end.
            stdout="".join(streams["stdout"]).rstrip("\n"),
            stderr="".join(streams["stderr"]).rstrip("\n"),
            exit_code=1 if self._failed else 0,
        )

    def add_error(self, text: str) -> None:
        """Add the text of an error."""
        self._failed = True
        self._blocks.append(_Block(source="error", texts=[text]))

    def _add(self, kind: str, content: dict[str, Any]) -> None:
        if self._size > self._limit:
            return
        if kind == "stream":
            self._add_text(content["name"], plain(content["text"]))
        elif kind in ("execute_result", "display_data"):
            self._add_data(content["data"])
        elif kind == "error":
            # Deno's traceback of what is no Error is an empty text.
            traceback = plain("\n".join(content.get("traceback", []))).strip("\n")
            self.add_error(traceback or f"{content['ename']}: {content['evalue']}")
            self._count(len(traceback.encode(errors="replace")))

    def _add_text(self, source: str, text: str) -> None:
        if not self._blocks or self._blocks[-1].source != source:
            self._blocks.append(_Block(source=source))
        self._blocks[-1].texts.append(text)
        self._count(len(text.encode(errors="replace")))

    def _add_data(self, data: dict[str, Any]) -> None:
        for mime_type in ("image/png", "image/jpeg", "image/svg+xml"):
            if mime_type in data:
                raw = data[mime_type]
                image = raw.encode() if mime_type.endswith("xml") else base64.b64decode(raw)
                block = _Block(source="image", image=image_block(image, mime_type))
                self._blocks.append(block)
                self._count(len(image))
                return
        text = plain(str(data.get("text/plain", "")))
        if text:
            self._add_text("value", text + "\n")

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > self._limit:
            self._keep_the_beginning()
            raise OutputLimitError(self._limit)

    def _keep_the_beginning(self) -> None:
        left = min(self._limit, KEPT_BYTES)
        for number, block in enumerate(self._blocks):
            data = block.image["data"] if block.image else block.text.encode(errors="replace")
            if len(data) > left:
                del self._blocks[number:]
                if not block.image:
                    text = data[:left].decode(errors="ignore")
                    self._blocks.append(_Block(source=block.source, texts=[text]))
                return
            left -= len(data)


def _ended_execution(ended: KernelEndedError) -> Execution:
    execution = OutputCollector("", 0)
    execution.add_error(_told(ended))
    return execution.execution()


def _told(ended: KernelEndedError) -> str:
    how = "" if ended.exit_code is None else f" with exit code {ended.exit_code}"
    return f"The interpreter's process ended{how}; its state is lost"


def write_connection_file(path: Path) -> None:
    """Choose loopback ports for a kernel that knows no other transport; its key is a secret."""
    from jupyter_client.connect import write_connection_file as write

    write(str(path), ip="127.0.0.1", transport="tcp", key=secrets.token_bytes(16).hex().encode())
