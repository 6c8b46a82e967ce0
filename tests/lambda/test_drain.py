"""The drain as CloudFormation drives it, against the local service, under each of its faults."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from session_manager import drain
from session_manager.cloudformation import CREATE_FAILED, respond


@pytest.fixture
def send(request_event, mailbox, context, fast_clock):
    """Send a request as CloudFormation does, and give back the one answer to it."""

    def send(request_type, physical_id=None, seconds=900.0, **properties):
        mailbox.answers.clear()
        context.seconds = seconds
        event = request_event(request_type, physical_id, **properties)
        respond(event, context, partial(drain.handle, clock=fast_clock))
        (answer,) = mailbox.answers
        return answer

    return send


def properties_of(interpreter, **more):
    return {
        "InterpreterId": interpreter.id,
        "InterpreterArn": interpreter.arn,
        "Name": "Sandbox_0123456789",
        "OnFailure": "CONTINUE",
        "TimeoutSeconds": "840",
        **more,
    }


def test_create_answers_the_interpreter_and_how_many_sessions_it_has(interpreter, send):
    interpreter.start(3)
    answer = send("Create", **properties_of(interpreter))
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == interpreter.id
    assert answer["Data"] == {
        "CodeInterpreterId": interpreter.id,
        "CodeInterpreterArn": interpreter.arn,
        "ReadySessions": "3",
    }
    assert len(interpreter.ready()) == 3


def test_create_waits_for_a_permission_that_spreads(aws, interpreter, send):
    aws.inject("deny", operation="List*", count=4)
    assert send("Create", **properties_of(interpreter))["Status"] == "SUCCESS"


def test_create_fails_where_the_permission_never_comes(aws, interpreter, send):
    aws.inject("deny", operation="List*")
    answer = send("Create", **properties_of(interpreter))
    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"].startswith(CREATE_FAILED)
    assert "bedrock-agentcore:ListCodeInterpreterSessions" in answer["Reason"]
    assert interpreter.id in answer["Reason"]


def test_create_fails_for_an_interpreter_that_does_not_exist(aws, send):
    answer = send("Create", InterpreterId="Nothing-0123456789")
    assert answer["Status"] == "FAILED"
    assert "does not exist" in answer["Reason"]


@pytest.mark.parametrize("wrong", ["", "no id", "a-short", "aws.codeinterpreter.v1", 7, None])
@pytest.mark.parametrize("request_type", ["Create", "Update"])
def test_a_wrong_id_is_refused_with_the_id_in_the_reason(send, wrong, request_type):
    answer = send(request_type, "Old-0123456789", InterpreterId=wrong)
    assert answer["Status"] == "FAILED"
    assert "InterpreterId must be the id of a custom code interpreter" in answer["Reason"]


def test_a_delete_after_a_failed_create_succeeds_without_a_call(aws, interpreter, send):
    interpreter.start(1)
    aws.inject("deny")
    failed = send("Create", **properties_of(interpreter))["PhysicalResourceId"]
    answer = send("Delete", failed, **properties_of(interpreter))
    assert answer["Status"] == "SUCCESS"
    assert len(interpreter.ready()) == 1


def test_a_delete_after_an_unanswered_create_succeeds(interpreter, send):
    interpreter.start(1)
    answer = send("Delete", "Analytics-SandboxDrain-1ABCDEFGHIJ", **properties_of(interpreter))
    assert answer["Status"] == "SUCCESS"
    assert len(interpreter.ready()) == 1


def test_update_moves_the_id_and_stops_nothing(aws, new_interpreter, send):
    old, new = new_interpreter("Old"), new_interpreter("New")
    old.start(2)
    new.start(2)
    aws.inject("deny")
    answer = send("Update", old.id, **properties_of(new))
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == new.id
    assert answer["Data"] == {"CodeInterpreterId": new.id, "CodeInterpreterArn": new.arn}
    assert (len(old.ready()), len(new.ready())) == (2, 2)


def test_delete_drains_the_id_it_is_given_and_not_the_one_in_the_properties(new_interpreter, send):
    old, new = new_interpreter("Old"), new_interpreter("New")
    old.start(4)
    new.start(2)
    answer = send("Delete", old.id, **properties_of(new))
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == old.id
    assert answer["Data"] == {"StoppedSessions": "4", "LeftSessions": "0"}
    assert (len(old.ready()), len(new.ready())) == (0, 2)


def test_delete_stops_every_session_three_pages_deep(interpreter, send):
    interpreter.start(250)
    answer = send("Delete", interpreter.id, **properties_of(interpreter))
    assert answer["Data"] == {"StoppedSessions": "250", "LeftSessions": "0"}
    assert interpreter.ready() == set()


def test_delete_needs_no_properties(interpreter, send):
    interpreter.start(1)
    assert send("Delete", interpreter.id)["Status"] == "SUCCESS"
    assert interpreter.ready() == set()


def test_delete_of_a_deleted_interpreter_succeeds(aws, interpreter, send):
    interpreter.delete()
    aws.admin("POST", "clock", {"advance_seconds": 60})
    assert send("Delete", interpreter.id, **properties_of(interpreter))["Status"] == "SUCCESS"


def test_the_system_interpreter_is_never_drained(interpreter, aws, send):
    started = interpreter.data.start_code_interpreter_session(
        codeInterpreterIdentifier="aws.codeinterpreter.v1"
    )["sessionId"]
    assert send("Delete", "aws.codeinterpreter.v1")["Status"] == "SUCCESS"
    sessions = aws.admin("GET", "sessions")["sessions"]
    assert [s["status"] for s in sessions if s["sessionId"] == started] == ["READY"]


def test_the_same_delete_three_times_has_the_same_outcome(interpreter, send):
    interpreter.start(2)
    answers = [send("Delete", interpreter.id, **properties_of(interpreter)) for _ in range(3)]
    assert {each["Status"] for each in answers} == {"SUCCESS"}
    assert interpreter.ready() == set()


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "throttle", "probability": 0.3},
        {"fault": "server_error", "probability": 0.3},
        {"fault": "drop_connection", "probability": 0.2},
        {"fault": "drop_connection", "probability": 0.2, "after": True},
        {"fault": "latency", "delay_seconds": 0.02, "probability": 0.5},
        {"fault": "stop_fails", "count": 25},
        {"fault": "stop_lies", "delay_seconds": 0.3, "count": 10},
        {"fault": "list_repeats_page"},
        {"fault": "expire_during_drain", "count": 1},
        {"fault": "restarting_agent", "count": 15},
        {"fault": "deny", "count": 2},
    ],
    ids=lambda fault: fault["fault"],
)
def test_each_fault_is_outlasted(aws, interpreter, send, fault):
    interpreter.start(20)
    options = dict(fault)
    aws.inject(options.pop("fault"), resource=interpreter.id, seed=7, **options)
    answer = send("Delete", interpreter.id, **properties_of(interpreter, OnFailure="BLOCK"))
    assert answer["Status"] == "SUCCESS", answer["Reason"]
    assert interpreter.ready() == set()


def test_block_fails_with_the_count_and_the_way_out_and_a_second_try_succeeds(
    aws, interpreter, send
):
    interpreter.start(5)
    aws.inject("stop_fails")
    blocking = properties_of(interpreter, OnFailure="BLOCK", TimeoutSeconds="60")
    answer = send("Delete", interpreter.id, **blocking)
    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"] == interpreter.id
    for part in (
        "5 sessions",
        interpreter.id,
        "ConflictException",
        "list-code-interpreter-sessions",
        "delete the stack again",
        "--retain-resources",
    ):
        assert part in answer["Reason"]
    assert len(interpreter.ready()) == 5
    aws.clear_faults()
    assert send("Delete", interpreter.id, **blocking)["Status"] == "SUCCESS"
    assert interpreter.ready() == set()


def test_continue_succeeds_and_tells_how_many_are_left(aws, interpreter, send, log_lines):
    interpreter.start(5)
    aws.inject("stop_fails")
    answer = send("Delete", interpreter.id, **properties_of(interpreter, TimeoutSeconds="60"))
    assert answer["Status"] == "SUCCESS"
    assert answer["Data"] == {"StoppedSessions": "0", "LeftSessions": "5"}
    lines = log_lines()
    (metric,) = [line for line in lines if "_aws" in line]
    assert metric["CodeInterpreterName"] == "Sandbox_0123456789"
    assert (metric["DrainedSessions"], metric["DrainFailures"]) == (0, 1)
    assert any(line.get("level") == "ERROR" for line in lines)


def test_a_drain_that_succeeds_counts_no_failure(interpreter, send, log_lines):
    interpreter.start(2)
    send("Delete", interpreter.id, **properties_of(interpreter))
    (metric,) = [line for line in log_lines() if "_aws" in line]
    assert (metric["DrainedSessions"], metric["DrainFailures"]) == (2, 0)


def test_a_missing_permission_is_given_up_before_the_time_is_over(
    aws, interpreter, request_event, mailbox, context, manual_clock
):
    interpreter.start(2)
    aws.inject("deny", operation="Stop*")
    event = request_event("Delete", interpreter.id, **properties_of(interpreter, OnFailure="BLOCK"))
    respond(event, context, partial(drain.handle, clock=manual_clock.clock))
    assert mailbox.answers[0]["Status"] == "FAILED"
    assert "AccessDenied" in mailbox.answers[0]["Reason"]
    assert drain.PATIENCE_ON_DELETE <= manual_clock.now - 1000 <= 60


def test_an_unreadable_list_leaves_an_unknown_number(aws, interpreter, send):
    interpreter.start(2)
    aws.inject("server_error", operation="List*")
    blocking = properties_of(interpreter, OnFailure="BLOCK", TimeoutSeconds="60")
    answer = send("Delete", interpreter.id, **blocking)
    assert answer["Status"] == "FAILED"
    assert "an unknown number of sessions" in answer["Reason"]


@pytest.mark.parametrize("request_type", ["Create", "Delete"])
def test_a_function_that_is_about_to_end_answers_first(interpreter, send, request_type):
    interpreter.start(2)
    blocking = properties_of(interpreter, OnFailure="BLOCK")
    answer = send(request_type, interpreter.id, seconds=30.0, **blocking)
    assert answer["Status"] == "FAILED"


def test_the_drain_ends_in_time_to_answer(
    aws, interpreter, request_event, mailbox, context, manual_clock
):
    interpreter.start(1)
    aws.inject("stop_fails")
    event = request_event("Delete", interpreter.id, **properties_of(interpreter))
    respond(event, context, partial(drain.handle, clock=manual_clock.clock))
    assert 800 <= manual_clock.now - 1000 <= 840 + 10
    assert len(mailbox.answers) == 1


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("60", 60.0), (60, 60.0), ("9999", 840.0), ("-1", 840.0), ("soon", 840.0), (None, 840.0)],
)
def test_a_timeout_is_read_from_whatever_it_became_on_the_way(written, seconds):
    assert drain.Settings.read({"TimeoutSeconds": written}).timeout == seconds


def test_properties_of_any_version_are_understood():
    settings = drain.Settings.read({"InterpreterId": "a-0123456789", "Later": {"x": 1}})
    assert (settings.name, settings.region, settings.block) == ("a-0123456789", None, False)
    assert drain.Settings.read({"Region": "eu-west-1", "OnFailure": "BLOCK"}).block


properties = st.dictionaries(
    st.sampled_from(["InterpreterId", "Name", "OnFailure", "TimeoutSeconds", "Region", "X"]),
    st.none() | st.integers() | st.text(max_size=20) | st.lists(st.text(max_size=3), max_size=2),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(["Create", "Update", "Delete"]), st.text(max_size=30), properties)
def test_garbage_in_a_request_gets_one_answer_and_stops_nothing(
    interpreter, send, request_type, physical_id, properties
):
    if not interpreter.ready():
        interpreter.start(1)
    assert send(request_type, physical_id, **properties)["Status"] in ("SUCCESS", "FAILED")
    assert len(interpreter.ready()) == 1


def test_the_handler_answers(interpreter, request_event, mailbox, context, aws):
    drain.handler(request_event("Create", **properties_of(interpreter)), context)
    assert mailbox.answers[0]["Status"] == "SUCCESS"
