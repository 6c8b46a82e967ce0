"""When a drain is done, goes on or gives up: decisions without a service."""

import pytest
from botocore.exceptions import ClientError

from session_manager.draining import (
    LAST_LOOK,
    LONGEST_PAUSE,
    QUIET_LISTS,
    Drained,
    Progress,
    Rates,
    Verdict,
    drain,
)
from session_manager.failures import CallFailedError, Failure
from session_manager.pacing import Deadline, Pace
from session_manager.sessions import Caller, Sessions, StopOutcome


def stopped(*ids):
    return [StopOutcome(each, None) for each in ids]


def failed(failure, *ids):
    return [StopOutcome(each, failure, failure.name) for each in ids]


def test_one_empty_list_is_not_enough():
    progress = Progress(patience=30)
    for _ in range(QUIET_LISTS - 1):
        progress.listed([])
        assert progress.verdict(0, deadline_passed=False) is Verdict.GO_ON
    progress.listed([])
    assert progress.verdict(0, deadline_passed=False) is Verdict.DONE
    assert progress.left == 0


def test_a_session_that_appears_late_starts_the_count_again():
    progress = Progress(patience=30)
    for ids in ([], [], ["late"], [], []):
        progress.listed(ids)
    assert progress.verdict(0, deadline_passed=False) is Verdict.GO_ON


def test_done_comes_before_out_of_time():
    progress = Progress(patience=30, quiet=QUIET_LISTS)
    assert progress.verdict(0, deadline_passed=True) is Verdict.DONE


def test_out_of_time_is_given_up():
    progress = Progress(patience=30)
    progress.listed(["a"])
    assert progress.verdict(0, deadline_passed=True) is Verdict.GIVE_UP


def test_an_interpreter_that_is_gone_has_no_sessions():
    progress = Progress(patience=30)
    progress.unreadable(CallFailedError(Failure.GONE, "gone"), 0)
    assert progress.verdict(0, deadline_passed=True) is Verdict.DONE
    assert (progress.gone, progress.left, progress.problem) == (True, 0, "")


def test_a_session_is_counted_once_however_often_it_is_stopped():
    progress = Progress(patience=30)
    progress.tried(stopped("a", "b"), 0)
    progress.tried(stopped("b", "c"), 1)
    assert progress.stopped == {"a", "b", "c"}
    assert progress.left == 0


def test_a_session_that_somebody_else_ended_is_done():
    progress = Progress(patience=30)
    progress.tried(failed(Failure.GONE, "a"), 0)
    assert progress.left == 0
    assert progress.problem == ""


def test_what_was_not_stopped_is_left_and_its_reason_kept():
    progress = Progress(patience=30)
    progress.tried([*stopped("a"), *failed(Failure.CONFLICT, "b", "c")], 0)
    assert (progress.left, progress.problem) == (2, "CONFLICT")
    progress.tried(stopped("b", "c"), 1)
    assert progress.problem == "CONFLICT"


@pytest.mark.parametrize("failure", [Failure.DENIED, Failure.REFUSED])
def test_a_refusal_of_everything_is_waited_for_only_so_long(failure):
    progress = Progress(patience=30)
    progress.tried(failed(failure, "a"), 100)
    assert progress.verdict(129.9, deadline_passed=False) is Verdict.GO_ON
    progress.tried(failed(failure, "a"), 129)
    assert progress.verdict(130, deadline_passed=False) is Verdict.GIVE_UP


def test_an_unreadable_list_is_waited_for_only_so_long_when_it_is_denied():
    progress = Progress(patience=30)
    progress.unreadable(CallFailedError(Failure.DENIED, "denied"), 0)
    assert progress.problem == "denied"
    assert progress.verdict(29, deadline_passed=False) is Verdict.GO_ON
    assert progress.verdict(30, deadline_passed=False) is Verdict.GIVE_UP


def test_trouble_that_may_pass_is_waited_for_until_the_deadline():
    progress = Progress(patience=30)
    progress.unreadable(CallFailedError(Failure.TRANSIENT, "500"), 0)
    assert progress.verdict(800, deadline_passed=False) is Verdict.GO_ON
    progress.tried(failed(Failure.CONFLICT, "a"), 0)
    assert progress.verdict(800, deadline_passed=False) is Verdict.GO_ON


def test_a_single_success_renews_hope():
    progress = Progress(patience=30)
    progress.tried(failed(Failure.DENIED, "a"), 0)
    progress.tried([*stopped("b"), *failed(Failure.DENIED, "a")], 10)
    assert progress.verdict(40, deadline_passed=False) is Verdict.GO_ON
    progress.tried(failed(Failure.DENIED, "a"), 20)
    assert progress.verdict(49, deadline_passed=False) is Verdict.GO_ON
    assert progress.verdict(50, deadline_passed=False) is Verdict.GIVE_UP


def test_one_failure_that_may_pass_renews_hope():
    progress = Progress(patience=30)
    progress.tried(failed(Failure.DENIED, "a"), 0)
    progress.tried(
        [*failed(Failure.DENIED, "a"), *failed(Failure.TRANSIENT, "b")],
        10,
    )
    assert progress.verdict(60, deadline_passed=False) is Verdict.GO_ON


def test_a_stop_that_was_answered_but_did_nothing_is_no_progress():
    progress = Progress(patience=30)
    pauses = []
    for now in range(8):
        progress.listed(["a"])
        progress.tried(stopped("a"), now)
        pauses.append(progress.pause())
    assert pauses == [1.0, 2.0, 4.0, 8.0, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE, 10.0]


def test_pauses_are_short_again_once_something_moves():
    progress = Progress(patience=30)
    for _ in range(20):
        progress.unreadable(CallFailedError(Failure.TRANSIENT, "500"), 0)
    assert progress.pause() == LONGEST_PAUSE
    progress.tried(stopped("a"), 0)
    assert progress.pause() == 1.0


def test_an_unreadable_list_is_not_an_empty_one():
    progress = Progress(patience=30)
    progress.listed([])
    progress.listed([])
    progress.unreadable(CallFailedError(Failure.TRANSIENT, "500"), 0)
    for _ in range(QUIET_LISTS - 1):
        progress.listed([])
        assert progress.verdict(0, deadline_passed=False) is Verdict.GO_ON
    progress.listed([])
    assert progress.verdict(0, deadline_passed=False) is Verdict.DONE


def test_that_time_ran_out_does_not_hide_why():
    progress = Progress(patience=30)
    progress.tried(failed(Failure.OUT_OF_TIME, "a"), 0)
    assert progress.problem == "OUT_OF_TIME"
    progress.tried(failed(Failure.CONFLICT, "a"), 1)
    progress.tried(failed(Failure.OUT_OF_TIME, "a"), 2)
    progress.unreadable(CallFailedError(Failure.OUT_OF_TIME, "late"), 2)
    assert progress.problem == "CONFLICT"


def test_the_first_of_several_problems_is_told():
    progress = Progress(patience=30)
    progress.tried([*failed(Failure.CONFLICT, "a"), *failed(Failure.TRANSIENT, "b")], 0)
    assert progress.problem == "CONFLICT"


def test_pauses_grow_step_by_step_while_the_list_cannot_be_read():
    progress = Progress(patience=30)
    pauses = []
    for _ in range(3):
        progress.unreadable(CallFailedError(Failure.TRANSIENT, "500"), 0)
        pauses.append(progress.pause())
    assert pauses == [2.0, 4.0, 8.0]


class Service:
    """An interpreter in memory: lists what lives, stops what it is told to, fails on request."""

    def __init__(self, *ids):
        self.ready = dict.fromkeys(ids)
        self.lists = 0
        self.stops = []
        self.on_list = lambda number: None
        self.on_stop = lambda session_id: True

    def list_code_interpreter_sessions(self, **arguments):
        self.lists += 1
        self.on_list(self.lists)
        return {"items": [{"sessionId": each, "status": "READY"} for each in self.ready]}

    def stop_code_interpreter_session(self, *, sessionId, **arguments):
        self.stops.append(sessionId)
        if self.on_stop(sessionId):
            self.ready.pop(sessionId, None)


def refuse(code):
    raise ClientError({"Error": {"Code": code, "Message": code}}, "Operation")


@pytest.fixture
def drained(manual_clock):
    def run(service, *, seconds=840.0, patience=30.0, rates=None):
        clock = manual_clock.clock
        caller = Caller(Pace(1e6, clock), clock)
        sessions = Sessions(service, "Sandbox-0123456789", caller, threads=1)
        deadline = Deadline(seconds, clock)
        return drain(sessions, deadline, patience=patience, rates=rates or Rates(1e6))

    return run


def test_an_interpreter_without_sessions_is_left_after_three_looks(drained, manual_clock):
    service = Service()
    assert drained(service) == Drained(complete=True, stopped=0, left=0, problem="")
    assert service.lists == QUIET_LISTS
    assert sum(manual_clock.slept) == pytest.approx(2.0, abs=0.01)


def test_every_session_is_stopped_once(drained):
    service = Service(*map(str, range(50)))
    assert drained(service) == Drained(complete=True, stopped=50, left=0, problem="")
    assert len(service.stops) == 50


def test_a_session_that_starts_behind_the_list_is_found(drained):
    service = Service("a")

    def start_another(number):
        if number == 3:
            service.ready["late"] = None

    service.on_list = start_another
    result = drained(service)
    assert (result.complete, result.stopped) == (True, 2)
    assert service.lists == 2 + 1 + QUIET_LISTS


def test_sessions_that_do_not_end_are_counted_when_time_is_over(drained, manual_clock):
    service = Service("a", "b", "c")
    service.on_stop = lambda session_id: session_id == "a"
    result = drained(service, seconds=60.0)
    assert (result.complete, result.left) == (False, 2)
    assert manual_clock.now == pytest.approx(1060.0, abs=0.01)


def test_the_last_look_counts_what_ended_in_the_meantime(drained):
    service = Service("a", "b", "c")
    service.on_stop = lambda session_id: refuse("ConflictException")

    def end_some(number):
        if service.lists > 1:
            service.ready.pop("a", None)

    service.on_list = end_some
    assert drained(service, seconds=0.5).left == 2


def test_a_last_look_that_finds_nothing_makes_the_drain_complete(drained):
    service = Service("a")
    service.on_stop = lambda session_id: refuse("ConflictException")
    service.on_list = lambda number: service.ready.clear() if number > 1 else None
    result = drained(service, seconds=0.5)
    assert (result.complete, result.left) == (True, 0)


def test_a_list_that_was_never_read_leaves_an_unknown_number(drained, manual_clock):
    service = Service("a")
    service.on_list = lambda number: refuse("InternalServerException")
    result = drained(service, seconds=60.0)
    assert (result.complete, result.left) == (False, None)
    assert "InternalServerException" in result.problem
    assert manual_clock.now <= 1000 + 60.0 + LAST_LOOK + 0.01


def test_a_list_that_can_no_longer_be_read_is_no_empty_one(drained):
    service = Service("a")
    service.on_list = lambda number: refuse("InternalServerException") if number > 1 else None
    result = drained(service, seconds=60.0)
    assert (result.complete, result.stopped, result.left) == (False, 1, None)


def test_a_last_look_that_fails_leaves_an_unknown_number(drained):
    service = Service("a", "b")
    service.on_list = lambda number: refuse("AccessDeniedException") if number > 1 else None
    result = drained(service, seconds=0.5)
    assert (result.complete, result.left) == (False, None)


def test_an_interpreter_that_goes_during_the_drain_is_done(drained):
    service = Service("a")
    service.on_list = lambda number: refuse("ResourceNotFoundException") if number > 1 else None
    result = drained(service)
    assert (result.complete, result.gone, result.stopped, result.left) == (True, True, 1, 0)


def test_a_denied_drain_ends_when_patience_does(drained, manual_clock):
    service = Service("a")
    service.on_stop = lambda session_id: refuse("AccessDeniedException")
    result = drained(service, patience=30.0)
    assert (result.complete, result.left, result.stopped) == (False, 1, 0)
    assert 1030 <= manual_clock.now <= 1041
    assert "AccessDeniedException" in result.problem


def test_a_list_that_is_denied_ends_the_drain_when_patience_does(drained, manual_clock):
    service = Service("a")
    service.on_list = lambda number: refuse("AccessDeniedException")
    assert not drained(service, patience=30.0).complete
    assert 1030 <= manual_clock.now <= 1041


def test_the_pace_is_that_of_the_share_and_the_backlog(drained, manual_clock):
    service = Service(*map(str, range(200)))
    drained(service, rates=Rates(20.0, 5))
    assert manual_clock.now - 1000 == pytest.approx(200 / 4 + 2, rel=0.05)
