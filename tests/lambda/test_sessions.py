"""Listing and stopping sessions against the local service."""

from __future__ import annotations

from functools import partial

import pytest
from botocore.exceptions import ClientError

from session_manager.clients import session_client
from session_manager.failures import CallFailedError, Failure
from session_manager.pacing import Deadline, Pace
from session_manager.sessions import Caller, Sessions


def sessions_of(interpreter, clock, patience=0.0) -> Sessions:
    caller = Caller(Pace(10_000.0, clock), clock, patience)
    return Sessions(session_client(None), interpreter.id, caller)


def test_every_page_is_read(interpreter, fast_clock):
    started = interpreter.start(230)
    listed = sessions_of(interpreter, fast_clock).ready(Deadline(60, fast_clock))
    assert {each["sessionId"] for each in listed} == set(started)
    assert len(listed) == 230


def test_ended_sessions_are_not_asked_for(interpreter, fast_clock):
    ended = interpreter.start(3)
    for each in ended:
        interpreter.data.stop_code_interpreter_session(
            codeInterpreterIdentifier=interpreter.id, sessionId=each
        )
    (living,) = interpreter.start()
    listed = sessions_of(interpreter, fast_clock).ready(Deadline(60, fast_clock))
    assert [each["sessionId"] for each in listed] == [living]


def test_the_time_is_that_of_the_service_which_dates_its_sessions(aws, interpreter, fast_clock):
    (session,) = interpreter.start()
    of_interpreter = sessions_of(interpreter, fast_clock)
    aws.admin("POST", "clock", {"advance_seconds": 600})
    (listed,) = of_interpreter.ready(Deadline(60, fast_clock))
    assert listed["sessionId"] == session
    # The date of an answer knows no fractions of a second.
    assert 599 <= (of_interpreter.now() - listed["createdAt"]).total_seconds() < 660


def test_a_page_that_comes_twice_counts_once(aws, interpreter, fast_clock):
    started = interpreter.start(150)
    aws.inject("list_repeats_page", operation="ListCodeInterpreterSessions", count=1)
    listed = sessions_of(interpreter, fast_clock).ready(Deadline(60, fast_clock))
    assert sorted(each["sessionId"] for each in listed) == sorted(started)


def test_sessions_are_stopped_and_those_of_others_are_not(new_interpreter, fast_clock):
    mine, other = new_interpreter("Mine"), new_interpreter("Other")
    mine.start(20)
    theirs = other.start(3)
    outcomes = sessions_of(mine, fast_clock).stop(sorted(mine.ready()), Deadline(60, fast_clock))
    assert all(each.done and each.failure is None for each in outcomes)
    assert mine.ready() == set()
    assert other.ready() == set(theirs)


def test_stopping_nothing_makes_no_call(interpreter, fast_clock):
    assert sessions_of(interpreter, fast_clock).stop([], Deadline(60, fast_clock)) == []


def test_a_session_that_is_not_there_is_done(interpreter, fast_clock):
    (outcome,) = sessions_of(interpreter, fast_clock).stop(["none"], Deadline(60, fast_clock))
    assert outcome.done
    assert outcome.failure is Failure.GONE


def test_trouble_that_passes_is_outlasted(aws, interpreter, fast_clock):
    interpreter.start(2)
    aws.inject("throttle", operation="List*", count=3)
    aws.inject("server_error", operation="Stop*", count=1)
    aws.inject("drop_connection", operation="Stop*", count=1)
    sessions = sessions_of(interpreter, fast_clock)
    ready = [each["sessionId"] for each in sessions.ready(Deadline(60, fast_clock))]
    assert all(each.done for each in sessions.stop(ready, Deadline(60, fast_clock)))
    assert interpreter.ready() == set()


def test_a_stop_that_keeps_failing_is_left_to_the_next_round(aws, interpreter, fast_clock):
    (session,) = interpreter.start()
    aws.inject("server_error", operation="Stop*", count=4)
    sessions = sessions_of(interpreter, fast_clock)
    (first,) = sessions.stop([session], Deadline(600, fast_clock))
    assert first.failure is Failure.TRANSIENT
    assert "InternalServer" in first.message
    (second,) = sessions.stop([session], Deadline(600, fast_clock))
    assert second.done


def test_an_objection_of_the_service_slows_the_pace(aws, interpreter, fast_clock):
    aws.inject("throttle", operation="List*", count=1)
    sessions = sessions_of(interpreter, fast_clock)
    sessions.ready(Deadline(60, fast_clock))
    assert sessions.caller.pace.rate < 10_000


def test_a_missing_permission_fails_at_once_without_patience(aws, interpreter, fast_clock):
    aws.inject("deny", operation="List*", count=1)
    with pytest.raises(CallFailedError) as raised:
        sessions_of(interpreter, fast_clock).ready(Deadline(60, fast_clock))
    assert raised.value.failure is Failure.DENIED


def test_a_permission_that_spreads_is_waited_for(aws, interpreter, fast_clock):
    aws.inject("deny", operation="List*", count=3)
    sessions = sessions_of(interpreter, fast_clock, patience=120)
    assert sessions.ready(Deadline(600, fast_clock)) == []


def test_patience_ends(aws, interpreter, manual_clock):
    aws.inject("deny", operation="List*")
    with pytest.raises(CallFailedError) as raised:
        sessions_of(interpreter, manual_clock.clock, patience=20).ready(
            Deadline(600, manual_clock.clock)
        )
    assert raised.value.failure is Failure.DENIED
    assert 20 <= sum(manual_clock.slept) <= 26


def test_the_last_problem_is_told_when_time_runs_out(aws, interpreter, manual_clock):
    aws.inject("server_error", operation="List*")
    with pytest.raises(CallFailedError, match="InternalServer") as raised:
        sessions_of(interpreter, manual_clock.clock).ready(Deadline(30, manual_clock.clock))
    assert raised.value.failure is Failure.TRANSIENT
    assert manual_clock.now <= 1000 + 30


def test_without_time_no_call_is_made(interpreter, fast_clock):
    (session,) = interpreter.start()
    sessions = sessions_of(interpreter, fast_clock)
    (outcome,) = sessions.stop([session], Deadline(0, fast_clock))
    assert outcome.failure is Failure.OUT_OF_TIME
    assert interpreter.ready() == {session}


def test_an_interpreter_that_is_gone_is_told_as_such(interpreter, fast_clock):
    interpreter.id = "Nothing-0123456789"
    with pytest.raises(CallFailedError) as raised:
        sessions_of(interpreter, fast_clock).ready(Deadline(60, fast_clock))
    assert raised.value.failure is Failure.GONE


def test_botocore_does_not_try_again_by_itself(aws, interpreter):
    aws.inject("server_error", operation="List*", count=1)
    listing = partial(
        session_client(None).list_code_interpreter_sessions,
        codeInterpreterIdentifier=interpreter.id,
    )
    with pytest.raises(ClientError):
        listing()
    assert listing()["items"] == []


def test_a_client_is_made_once_for_each_region(aws):
    assert session_client(None) is session_client(None)
    assert session_client("eu-west-1") is not session_client(None)
    assert session_client("eu-west-1").meta.region_name == "eu-west-1"
