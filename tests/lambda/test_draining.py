"""When a drain is done, goes on or gives up: decisions without a service."""

import pytest

from session_manager.draining import LONGEST_PAUSE, QUIET_LISTS, Progress, Verdict
from session_manager.failures import CallFailedError, Failure
from session_manager.sessions import StopOutcome


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
    progress.listed([])
    assert progress.verdict(0, deadline_passed=False) is Verdict.GO_ON


def test_that_time_ran_out_does_not_hide_why():
    progress = Progress(patience=30)
    progress.tried(failed(Failure.OUT_OF_TIME, "a"), 0)
    assert progress.problem == "OUT_OF_TIME"
    progress.tried(failed(Failure.CONFLICT, "a"), 1)
    progress.unreadable(CallFailedError(Failure.OUT_OF_TIME, "late"), 2)
    assert progress.problem == "CONFLICT"
