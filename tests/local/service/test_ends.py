"""Nothing that sessions have started outlives the server, however it ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from agentcore_local import LocalAws
from agentcore_local.service.processes import OWNER_VARIABLE, clean_up_after_kill

SYSTEM = "aws.codeinterpreter.v1"


class BusyAws:
    """A local AWS of its own whose sessions do all that they can do."""

    def __init__(self, data_folder: Path) -> None:
        self.folder = data_folder
        self.aws = LocalAws(data_folder=data_folder)
        self.aws.start()
        self._data = self.aws.client("bedrock-agentcore")
        self._session = self._data.start_code_interpreter_session(codeInterpreterIdentifier=SYSTEM)[
            "sessionId"
        ]
        self._invoke("executeCode", code="import subprocess; subprocess.Popen(['sleep', '1000'])")
        self._invoke("executeCode", code="1", language="javascript")
        self._invoke("executeCode", code="1", language="javascript", runtime="nodejs")
        self._invoke("executeCommand", command="setsid sleep 1000 & setsid sleep 1000 &")
        self._invoke("startCommandExecution", command="sleep 1000")

    def processes(self) -> set[psutil.Process]:
        """Every process that carries the mark of this local AWS's sessions."""
        found = set()
        for process in psutil.process_iter():
            try:
                owner = process.environ().get(OWNER_VARIABLE, "")
            except psutil.Error:
                continue
            if owner.startswith(str(self.folder)):
                found.add(process)
        return found

    def _invoke(self, tool: str, **arguments: Any) -> None:
        answer = self._data.invoke_code_interpreter(
            codeInterpreterIdentifier=SYSTEM,
            sessionId=self._session,
            name=tool,
            arguments=arguments,
        )
        (event,) = answer["stream"]
        assert event["result"]["isError"] is False, event


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[BusyAws]:
    busy = BusyAws(tmp_path)
    # The host, two warm kernels and one in use, Deno, Node, four times sleep and a shell.
    assert len(busy.processes()) >= 9
    yield busy
    busy.aws.stop()


def assert_gone(processes: set[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=20)
    assert [each for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name
)
def test_all_processes_end_with_the_server(busy: BusyAws, number: signal.Signals) -> None:
    processes = busy.processes()
    os.kill(busy.aws.pid, number)
    assert_gone(processes)
    assert busy.processes() == set()


def test_what_survives_the_host_too_is_ended_by_the_next_start(busy: BusyAws) -> None:
    processes = busy.processes()
    (host,) = (each for each in processes if each.ppid() == busy.aws.pid)
    for keeper in host.children():  # or else they end everything when the host dies
        keeper.suspend()
    host.kill()
    psutil.Process(busy.aws.pid).kill()
    psutil.wait_procs([host], timeout=10)
    busy.aws.stop()
    again = LocalAws(data_folder=busy.folder)
    again.start()
    try:
        assert_gone(processes)
        assert not list((busy.folder / "sessions" / "sessions").iterdir())
    finally:
        again.stop()


def test_sessions_get_new_processes_when_the_host_is_lost(local: Any) -> None:
    session = local.session()
    x = session.run("import os; x = os.getpid(); print(x)")["structuredContent"]["stdout"]
    pid = local.service._work._processes._host.pid
    os.kill(pid, signal.SIGKILL)
    while local.process_exists(int(x)):
        pass
    session.run("print(x)")  # fails, or finds itself in a new kernel and fails
    assert session.run("print(6 * 7)")["structuredContent"]["stdout"] == "42"
    command = session.invoke("executeCommand", command="echo on")
    assert command["structuredContent"]["stdout"] == "on\n"


def test_a_folder_that_no_server_used_has_nothing_to_clean_up(tmp_path: Path) -> None:
    assert clean_up_after_kill(tmp_path) == 0


def test_reset_ends_processes_and_forgets_everything(local: Any) -> None:
    identifier = local.create("forgotten")
    session = local.session(identifier)
    session.invoke("executeCommand", command="sleep 1000 &")
    assert local.processes_of(session.id)
    local.service.faults.inject("throttle")
    local.wait_for(local.service.reset())
    assert local.processes_of(session.id) == []
    assert local.service.sessions() == []
    assert local.control.list_code_interpreters(type="CUSTOM")["codeInterpreterSummaries"] == []
