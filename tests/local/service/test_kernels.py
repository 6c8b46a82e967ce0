"""What a kernel says, in whatever order it says it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agentcore_local.service.errors import ServiceError, not_found
from agentcore_local.service.kernels import (
    JupyterKernel,
    LaunchedKernel,
    OutputCollector,
    OutputLimitError,
)
from agentcore_local.service.processes import Processes

LIMIT = 1000


class Sayings:
    """A kernel's client that has received some messages already.

    Each message is the id of the request that it is about, its type and its content.
    """

    def __init__(self, *messages: tuple[str, str, dict[str, Any]]) -> None:
        self._messages = [
            {"parent_header": {"msg_id": about}, "header": {"msg_type": kind}, "content": content}
            for about, kind, content in messages
        ]

    async def get_iopub_msg(self) -> dict[str, Any]:
        return self._messages.pop(0)

    get_shell_msg = get_iopub_msg


def stream(about: str, name: str, text: str) -> tuple[str, str, dict[str, Any]]:
    return about, "stream", {"name": name, "text": text}


def idle(about: str) -> tuple[str, str, dict[str, Any]]:
    return about, "status", {"execution_state": "idle"}


def test_a_value_that_comes_after_idle_is_part_of_the_output() -> None:
    said: Any = Sayings(
        idle("code"),
        ("code", "execute_result", {"data": {"text/plain": "42"}}),
        ("earlier", "execute_result", {"data": {"text/plain": "not ours"}}),
        stream("mark", "stdout", "MARK\n"),
        ("mark", "execute_result", {"data": {"text/plain": "undefined"}}),
        stream("mark", "stderr", "MARK\n"),
    )
    collector = OutputCollector("code", LIMIT)

    async def collect() -> None:
        await collector.collect(said)
        await collector.collect_mark(said, "mark", "MARK")

    asyncio.run(collect())
    execution = collector.execution()
    assert (execution.stdout, execution.stderr, execution.exit_code) == ("42", "", 0)
    assert execution.content == [{"type": "text", "text": "42"}]


def test_an_error_is_told_once_by_broadcast_or_reply() -> None:
    error = {"ename": "Error", "evalue": "wrong", "traceback": ["the traceback"]}
    for broadcast in ([("code", "error", error)], []):
        said: Any = Sayings(*broadcast, idle("code"))
        replies: Any = Sayings(
            ("earlier", "execute_reply", {"status": "ok"}),
            ("code", "execute_reply", {"status": "error", **error}),
        )
        collector = OutputCollector("code", LIMIT)
        asyncio.run(collector.collect(said))
        asyncio.run(collector.read_reply(replies))
        execution = collector.execution()
        assert (execution.stderr, execution.exit_code) == ("the traceback", 1)
        assert len(execution.content) == 1


def test_the_rest_may_take_its_time_and_leaves_no_mark_when_it_does_not_come() -> None:
    class Silence(Sayings):
        async def get_iopub_msg(self) -> dict[str, Any]:
            return await super().get_iopub_msg() if self._messages else await asyncio.Future()

    said: Any = Silence(
        stream("code", "stdout", "late\n"),
        stream("mark", "stdout", "MA"),
        stream("mark", "stdout", "RK\n"),
        stream("code", "stdout", "later\n"),
    )
    collector = OutputCollector("code", LIMIT)
    with pytest.raises(TimeoutError):
        asyncio.run(collector.collect_mark(said, "mark", "MARK"))
    assert collector.execution().stdout == "late\nlater"


def test_an_output_beyond_the_limit_is_told_once_and_its_beginning_kept() -> None:
    image = {"data": {"image/svg+xml": "<svg/>" * 100}}
    said: Any = Sayings(
        stream("code", "stdout", "a" * 400),
        ("code", "display_data", image),
        stream("code", "stdout", "b" * 400),
        stream("code", "stderr", "c" * 400),
        idle("code"),
    )
    collector = OutputCollector("code", LIMIT)
    with pytest.raises(OutputLimitError, match="more than 1000 bytes"):
        asyncio.run(collector.collect(said))
    asyncio.run(collector.collect(said))
    execution = collector.execution()
    assert [block["type"] for block in execution.content] == ["text", "image"]
    assert (execution.stdout, execution.stderr) == ("a" * 400, "")


MANY_MESSAGES = """
import socket
publisher = get_ipython().display_pub
for number in range(1400):  # not print or display, which wait until they have been sent
    content = {"name": "stdout", "text": f"{number:.<10000}\\n"}
    pub_socket, parent = publisher.pub_socket, publisher.parent_header
    publisher.session.send(pub_socket, "stream", content, parent=parent)
socket.socket(socket.AF_UNIX).connect("SAID")
"""
"""More than ZeroMQ keeps for one who does not read, which is about 1000 messages, but so few that
the kernel has said all without waiting for its reader."""


def test_no_output_is_lost_while_nobody_reads(tmp_path: Path) -> None:
    async def run() -> str:
        processes = Processes(tmp_path, warm_kernels=0)
        said = asyncio.Event()

        async def launch() -> LaunchedKernel:
            kernel = await processes.start_kernel("one", environment={}, cwd=tmp_path, path=[])
            return kernel.pid, kernel.connection_file

        def hear(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()
            said.set()

        kernel = JupyterKernel(processes, launch, check=lambda: None, output_limit=100_000_000)
        place = str(processes.folder / "said")
        server = await asyncio.start_unix_server(hear, place)
        try:
            client = await kernel._ready_client()
            code = MANY_MESSAGES.replace("SAID", place)
            collector = OutputCollector(client.execute(code), 100_000_000)
            await asyncio.wait_for(said.wait(), 60)
            await asyncio.wait_for(collector.collect(client), 60)
            return collector.execution().stdout
        finally:
            server.close()
            kernel.close()
            await processes.stop()

    assert [int(line.rstrip(".")) for line in asyncio.run(run()).split("\n")] == list(range(1400))


def test_a_call_whose_turn_comes_after_the_end_starts_nothing(tmp_path: Path) -> None:
    started = []

    async def launch() -> LaunchedKernel:
        started.append(True)
        return 0, tmp_path

    def check() -> None:
        raise not_found("the session has ended")

    async def run() -> None:
        processes = Processes(tmp_path, warm_kernels=0)
        kernel = JupyterKernel(processes, launch, check=check, output_limit=LIMIT)
        await kernel.execute("1", timeout=1)

    with pytest.raises(ServiceError, match="the session has ended"):
        asyncio.run(run())
    assert started == []
