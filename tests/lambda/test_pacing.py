"""How fast the functions send, and when they give up."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_manager.pacing import Deadline, Pace, backoff, fair_rate

ACCOUNT_LIMIT = 30.0


def test_requests_are_spaced_evenly(manual_clock):
    pace = Pace(20.0, manual_clock.clock)
    deadline = Deadline(1000, manual_clock.clock)
    begun = manual_clock.now
    assert all(pace.admit(deadline) for _ in range(101))
    assert manual_clock.now - begun == pytest.approx(5.0)
    assert max(manual_clock.slept) == pytest.approx(0.05)


def test_the_first_request_waits_for_nothing(manual_clock):
    pace = Pace(0.5, manual_clock.clock)
    assert pace.admit(Deadline(1, manual_clock.clock))
    assert manual_clock.slept == []


def test_time_without_requests_gives_no_right_to_a_burst(manual_clock):
    pace = Pace(10.0, manual_clock.clock)
    deadline = Deadline(1000, manual_clock.clock)
    pace.admit(deadline)
    manual_clock.now += 60
    begun = manual_clock.now
    for _ in range(11):
        pace.admit(deadline)
    assert manual_clock.now - begun == pytest.approx(1.0)


def test_nothing_is_admitted_after_the_deadline(manual_clock):
    pace = Pace(1.0, manual_clock.clock)
    deadline = Deadline(2.5, manual_clock.clock)
    assert [pace.admit(deadline) for _ in range(5)] == [True, True, True, False, False]


def test_a_moment_exactly_at_the_deadline_is_too_late(manual_clock):
    pace = Pace(1.0, manual_clock.clock)
    deadline = Deadline(1.0, manual_clock.clock)
    assert [pace.admit(deadline), pace.admit(deadline)] == [True, False]


def test_an_objection_halves_the_rate_once_a_second(manual_clock):
    pace = Pace(16.0, manual_clock.clock)
    pace.slow_down()
    pace.slow_down()
    assert pace.rate == 8.0
    manual_clock.now += 1.0
    pace.slow_down()
    assert pace.rate == 4.0


def test_the_rate_never_falls_to_nothing(manual_clock):
    pace = Pace(2.0, manual_clock.clock)
    for _ in range(10):
        manual_clock.now += 1.0
        pace.slow_down()
    assert pace.rate == 0.5


def test_a_pace_below_the_slowest_is_not_made_faster_by_an_objection(manual_clock):
    pace = Pace(0.2, manual_clock.clock)
    pace.slow_down()
    assert pace.rate == 0.2


def test_the_rate_recovers_and_stops_at_its_target(manual_clock):
    pace = Pace(20.0, manual_clock.clock)
    deadline = Deadline(math.inf, manual_clock.clock)
    pace.slow_down()
    rates = []
    for _ in range(15):
        manual_clock.now += 1.0
        pace.admit(deadline)
        rates.append(pace.rate)
    assert rates[:3] == pytest.approx([11.0, 12.0, 13.0])
    assert rates[-1] == 20.0


def test_the_longer_nobody_asked_the_more_the_rate_recovers(manual_clock):
    pace = Pace(20.0, manual_clock.clock)
    pace.slow_down()
    manual_clock.now += 4.0
    pace.admit(Deadline(math.inf, manual_clock.clock))
    assert pace.rate == pytest.approx(14.0)


def test_there_is_no_recovery_within_a_second(manual_clock):
    pace = Pace(20.0, manual_clock.clock)
    deadline = Deadline(math.inf, manual_clock.clock)
    pace.slow_down()
    manual_clock.now += 0.9
    pace.admit(deadline)
    assert pace.rate == 10.0


def test_a_new_aim_does_not_undo_an_objection(manual_clock):
    pace = Pace(20.0, manual_clock.clock)
    pace.slow_down()
    pace.aim(20.0)
    assert pace.rate == 10.0
    pace.aim(4.0)
    assert pace.rate == 4.0


def test_a_new_aim_is_taken_at_once_where_nobody_objected(manual_clock):
    pace = Pace(20.0, manual_clock.clock)
    pace.aim(4.0)
    assert pace.rate == 4.0
    pace.aim(12.0)
    assert pace.rate == 12.0


def test_an_even_share_is_the_pace_of_drains_with_little_to_do():
    assert fair_rate(20.0, 1, 10) == 20.0
    assert fair_rate(20.0, 5, 200) == 4.0
    assert fair_rate(20.0, 0, 1) == 20.0


def test_a_backlog_makes_one_of_many_drains_faster_up_to_the_limit():
    assert fair_rate(20.0, 50, 1000) == 10.0
    assert fair_rate(20.0, 50, 10_000) == 20.0


@given(
    st.lists(st.integers(min_value=0, max_value=1000), min_size=1, max_size=60).filter(
        lambda backlogs: sum(backlogs) <= 1000
    )
)
def test_drains_of_one_stack_stay_within_the_accounts_limit_without_knowing_of_each_other(backlogs):
    rates = [fair_rate(20.0, len(backlogs), backlog) for backlog in backlogs if backlog]
    assert sum(rates) <= ACCOUNT_LIMIT + 1e-9
    assert all(
        backlog / rate <= 100.0 + 1e-9
        for backlog, rate in zip((b for b in backlogs if b), rates, strict=True)
    )


def test_waits_grow_and_end_at_five_seconds():
    longest = [backoff(attempt, lambda least, most: most) for attempt in range(1, 8)]
    least = [backoff(attempt, lambda least, most: least) for attempt in range(1, 8)]
    assert longest == pytest.approx([0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0])
    assert least == pytest.approx([each / 2 for each in longest])


@given(st.integers(min_value=1, max_value=5000))
def test_a_wait_is_never_the_same_for_all_nor_longer_than_five_seconds(attempt):
    assert 0.2 <= backoff(attempt) <= 5.0


def test_a_deadline_passes(manual_clock):
    deadline = Deadline(2.0, manual_clock.clock)
    assert deadline.remaining() == 2.0
    assert not deadline.passed()
    manual_clock.now += 1.5
    assert not deadline.passed()
    manual_clock.now += 0.5
    assert deadline.passed()
    manual_clock.now += 5.0
    assert deadline.remaining() == 0.0


def test_a_deadline_in_the_past_has_passed(manual_clock):
    assert Deadline(-3.0, manual_clock.clock).passed()
