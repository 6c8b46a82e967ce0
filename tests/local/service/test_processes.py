"""The process host, asked directly."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from agentcore_local.service.processes import HostLostError, Processes

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "AGENTCORE_LOCAL_SESSION": "one"}


def with_processes(folder: Path, work: Callable[[Processes], Awaitable[None]]) -> Processes:
    processes = Processes(folder, warm_kernels=0)

    async def run() -> None:
        try:
            await work(processes)
        finally:
            await processes.stop()

    asyncio.run(run())
    return processes


def test_sockets_have_a_short_place_wherever_temporary_files_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = tmp_path / ("far" * 20)
    far.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(far))

    async def start_kernel(processes: Processes) -> None:
        assert len(str(processes.folder)) < 70
        await processes.start_kernel("one", environment=ENVIRONMENT, cwd=tmp_path, path=[])

    processes = with_processes(tmp_path, start_kernel)
    assert list(far.iterdir()) == []
    assert not (tmp_path / "sockets").exists()
    assert processes._folder is None


def test_exit_codes_and_output_are_reported(tmp_path: Path) -> None:
    async def run(processes: Processes) -> None:
        codes = []
        for command in ("echo out; echo err >&2; exit 7", "kill -9 $$", "true"):
            pid = await processes.run(
                "one",
                ["sh", "-c", command],
                environment=ENVIRONMENT,
                cwd=tmp_path,
                stdout=tmp_path / "out",
                stderr=tmp_path / "err",
            )
            codes.append(await processes.wait(pid))
        assert codes == [7, -9, 0]

    with_processes(tmp_path, run)
    assert (tmp_path / "out").read_text() == "out\n"
    assert (tmp_path / "err").read_text() == "err\n"


def test_a_program_that_is_missing_ends_with_127(tmp_path: Path) -> None:
    async def run(processes: Processes) -> None:
        pid = await processes.run(
            "one",
            ["/no/such/program"],
            environment=ENVIRONMENT,
            cwd=tmp_path,
            stdout=tmp_path / "out",
            stderr=tmp_path / "err",
        )
        assert await processes.wait(pid) == 127

    with_processes(tmp_path, run)
    assert (tmp_path / "err").read_text() == "/no/such/program: No such file or directory\n"


def test_usage_counts_what_has_ended_too(tmp_path: Path) -> None:
    async def run(processes: Processes) -> None:
        spin = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"
        pid = await processes.run(
            "one",
            ["sh", "-c", spin],
            environment=ENVIRONMENT,
            cwd=tmp_path,
            stdout=tmp_path / "out",
            stderr=tmp_path / "err",
        )
        await processes.wait(pid)
        used = (await processes.usage())["one"]
        assert used.cpu_seconds > 0.01
        assert used.memory_bytes == 0
        assert (await processes.end_session("one")).cpu_seconds == used.cpu_seconds
        assert "one" not in await processes.usage()

    with_processes(tmp_path, run)


def test_nothing_is_started_after_the_stop(tmp_path: Path) -> None:
    async def nothing(processes: Processes) -> None:
        pass

    processes = with_processes(tmp_path, nothing)
    with pytest.raises(HostLostError):
        asyncio.run(processes.start())


def test_nothing_is_started_for_a_session_that_has_ended(tmp_path: Path) -> None:
    async def run(processes: Processes) -> None:
        await processes.start()
        place: dict[str, Any] = {"environment": ENVIRONMENT, "cwd": tmp_path}
        waiting = asyncio.create_task(processes.start_kernel("one", **place, path=[]))
        other = asyncio.create_task(processes.start_kernel("other", **place, path=[]))
        await asyncio.sleep(0)  # both ask, and then wait for a kernel to be up
        await processes.end_session("one")
        output = {"stdout": tmp_path / "out", "stderr": tmp_path / "err"}
        for late in (
            waiting,
            processes.start_kernel("one", **place, path=[]),
            processes.run("one", ["touch", "begun"], **place, **output),
        ):
            with pytest.raises(RuntimeError, match="the session has ended"):
                await late
        assert (await other).pid > 0

    with_processes(tmp_path, run)
    assert not (tmp_path / "begun").exists()
