"""What a kernel says, in whatever order it says it."""

from __future__ import annotations

import asyncio
from typing import Any

from agentcore_local.service.kernels import OutputCollector


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
    collector = OutputCollector("code")

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
        collector = OutputCollector("code")
        asyncio.run(collector.collect(said))
        asyncio.run(collector.read_reply(replies))
        execution = collector.execution()
        assert (execution.stderr, execution.exit_code) == ("the traceback", 1)
        assert len(execution.content) == 1
