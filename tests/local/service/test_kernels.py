"""What a kernel says, in whatever order it says it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

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
publisher = get_ipython().display_pub
for number in range(3000):  # not print or display, which wait until they have been sent
    content = {"name": "stdout", "text": f"{number:01000}\\n"}
    socket, parent = publisher.pub_socket, publisher.parent_header
    publisher.session.send(socket, "stream", content, parent=parent)
open("said", "w").close()
"""


def test_no_output_is_lost_while_nobody_reads(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "said")

    async def run() -> str:
        processes = Processes(tmp_path, warm_kernels=0)

        async def launch() -> LaunchedKernel:
            kernel = await processes.start_kernel("one", environment={}, cwd=tmp_path, path=[])
            return kernel.pid, kernel.connection_file

        kernel = JupyterKernel(processes, launch, output_limit=10_000_000)
        try:
            client = await kernel._ready_client()
            collector = OutputCollector(client.execute(MANY_MESSAGES), 10_000_000)
            await asyncio.to_thread((tmp_path / "said").read_text)
            await asyncio.wait_for(collector.collect(client), 60)
            return collector.execution().stdout
        finally:
            kernel.close()
            await processes.stop()

    assert [int(line) for line in asyncio.run(run()).split("\n")] == list(range(3000))
