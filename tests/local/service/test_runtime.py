"""What a session's end leaves of the calls that are under way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agentcore_local.service import files
from agentcore_local.service.errors import ServiceError
from agentcore_local.service.limits import Limits
from agentcore_local.service.processes import Processes
from agentcore_local.service.runtime import SessionRuntime, session_folders
from agentcore_local.service.tools import run_tool


@asynccontextmanager
async def runtime_in(folder: Path) -> AsyncIterator[SessionRuntime]:
    """The runtime of a session that has done nothing yet."""
    folders = session_folders(folder, "one")
    folders.create()
    processes = Processes(folder, warm_kernels=0)
    environment = {"PATH": "/usr/bin:/bin", "AGENTCORE_LOCAL_SESSION": "one"}
    runtime = SessionRuntime("one", folders, environment, processes, Limits(), merged_output=False)
    try:
        yield runtime
    finally:
        await processes.stop()
        await runtime.close()


@pytest.mark.parametrize("abandoned", [False, True])
def test_the_folder_goes_after_the_last_call_that_works_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abandoned: bool
) -> None:
    begun, may_go_on = threading.Event(), threading.Event()

    def write_late(folder: Path, _: str) -> dict[str, Any]:
        begun.set()
        assert may_go_on.wait(20)
        (folder / "late").mkdir(parents=True)
        return {}

    monkeypatch.setattr(files, "list_files", write_late)

    async def run() -> None:
        async with runtime_in(tmp_path) as runtime:
            call = asyncio.create_task(run_tool(runtime, "listFiles", {}))
            await asyncio.to_thread(begun.wait)
            if abandoned:
                call.cancel()
            runtime.refuse_calls()
            closing = asyncio.create_task(runtime.close())
            done, _ = await asyncio.wait({closing}, timeout=0.1)
            may_go_on.set()
            assert not done
            await closing
            assert not runtime.folders.work.exists()
            with pytest.raises(asyncio.CancelledError if abandoned else ServiceError):
                await call

    asyncio.run(run())


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("listFiles", {}),
        ("writeFiles", {"content": [{"path": "late", "text": "1"}]}),
        ("startCommandExecution", {"command": "touch late"}),
        ("executeCommand", {"command": "touch late"}),
        ("executeCode", {"code": "1"}),
    ],
)
def test_no_tool_does_anything_after_the_end(
    tmp_path: Path, tool: str, arguments: dict[str, Any]
) -> None:
    async def run() -> None:
        async with runtime_in(tmp_path) as runtime:
            runtime.refuse_calls()
            with pytest.raises(ServiceError, match="Session one has ended"):
                await run_tool(runtime, tool, arguments)
            assert list(runtime.folders.work.iterdir()) == []

    asyncio.run(run())


@pytest.mark.parametrize(
    "arguments",
    [
        {"code": "print('done', file=open('done', 'a'))"},
        {
            "code": "Deno.writeTextFileSync('done', 'done', { append: true })",
            "language": "javascript",
        },
        {
            "code": "require('fs').appendFileSync('done', 'done')",
            "language": "javascript",
            "runtime": "nodejs",
        },
    ],
    ids=["python", "deno", "nodejs"],
)
def test_code_whose_turn_comes_after_the_end_does_not_run(
    tmp_path: Path, arguments: dict[str, Any]
) -> None:
    async def run() -> None:
        async with runtime_in(tmp_path) as runtime:
            calls = [
                asyncio.create_task(run_tool(runtime, "executeCode", arguments)) for _ in range(3)
            ]
            await asyncio.sleep(0)  # one has its turn, the others wait for theirs
            runtime.refuse_calls()
            for call in calls:
                with pytest.raises(ServiceError, match="Session one has ended"):
                    await call
            assert (runtime.folders.work / "done").read_text().strip() == "done"

    asyncio.run(run())
