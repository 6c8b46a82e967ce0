"""The Node process of a session, asked directly."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from agentcore_local.service.node import NodeProcess
from agentcore_local.service.processes import Processes


def test_a_node_that_ends_before_it_is_up_is_not_waited_for(tmp_path: Path) -> None:
    async def run() -> str:
        processes = Processes(tmp_path, warm_kernels=0)
        node = NodeProcess(
            processes,
            "one",
            check=lambda: None,
            node=shutil.which("false") or "/bin/false",
            environment={"AGENTCORE_LOCAL_SESSION": "one"},
            cwd=tmp_path,
            log=tmp_path / "node.log",
        )
        try:
            return (await node.execute("javascript", "1", timeout=20)).stderr
        finally:
            node.close()
            await processes.stop()

    assert asyncio.run(run()) == "The interpreter's process ended; its state is lost"
