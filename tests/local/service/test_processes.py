"""The process host, asked directly."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from agentcore_local.service.processes import (
    OWNER_VARIABLE,
    HostLostError,
    Processes,
    RunningKernel,
)

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "AGENTCORE_LOCAL_SESSION": "one"}


def with_processes(
    folder: Path, work: Callable[[Processes], Awaitable[None]], *, warm_kernels: int = 0
) -> Processes:
    processes = Processes(folder, warm_kernels=warm_kernels)

    async def run() -> None:
        try:
            await work(processes)
        finally:
            await processes.stop()

    asyncio.run(run())
    return processes


async def run_script(processes: Processes, folder: Path, script: str) -> int:
    """Start a shell for session one, with its output in `out` and `err`."""
    return await processes.run(
        "one",
        ["sh", "-c", script],
        environment=ENVIRONMENT,
        cwd=folder,
        stdout=folder / "out",
        stderr=folder / "err",
    )


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
            pid = await run_script(processes, tmp_path, command)
            codes.append(await processes.wait(pid))
        assert codes == [7, -9, 0]

    with_processes(tmp_path, run)
    assert (tmp_path / "out").read_text() == "out\n"
    assert (tmp_path / "err").read_text() == "err\n"


@pytest.mark.parametrize("number", [signal.SIGPIPE, signal.SIGXFSZ])
def test_signals_that_python_ignores_end_programs(tmp_path: Path, number: signal.Signals) -> None:
    async def run(processes: Processes) -> None:
        pid = await run_script(processes, tmp_path, f"kill -{number.value} $$")
        assert await processes.wait(pid) == -number

    with_processes(tmp_path, run)


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


def host_of(processes: Processes) -> psutil.Process:
    assert processes._host is not None
    return psutil.Process(processes._host.pid)


def runs(process: psutil.Process) -> bool:
    """Whether it is there, and not a zombie that nobody collects."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("reported", [True, False])
def test_a_kernel_that_ends_while_it_waits_for_a_session_is_replaced(
    tmp_path: Path, reported: bool
) -> None:
    """Whether or not the host knows of its end when the next session wants a kernel."""
    open_files = 0

    async def count_open_files(processes: Processes) -> None:
        nonlocal open_files
        await processes.start()
        await processes.usage()
        open_files = host_of(processes).num_fds()

    async def run(processes: Processes) -> None:
        async def start_kernel(session: str) -> RunningKernel:
            return await processes.start_kernel(
                session, environment=ENVIRONMENT, cwd=tmp_path, path=[]
            )

        used = await start_kernel("one")
        host = host_of(processes)
        of_first = {psutil.Process(used.pid), *psutil.Process(used.pid).children()}
        await until(lambda: host.num_fds() == open_files + 1)  # one kernel is ready, and waits
        waiting = set(host.children(recursive=True)) - of_first
        (kernel,) = (each for each in waiting if not each.children())
        if not reported:
            host.suspend()
        kernel.kill()
        if reported:
            await until(lambda: host.num_fds() == open_files)
        else:
            await until(lambda: not kernel.is_running())
        asking = asyncio.create_task(start_kernel("two"))
        await asyncio.sleep(0)  # the request is in the host's standard input
        host.resume()
        assert psutil.Process((await asking).pid) not in waiting | of_first
        assert host_of(processes) == host  # and so the first session still has its kernel

    with_processes(tmp_path, count_open_files)
    with_processes(tmp_path, run, warm_kernels=1)


def test_usage_counts_what_has_ended_too(tmp_path: Path) -> None:
    async def run(processes: Processes) -> None:
        spin = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"
        pid = await run_script(processes, tmp_path, spin)
        await processes.wait(pid)
        used = (await processes.usage())["one"]
        assert used.cpu_seconds > 0.01
        assert used.memory_bytes == 0
        assert (await processes.end_session("one")).cpu_seconds == used.cpu_seconds
        assert "one" not in await processes.usage()

    with_processes(tmp_path, run)


def test_memory_is_that_of_the_session_without_its_keeper(tmp_path: Path) -> None:
    async def run(processes: Processes) -> None:
        await run_script(processes, tmp_path, "exec sleep 1000")
        host = host_of(processes)
        await until(lambda: "sleep" in [each.name() for each in host.children(recursive=True)])
        used = (await processes.usage())["one"]
        assert 0 < used.memory_bytes < host.memory_info().rss / 4

    with_processes(tmp_path, run)


def test_what_a_killed_command_has_used_is_counted(tmp_path: Path) -> None:
    async def run(processes: Processes) -> None:
        pid = await run_script(
            processes,
            tmp_path,
            "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo; sleep 1000",
        )
        await until(lambda: (tmp_path / "out").exists() and (tmp_path / "out").read_text() != "")
        await processes.kill(pid)
        assert await processes.wait(pid) == -signal.SIGKILL
        assert (await processes.usage())["one"].cpu_seconds > 0.01
        assert len(host_of(processes).children()) == 0

    with_processes(tmp_path, run)


def test_a_command_is_killed_however_soon(tmp_path: Path) -> None:
    async def run(processes: Processes) -> None:
        for _ in range(20):
            pid = await run_script(processes, tmp_path, "exec sleep 1000")
            await processes.kill(pid)
            assert await processes.wait(pid) == -signal.SIGKILL
        assert host_of(processes).children() == []

    with_processes(tmp_path, run)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_session_ends_though_it_has_killed_or_stopped_its_keeper(
    tmp_path: Path, number: signal.Signals
) -> None:
    async def run(processes: Processes) -> None:
        pid = await run_script(
            processes, tmp_path, f"setsid sleep 1000 & kill -{number.value} $PPID; wait"
        )
        keeper = psutil.Process(pid)
        ended = psutil.STATUS_STOPPED
        await until(lambda: not keeper.is_running() or keeper.status() == ended)
        await processes.end_session("one")
        assert host_of(processes).children(recursive=True) == []

    with_processes(tmp_path, run)


def test_all_ends_with_the_host_whatever_it_has_made_of_its_environment(tmp_path: Path) -> None:
    async def run(processes: Processes) -> None:
        await run_script(
            processes, tmp_path, "env -i setsid sleep 1000 & env -i setsid sleep 1000 &"
        )
        host = host_of(processes)
        names: list[str] = []

        def is_up() -> bool:
            names[:] = [each.name() for each in host.children(recursive=True)]
            return names.count("sleep") == 2 and "sh" not in names

        await until(is_up)
        left = host.children(recursive=True)
        host.kill()
        await until(lambda: not any(runs(each) for each in left))

    with_processes(tmp_path, run)


def test_what_survives_a_lost_host_is_ended_before_the_next_host_starts(tmp_path: Path) -> None:
    async def run(processes: Processes) -> None:
        async def start(script: str) -> int:
            return await processes.run(
                "one",
                ["sh", "-c", script],
                environment={**ENVIRONMENT, OWNER_VARIABLE: str(tmp_path)},
                cwd=tmp_path,
                stdout=tmp_path / "out",
                stderr=tmp_path / "err",
            )

        # Without its keeper, only the mark in its environment still says whose it is.
        keeper = await start("setsid sleep 1000 & echo $!; kill -9 $PPID")
        await until(lambda: not psutil.pid_exists(keeper))
        daemon = psutil.Process(int((tmp_path / "out").read_text()))
        host_of(processes).kill()
        await until(lambda: not processes._runs())
        assert runs(daemon)
        await start("true")
        assert not runs(daemon)

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
