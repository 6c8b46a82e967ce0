"""What counts as a working interpreter."""

from __future__ import annotations

import pytest

from session_manager import checks
from session_manager.checks import CHECKS, Session, Step, commands_check, problem_of, run_checks
from session_manager.clients import tool_client
from session_manager.pacing import Pace
from session_manager.sessions import Caller

PRINT = Step("executeCode", {"language": "python", "code": "print(6 * 7)"}, "42")


def result(text="42", **fields):
    return {"content": [{"type": "text", "text": text}], **fields}


@pytest.mark.parametrize(
    ("results", "problem"),
    [
        ([result()], ""),
        ([result("", structuredContent={"stdout": "42\n", "exitCode": 0})], ""),
        ([result("4"), result("42")], ""),
        ([{"content": [{"type": "resource", "resource": {"text": "42"}}]}], ""),
        ([result(structuredContent=None)], ""),
        ([result("43")], "executeCode should have given '42', it gave '43'"),
        ([result(isError=True)], "executeCode failed: 42"),
        (
            [result(structuredContent={"exitCode": 1})],
            "executeCode failed with exit code 1: 42",
        ),
        ([result("\n", isError=True)], "executeCode failed: it wrote nothing"),
        ([result(), result("boom", isError=True)], "executeCode failed: 42\nboom"),
        ([], "executeCode failed: it gave no result"),
        ([{"content": []}], "executeCode should have given '42', it gave ''"),
    ],
)
def test_a_result_is_judged_by_what_it_says(results, problem):
    assert problem_of(PRINT, results) == problem


def test_a_long_result_is_cut():
    assert len(problem_of(PRINT, [result("x" * 9000)])) < 600


def test_without_commands_there_is_nothing_to_check():
    assert commands_check([]) == []


@pytest.fixture
def session(interpreter, fast_clock):
    caller = Caller(Pace(1000.0, fast_clock), fast_clock)
    return Session(tool_client(None), interpreter.id, caller, 600.0 * 50, 30.0 * 50)


def test_a_working_interpreter_passes_every_check_and_keeps_no_session(session, interpreter):
    results = run_checks(session, [*CHECKS, *commands_check(["true", "echo a | grep a"])])
    assert {each.name: each.problem for each in results} == dict.fromkeys(
        ["start", "python", "javascript", "typescript", "files", "command", "commands", "stop"], ""
    )
    assert all(each.milliseconds > 0 for each in results)
    assert interpreter.ready() == set()


def test_a_failing_command_is_named_and_the_others_run(session, interpreter):
    wanted = [*commands_check(["ls /does-not-exist"]), CHECKS[-1]]
    results = {each.name: each.problem for each in run_checks(session, wanted)}
    assert "No such file" in results["commands"]
    assert results["command"] == results["stop"] == ""
    assert interpreter.ready() == set()


def test_a_command_that_fails_silently_is_told_from_the_others_by_its_code(session):
    wanted = commands_check(["true", "test -e /does-not-exist", "true"])
    (result,) = [each for each in run_checks(session, wanted) if each.problem]
    assert result.problem == (
        "command 'test -e /does-not-exist' failed with exit code 1: it wrote nothing"
    )


def test_a_command_that_looks_for_a_denial_is_not_tried_again(session):
    command = "echo x >> tries; grep AccessDenied tries"
    runs = "[ $(wc -l < tries) = 1 ]"
    wanted = [*commands_check([command], patience=30.0), *commands_check([runs])]
    failing, counting = (each for each in run_checks(session, wanted) if each.name == "commands")
    assert (failing.problem != "", counting.problem) == (True, "")


def test_a_command_is_tried_again_until_its_permission_is_there(session, interpreter):
    command = (
        'echo x >> tries; [ "$(wc -l < tries)" -ge 3 ] || { echo AccessDenied >&2; exit 254; }'
    )
    results = run_checks(session, commands_check([command], patience=30.0))
    assert [each.problem for each in results] == ["", "", ""]


@pytest.mark.parametrize(("said", "once"), [("AccessDenied", False), ("no such bucket", True)])
def test_a_command_that_goes_on_failing_is_not_tried_for_ever(session, interpreter, said, once):
    command = f"echo x >> tries; echo {said} after $(wc -l < tries) >&2; exit 254"
    results = run_checks(session, commands_check([command], patience=30.0))
    problems = {each.name: each.problem for each in results}
    assert said in problems["commands"]
    assert problems["commands"].endswith(f"{said} after 1") == once
    assert interpreter.ready() == set()


def test_a_command_that_perhaps_ran_is_not_run_again(aws, session, interpreter):
    aws.inject("drop_connection", operation="Invoke*", count=1, after=True)
    results = {each.name: each.problem for each in run_checks(session, commands_check(["true"]))}
    assert "failed" in results["commands"]
    assert results["stop"] == ""


def test_a_session_that_ended_under_its_checks_is_no_second_problem(session, interpreter):
    def end_it(step):
        interpreter.data.stop_code_interpreter_session(
            codeInterpreterIdentifier=interpreter.id, sessionId=session._session_id
        )
        raise checks.CheckFailedError("it ended")

    session.run = end_it
    results = {each.name: each.problem for each in run_checks(session, CHECKS[-1:])}
    assert results == {"start": "", "command": "it ended", "stop": ""}


def test_a_session_that_does_not_start_is_the_only_problem(aws, session):
    aws.inject("deny", operation="Start*")
    results = run_checks(session, CHECKS)
    assert [each.name for each in results] == ["start", "stop"]
    assert "permission is missing" in results[0].problem
    assert results[1].problem == ""


def test_the_session_is_stopped_whatever_happens(session, interpreter, monkeypatch):
    def explode(step):
        raise TypeError("a bug")

    monkeypatch.setattr(session, "run", explode)
    with pytest.raises(TypeError):
        run_checks(session, CHECKS)
    assert interpreter.ready() == set()


def test_a_lost_answer_to_a_start_leaves_no_session_behind(aws, session, interpreter):
    aws.inject("drop_connection", operation="Start*", count=1, after=True)
    assert not any(each.problem for each in run_checks(session, CHECKS[-1:]))
    assert interpreter.ready() == set()


def test_trouble_that_passes_fails_no_check(aws, session):
    aws.inject("throttle", operation="Invoke*", count=2)
    aws.inject("server_error", operation="Stop*", count=2)
    assert not any(each.problem for each in run_checks(session, CHECKS[-1:]))


def test_a_session_ends_by_itself_if_it_cannot_be_stopped(session, interpreter):
    session.start()
    (session_id,) = interpreter.ready()
    found = interpreter.data.get_code_interpreter_session(
        codeInterpreterIdentifier=interpreter.id, sessionId=session_id
    )
    assert found["sessionTimeoutSeconds"] == checks.SESSION_SECONDS <= 300
