"""executeCommand, startCommandExecution, getTask, stopTask."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest

from agentcore_local.service.behavior import ServiceBehavior
from agentcore_local.service.commands import Command
from agentcore_local.service.limits import Limits
from agentcore_local.service.processes import Processes
from agentcore_local.service.results import Execution
from agentcore_local.service.runtime import session_folders


def structured(result: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = result["structuredContent"]
    return content


def test_a_command_has_streams_and_an_exit_code(local: Any) -> None:
    result = local.session().invoke("executeCommand", command="echo out; echo err >&2; exit 3")
    assert result["isError"] is True
    assert [block["text"] for block in result["content"]] == ["out\n", "err\n"]
    found = structured(result)
    assert (found["stdout"], found["stderr"], found["exitCode"]) == ("out\n", "err\n", 3)
    assert 0 < found["executionTime"] < 30


def test_each_command_is_a_shell_of_its_own_in_the_same_folder(local: Any) -> None:
    session = local.session()
    session.invoke("executeCommand", command="x=1; mkdir d; cd d; touch ../f")
    result = session.invoke("executeCommand", command="echo ${x:-unset}; ls")
    assert structured(result)["stdout"] == "unset\nd\nf\n"


def test_a_program_that_is_missing_is_127(local: Any) -> None:
    found = structured(local.session().invoke("executeCommand", command="no-such-program"))
    assert found["exitCode"] == 127
    assert "no-such-program" in found["stderr"]


@pytest.mark.parametrize("tool", ["executeCommand", "startCommandExecution"])
@pytest.mark.parametrize("size", [99_000, 131_100, 3_000_000])
def test_a_command_may_be_long(local: Any, tool: str, size: int) -> None:
    """A heredoc is how agents write files; the shell says the same as in a short command."""
    session = local.session()
    line = "0123456789 $x `y` 'z'\n"
    text = line * (size // len(line))
    command = f"cat > copy <<'END'\n{text}END\nno-such-program; echo $0 $#; exit 3"
    result = session.invoke(tool, command=command)
    if tool == "startCommandExecution":
        task = structured(result)["taskId"]
        while status_of(session, task) == "working":
            pass
        result = session.invoke("getTask", taskId=task)
    short = "\n" * (command.count("\n")) + "no-such-program; echo $0 $#; exit 3"
    expected = structured(session.invoke("executeCommand", command=short))
    found = structured(result)
    for key in ("stdout", "stderr", "exitCode"):
        assert found[key] == expected[key]
    assert structured(session.invoke("executeCommand", command="cat copy"))["stdout"] == text
    folder = session_folders(local.service._work._data_folder, session.id)
    assert list(folder.output.glob("*.sh")) == []


@pytest.mark.parametrize("tool", ["executeCommand", "startCommandExecution"])
def test_a_command_with_a_nul_is_a_validation_error(local: Any, tool: str) -> None:
    session = local.session()
    code, _, response = local.error(session.invoke, tool=tool, command="echo \0")
    assert code == "ValidationException"
    (field,) = response["fieldList"]
    assert field["name"] == "arguments.command"
    assert "NUL character; there is one at index 5" in field["message"]


def test_a_signal_counts_from_128(local: Any) -> None:
    result = local.session().invoke("executeCommand", command="kill -TERM $$")
    assert structured(result)["exitCode"] == 128 + 15


def test_streams_may_arrive_merged_as_from_a_terminal(start_local: Any) -> None:
    local = start_local(behavior=ServiceBehavior(merged_command_output=True))
    session = local.session()
    good = structured(session.invoke("executeCommand", command="echo a; echo b >&2"))
    assert (good["stdout"], good["stderr"]) == ("a\r\nb\r\n", "")
    bad = structured(session.invoke("executeCommand", command="echo hello; exit 3"))
    assert (bad["stdout"], bad["stderr"], bad["exitCode"]) == ("", "hello\r\n", 3)


def test_a_command_that_takes_too_long_is_stopped_with_what_it_has_said(start_local: Any) -> None:
    local = start_local(limits=Limits(requests_per_second={}, invoke_seconds=0.5))
    session = local.session()
    result = session.invoke("executeCommand", command="echo begun; sleep 1000")
    assert result["isError"] is True
    assert structured(result)["stdout"] == "begun\n"
    assert "longer than 0.5 seconds" in structured(result)["stderr"]
    assert local.processes_of(session.id) == []


@pytest.mark.parametrize("stream", ["1", "2"])
def test_a_command_that_prints_without_end_is_stopped(start_local: Any, stream: str) -> None:
    local = start_local(limits=Limits(requests_per_second={}, payload_bytes=1000))
    session = local.session()
    command = f"yes >&{stream}"
    result = session.invoke("executeCommand", command=command)
    found = structured(result)
    assert found["exitCode"] == 128 + 9
    assert ("y\n" * 500) in (found["stdout"], found["stderr"][:1000])
    assert "The command was stopped: it printed more than 1000 bytes" in found["stderr"]
    task = structured(session.invoke("startCommandExecution", command=command))["taskId"]
    while status_of(session, task) == "working":
        pass
    assert status_of(session, task) == "failed"
    assert local.processes_of(session.id) == []


def status_of(session: Any, task: str) -> str:
    status: str = structured(session.invoke("getTask", taskId=task))["taskStatus"]
    return status


def test_a_task_goes_from_submitted_to_completed(local: Any) -> None:
    session = local.session()
    session.invoke("executeCommand", command="mkfifo go")
    started = session.invoke("startCommandExecution", command="read x < go; echo $x")
    assert started["content"][0]["text"] == "Successfully started a command execution task"
    assert structured(started)["taskStatus"] == "submitted"
    task = structured(started)["taskId"]
    assert str(uuid.UUID(task)) == task
    assert status_of(session, task) == "working"
    session.invoke("executeCommand", command="echo on > go")
    while status_of(session, task) == "working":
        pass
    found = structured(session.invoke("getTask", taskId=task))
    assert (found["taskStatus"], found["stdout"], found["exitCode"]) == ("completed", "on\n", 0)
    stopped = session.invoke("stopTask", taskId=task)
    assert stopped["isError"] is True
    assert "TaskStatus.COMPLETED" in stopped["content"][0]["text"]


def test_a_task_that_fails_is_failed(local: Any) -> None:
    session = local.session()
    task = structured(session.invoke("startCommandExecution", command="echo no; exit 2"))["taskId"]
    while status_of(session, task) == "working":
        pass
    found = session.invoke("getTask", taskId=task)
    assert structured(found)["taskStatus"] == "failed"
    assert structured(found)["exitCode"] == 2
    assert found["isError"] is True


def test_a_stopped_task_is_canceled_with_its_processes(local: Any) -> None:
    session = local.session()
    task = structured(session.invoke("startCommandExecution", command="sleep 1000 | cat"))["taskId"]
    while len(local.processes_of(session.id)) < 3:  # the shell, sleep and cat
        pass
    stopped = session.invoke("stopTask", taskId=task)
    assert stopped["isError"] is False
    assert status_of(session, task) == "canceled"
    assert local.processes_of(session.id) == []
    assert session.invoke("stopTask", taskId=task)["isError"] is True


def test_a_command_that_is_killed_before_it_has_a_process_is_killed_once_it_has(
    tmp_path: Path,
) -> None:
    processes = Processes(tmp_path, warm_kernels=0)
    command = Command(processes, tmp_path, limit=1000, merged=False)

    async def start_and_kill_at_once() -> Execution:
        try:
            running = asyncio.create_task(
                command.run(
                    "one",
                    "sleep 1000",
                    environment={"PATH": "/usr/bin:/bin"},
                    cwd=tmp_path,
                    timeout=1000,
                )
            )
            await asyncio.sleep(0)  # it has begun, and asks for its process
            await command.kill()
            return await asyncio.wait_for(running, timeout=20)
        finally:
            await processes.stop()

    assert asyncio.run(start_and_kill_at_once()).exit_code == 128 + 9


def test_an_unknown_task_is_an_error_result(local: Any) -> None:
    session = local.session()
    for tool in ("getTask", "stopTask"):
        assert session.invoke(tool, taskId=str(uuid.uuid4()))["isError"] is True


@pytest.mark.parametrize(
    "command",
    [
        "sleep 1000 &",
        "setsid sleep 1000 &",
        "nohup setsid sleep 1000 >/dev/null 2>&1 &",
        "(setsid sh -c 'sleep 1000 & sleep 1001' &)",
    ],
)
def test_daemons_end_with_their_session(local: Any, command: str) -> None:
    session, other = local.session(), local.session()
    other.invoke("startCommandExecution", command="sleep 1000")
    session.invoke("executeCommand", command=command)
    assert local.processes_of(session.id)
    session.stop()
    assert local.processes_of(session.id) == []
    assert local.processes_of(other.id)


def test_a_process_forked_by_python_ends_with_its_session(local: Any) -> None:
    session = local.session()
    code = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        open('pid', 'w').write(str(os.getpid()))\n"
        "        time.sleep(1000)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "while not (os.path.exists('pid') and open('pid').read()): time.sleep(0.01)\n"
        "print(open('pid').read())"
    )
    pid = int(structured(session.run(code))["stdout"])
    assert local.process_exists(pid)
    session.stop()
    assert not local.process_exists(pid)


def daemons(local: Any, session: Any, count: int) -> list[int]:
    """The processes that have put their ids into the file `pids`."""
    pids: list[int] = []
    while len(pids) < count:
        found = session.invoke("executeCommand", command="cat pids")
        pids = [int(word) for word in structured(found)["stdout"].split()]
    assert all(local.process_exists(pid) for pid in pids)
    return pids


def test_a_daemon_without_the_marks_of_its_session_ends_with_it(local: Any) -> None:
    session, other = local.session(), local.session()
    for each in (session, other):
        command = "env -i setsid sh -c 'echo $$ >> pids; exec sleep 1000' &"
        each.invoke("executeCommand", command=command)
    (pid,) = daemons(local, session, 1)
    (others,) = daemons(local, other, 1)
    session.stop()
    assert not local.process_exists(pid)
    assert local.process_exists(others)


def test_what_a_kernel_has_forked_ends_with_its_session_though_the_kernel_has_ended(
    local: Any,
) -> None:
    session, other = local.session(), local.session()
    other.run("import os")
    code = (
        "import multiprocessing, os, time\n"
        "def daemon():\n"
        "    os.setsid()\n"
        "    open('pids', 'a').write(f'{os.getpid()}\\n')\n"
        "    time.sleep(1000)\n"
        "for _ in range(2): multiprocessing.Process(target=daemon, daemon=True).start()\n"
    )
    session.run(code)
    pids = daemons(local, session, 2)
    session.run("os.kill(os.getpid(), 9)")
    assert all(local.process_exists(pid) for pid in pids)
    session.stop()
    assert not any(local.process_exists(pid) for pid in pids)
    assert structured(other.run("print(os.getpid() > 0)"))["stdout"] == "True"


@pytest.mark.parametrize(
    ("tool", "argument"),
    [
        ("executeCode", "code"),
        ("executeCommand", "command"),
        ("startCommandExecution", "command"),
        ("readFiles", "paths"),
        ("removeFiles", "paths"),
        ("writeFiles", "content"),
        ("getTask", "taskId"),
        ("stopTask", "taskId"),
    ],
)
def test_a_tool_without_its_argument_is_a_validation_error(
    local: Any, tool: str, argument: str
) -> None:
    code, _, response = local.error(local.session().invoke, tool=tool)
    assert code == "ValidationException"
    assert response["fieldList"] == [
        {"name": f"arguments.{argument}", "message": response["Error"]["Message"]}
    ]
