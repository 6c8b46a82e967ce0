"""When a call is made again, and what is made of a list: with clients that tests hold in hand."""

from __future__ import annotations

import threading
import time

import pytest
from botocore.exceptions import ClientError

from session_manager.failures import CallFailedError, Failure
from session_manager.pacing import Deadline, Pace
from session_manager.sessions import (
    MAX_PAGES,
    PAGE_SIZE,
    STOP_ATTEMPTS,
    Caller,
    Sessions,
    StopOutcome,
)

SANDBOX = "Sandbox-0123456789"


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"{code}!"}}, "Stop")


class Script:
    """Answers, or raises, one thing after the other; then answers the last one for ever."""

    def __init__(self, *steps):
        self.steps = steps
        self.calls = []

    def __call__(self, **arguments):
        step = self.steps[min(len(self.calls), len(self.steps) - 1)]
        self.calls.append(arguments)
        if isinstance(step, Exception):
            raise step
        return step


@pytest.fixture
def call(manual_clock):
    def make(script, *, seconds=600.0, attempts=None, patience=0.0, rate=1e6, **options):
        caller = Caller(Pace(rate, manual_clock.clock), manual_clock.clock, patience)
        return caller.call(script, Deadline(seconds, manual_clock.clock), attempts, **options)

    return make


def test_an_answer_is_given_at_once(call, manual_clock):
    assert call(Script("answer")) == "answer"
    assert sum(manual_clock.slept) == 0


def test_what_perhaps_ran_and_may_not_run_twice_is_not_tried_again(call):
    script = Script(error("InternalServerException"), "answer")
    with pytest.raises(CallFailedError) as raised:
        call(script, repeatable=False)
    assert raised.value.failure is Failure.TRANSIENT
    assert len(script.calls) == 1


def test_what_was_refused_is_tried_again_though_it_may_not_run_twice(call):
    assert call(Script(error("ThrottlingException"), "answer"), repeatable=False) == "answer"


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerException"])
def test_what_may_pass_is_tried_again_after_ever_longer_waits(call, manual_clock, code):
    script = Script(*[error(code)] * 5, "answer")
    assert call(script) == "answer"
    waits = [each for each in manual_clock.slept if each > 0.1]
    assert len(script.calls) == 6
    for wait, longest in zip(waits, (0.4, 0.8, 1.6, 3.2, 5.0), strict=True):
        assert longest / 2 <= wait <= longest


@pytest.mark.parametrize(
    "code",
    [
        "ConflictException",
        "ValidationException",
        "ResourceNotFoundException",
        "AccessDeniedException",
    ],
)
def test_what_does_not_pass_is_tried_once(call, code):
    script = Script(error(code))
    with pytest.raises(CallFailedError, match=f"ClientError: .*{code}!"):
        call(script)
    assert len(script.calls) == 1


def test_attempts_are_counted(call):
    script = Script(error("InternalServerException"))
    with pytest.raises(CallFailedError) as raised:
        call(script, attempts=3)
    assert len(script.calls) == 3
    assert raised.value.failure is Failure.TRANSIENT


def test_the_last_attempt_may_succeed(call):
    assert call(Script(*[error("InternalServerException")] * 2, "answer"), attempts=3) == "answer"


def test_no_attempt_begins_after_the_deadline(call, manual_clock):
    script = Script(error("InternalServerException"))
    with pytest.raises(CallFailedError, match="InternalServerException"):
        call(script, seconds=20.0)
    assert manual_clock.now == pytest.approx(1020.0)
    assert 5 <= len(script.calls) <= 12


def test_without_time_the_reason_is_that(call):
    script = Script("answer")
    with pytest.raises(CallFailedError, match=r"^there was no time left for the call$") as raised:
        call(script, seconds=0.0)
    assert script.calls == []
    assert raised.value.failure is Failure.OUT_OF_TIME


def test_a_permission_is_waited_for_as_long_as_patience_lasts(call, manual_clock):
    script = Script(error("AccessDeniedException"))
    with pytest.raises(CallFailedError) as raised:
        call(script, patience=60.0)
    assert raised.value.failure is Failure.DENIED
    assert 1060 <= manual_clock.now <= 1066


def test_a_conflict_is_not_waited_for_with_any_patience(call):
    script = Script(error("ConflictException"))
    with pytest.raises(CallFailedError):
        call(script, patience=60.0)
    assert len(script.calls) == 1


def test_only_throttling_slows_the_pace(manual_clock):
    for code, rate in (("ThrottlingException", 50.0), ("InternalServerException", 100.0)):
        caller = Caller(Pace(100.0, manual_clock.clock), manual_clock.clock)
        caller.call(Script(error(code), "answer"), Deadline(9, manual_clock.clock))
        assert caller.pace.rate == rate


class Client:
    def __init__(self, listing=None, stopping=None):
        self.list_code_interpreter_sessions = listing or Script({"items": []})
        self.stop_code_interpreter_session = stopping or Script({})


def sessions(client, clock, threads=1):
    return Sessions(client, SANDBOX, Caller(Pace(1e6, clock), clock), threads)


def page(*ids, token=None, **fields):
    items = [{"sessionId": each, "status": "READY", **fields} for each in ids]
    return {"items": items, **({"nextToken": token} if token else {})}


def test_a_list_is_asked_for_ready_sessions_in_the_largest_pages(manual_clock):
    listing = Script(page("a", token="more"), page("b"))
    found = sessions(Client(listing), manual_clock.clock).ready(Deadline(60, manual_clock.clock))
    assert [each["sessionId"] for each in found] == ["a", "b"]
    asked = {"codeInterpreterIdentifier": SANDBOX, "status": "READY", "maxResults": PAGE_SIZE}
    assert listing.calls == [asked, {**asked, "nextToken": "more"}]
    assert PAGE_SIZE == 100


def test_the_first_of_two_items_with_one_id_counts(manual_clock):
    listing = Script(page("a", token="1", name="first"), page("a", name="second"))
    found = sessions(Client(listing), manual_clock.clock).ready(Deadline(60, manual_clock.clock))
    assert [each["name"] for each in found] == ["first"]


def test_a_stop_names_the_session_and_its_interpreter(manual_clock):
    client = Client()
    outcomes = sessions(client, manual_clock.clock).stop(
        ["a", "b"], Deadline(60, manual_clock.clock)
    )
    assert outcomes == [StopOutcome("a", None), StopOutcome("b", None)]
    assert client.stop_code_interpreter_session.calls == [
        {"codeInterpreterIdentifier": SANDBOX, "sessionId": each} for each in ("a", "b")
    ]


def test_a_stop_is_tried_a_few_times_and_then_left(manual_clock):
    client = Client(stopping=Script(error("InternalServerException")))
    (outcome,) = sessions(client, manual_clock.clock).stop(["a"], Deadline(60, manual_clock.clock))
    assert len(client.stop_code_interpreter_session.calls) == STOP_ATTEMPTS == 4
    assert (outcome.session_id, outcome.failure) == ("a", Failure.TRANSIENT)
    assert "InternalServerException!" in outcome.message
    assert not outcome.done


def test_sessions_are_stopped_several_at_a_time(fast_clock):
    together = threading.Barrier(4, timeout=20)

    def stopping(**arguments):
        together.wait()

    stopped = sessions(Client(stopping=stopping), fast_clock, threads=4).stop(
        ["a", "b", "c", "d"], Deadline(600, fast_clock)
    )
    assert all(each.done for each in stopped)


@pytest.mark.parametrize(
    ("failure", "done"),
    [(None, True), (Failure.GONE, True), (Failure.CONFLICT, False), (Failure.OUT_OF_TIME, False)],
)
def test_only_a_stopped_or_missing_session_is_done(failure, done):
    assert StopOutcome("a", failure).done is done


def test_without_patience_a_permission_is_not_waited_for(manual_clock):
    script = Script(error("AccessDeniedException"))
    caller = Caller(Pace(1e6, manual_clock.clock), manual_clock.clock)
    with pytest.raises(CallFailedError):
        caller.call(script, Deadline(600, manual_clock.clock))
    assert len(script.calls) == 1


def test_no_more_sessions_are_stopped_at_a_time_than_there_are_threads(fast_clock):
    lock = threading.Lock()
    running, most = 0, 0

    def stopping(**arguments):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1

    ids = [str(number) for number in range(20)]
    sessions(Client(stopping=stopping), fast_clock, threads=2).stop(ids, Deadline(600, fast_clock))
    assert most == 2


def test_items_that_cannot_be_stopped_are_passed_over(manual_clock):
    odd = [
        {},
        {"sessionId": None, "status": "READY"},
        {"sessionId": "ended", "status": "TERMINATED"},
        {"sessionId": "no status"},
        {"sessionId": "active", "status": "ACTIVE"},
    ]
    client = Client(Script({"items": odd, "nextToken": None}))
    found = sessions(client, manual_clock.clock).ready(Deadline(60, manual_clock.clock))
    assert [each["sessionId"] for each in found] == ["no status", "active"]


def test_a_list_that_repeats_its_token_ends(manual_clock):
    client = Client(Script(page("a", token="again")))
    found = sessions(client, manual_clock.clock).ready(Deadline(60, manual_clock.clock))
    assert len(found) == 1
    assert len(client.list_code_interpreter_sessions.calls) == 2


def test_a_list_without_an_end_ends(manual_clock):
    asked = []

    def listing(**arguments):
        asked.append(arguments)
        return {"items": [], "nextToken": str(len(asked))}

    sessions(Client(listing), manual_clock.clock).ready(Deadline(60, manual_clock.clock))
    assert len(asked) == MAX_PAGES


def test_a_page_without_items_is_an_empty_page(manual_clock):
    client = Client(Script({}))
    assert sessions(client, manual_clock.clock).ready(Deadline(60, manual_clock.clock)) == []


def test_an_error_of_our_own_is_not_taken_for_one_of_the_service(manual_clock):
    client = Client(Script(TypeError("a bug")))
    with pytest.raises(TypeError):
        sessions(client, manual_clock.clock).ready(Deadline(60, manual_clock.clock))
