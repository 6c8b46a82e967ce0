"""Which sessions a janitor stops, by example and by property."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_manager.selection import (
    CHECK_NAME,
    Action,
    Policy,
    Reason,
    age_of,
    decide,
    orphan_search_due,
    same_beginning,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR = 3600.0


def session(session_id: str, age: float = 0.0, **fields: object) -> dict[str, object]:
    return {
        "sessionId": session_id,
        "status": "READY",
        "createdAt": NOW - timedelta(seconds=age),
        **fields,
    }


def stopped(sessions, policy):
    return [d.session_id for d in decide(sessions, policy, NOW) if d.action is Action.STOP]


def test_only_sessions_over_age_are_stopped_oldest_first():
    sessions = [session("young", 10), session("old", HOUR + 1), session("oldest", 2 * HOUR)]
    assert stopped(sessions, Policy(max_age=HOUR)) == ["oldest", "old"]


def test_a_session_of_exactly_the_allowed_age_lives():
    assert stopped([session("a", HOUR)], Policy(max_age=HOUR)) == []


def test_without_limits_nothing_is_stopped():
    assert stopped([session("a", 28_800)], Policy()) == []


def test_with_too_many_sessions_the_oldest_are_stopped():
    sessions = [session("c", 1), session("a", 3), session("b", 2)]
    assert stopped(sessions, Policy(max_active=1)) == ["a", "b"]
    assert stopped(sessions, Policy(max_active=3)) == []


def test_those_over_age_count_as_gone_when_sessions_are_counted():
    sessions = [session("old", 2 * HOUR), session("b", 2), session("c", 1)]
    decisions = {d.session_id: d for d in decide(sessions, Policy(HOUR, 1), NOW)}
    assert decisions["old"].reason is Reason.OVER_AGE
    assert decisions["b"].reason is Reason.OVER_COUNT
    assert decisions["c"].action is Action.KEEP


def test_a_kept_prefix_protects_from_age_and_from_number():
    sessions = [session("debug", 9 * HOUR, name="debug-1"), session("b", 2), session("c", 1)]
    policy = Policy(max_age=HOUR, max_active=2, keep_name_prefixes=["debug-"])
    assert stopped(sessions, policy) == []
    assert decide(sessions, policy, NOW)[0].reason is Reason.KEPT_NAME


def test_a_prefix_is_a_beginning_and_nothing_else():
    policy = Policy(max_age=HOUR, keep_name_prefixes=["debug-"])
    sessions = [session("a", 2 * HOUR, name="my-debug-1"), session("b", 2 * HOUR, name="Debug-")]
    assert set(stopped(sessions, policy)) == {"a", "b"}


def test_a_session_without_a_name_has_none_to_be_kept_for():
    policy = Policy(max_age=HOUR, keep_name_prefixes=["debug-"])
    assert stopped([session("a", 2 * HOUR), session("b", 2 * HOUR, name=None)], policy)


@pytest.mark.parametrize("created", [None, "2020-01-01", 0, datetime(2020, 1, 1)])
def test_a_session_without_a_sensible_start_is_left_alone(created):
    (decision,) = decide([session("a", createdAt=created)], Policy(max_age=1, max_active=0), NOW)
    assert (decision.action, decision.reason) == (Action.KEEP, Reason.UNKNOWN_AGE)
    assert decision.age is None


def test_a_missing_start_is_left_alone():
    decisions = decide([{"sessionId": "a"}], Policy(max_age=1), NOW)
    assert decisions[0].reason is Reason.UNKNOWN_AGE


@pytest.mark.parametrize("name", [7, ["debug-1"], {}, False])
def test_a_name_that_is_no_text_is_left_alone(name):
    (decision,) = decide([session("a", 9 * HOUR, name=name)], Policy(max_age=1), NOW)
    assert (decision.action, decision.reason) == (Action.KEEP, Reason.UNKNOWN_NAME)


def test_clocks_may_differ_by_a_minute():
    assert age_of(session("a", -59.0), NOW) == 0.0
    assert age_of(session("a", -60.0), NOW) is None
    assert age_of(session("a", 30.0), NOW) == 30.0


def test_sessions_of_the_same_age_have_an_order():
    sessions = [session("b", 5), session("a", 5), session("c", 5)]
    assert stopped(sessions, Policy(max_active=1)) == ["a", "b"]


def test_those_of_unknown_age_come_last():
    sessions = [session("x", createdAt=None), session("new", 0), session("old", 9)]
    assert [d.session_id for d in decide(sessions, Policy(), NOW)] == ["old", "new", "x"]


listed = st.lists(
    st.builds(
        lambda number, age, name, start: {
            "sessionId": number,
            **({"name": name} if name is not None else {}),
            **({"createdAt": NOW - timedelta(seconds=age)} if start else {}),
        },
        number=st.text("abcdefgh0123", min_size=1, max_size=4),
        age=st.floats(min_value=-120, max_value=40_000),
        name=st.sampled_from([None, "keep-1", "job-1", "kee", 5]),
        start=st.sampled_from([True, True, True, False]),
    ),
    max_size=30,
    unique_by=lambda each: each["sessionId"],
)
policies = st.builds(
    Policy,
    max_age=st.none() | st.floats(min_value=1, max_value=30_000),
    max_active=st.none() | st.integers(min_value=0, max_value=20),
    keep_name_prefixes=st.sampled_from([(), ("keep-",)]),
)


@given(listed, policies)
def test_every_session_is_judged_once(sessions, policy):
    decisions = decide(sessions, policy, NOW)
    assert sorted(d.session_id for d in decisions) == sorted(s["sessionId"] for s in sessions)


@given(listed, policies)
def test_what_remains_obeys_the_policy_and_nothing_is_stopped_in_vain(sessions, policy):
    decisions = decide(sessions, policy, NOW)
    within = [d for d in decisions if d.reason is Reason.WITHIN]
    surplus = [d for d in decisions if d.reason is Reason.OVER_COUNT]
    if policy.max_age is not None:
        assert all(d.age <= policy.max_age for d in within)
        assert all(d.age > policy.max_age for d in decisions if d.reason is Reason.OVER_AGE)
    if policy.max_active is not None:
        assert len(within) <= policy.max_active
        assert not surplus or len(within) == policy.max_active
    assert all(one.age >= other.age for one in surplus for other in within)


@given(listed, policies)
def test_nothing_is_stopped_that_the_list_does_not_prove(sessions, policy):
    by_id = {each["sessionId"]: each for each in sessions}
    for decision in decide(sessions, policy, NOW):
        if decision.action is Action.STOP:
            assert decision.age is not None
            name = by_id[decision.session_id].get("name")
            assert name is None or isinstance(name, str)
            assert not (name or "").startswith(tuple(policy.keep_name_prefixes) or ("\0",))


@given(listed, policies, st.randoms(use_true_random=False))
def test_the_order_of_the_list_changes_nothing(sessions, policy, random):
    shuffled = list(sessions)
    random.shuffle(shuffled)
    assert decide(shuffled, policy, NOW) == decide(sessions, policy, NOW)


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return NOW.replace(hour=hour, minute=minute, second=second)


@pytest.mark.parametrize(
    ("scheduled", "minutes", "due"),
    [
        (at(9, 0), 5, True),
        (at(9, 4, 59), 5, True),
        (at(9, 5), 5, False),
        (at(9, 59), 5, False),
        (at(9, 59), 60, True),
        (at(9, 59), 90, True),
        (at(9, 59), 59, False),
        (at(9, 58, 59), 59, True),
    ],
)
def test_orphans_are_looked_for_once_an_hour(scheduled, minutes, due):
    assert orphan_search_due(scheduled, timedelta(minutes=minutes)) is due


@pytest.mark.parametrize("minutes", [1, 5, 7, 15, 60])
@given(offset=st.integers(min_value=0, max_value=3599))
def test_ticks_at_any_offset_look_exactly_once_in_each_hour(minutes, offset):
    interval = timedelta(minutes=minutes)
    start = NOW + timedelta(seconds=offset % (minutes * 60))
    ticks = [start + n * interval for n in range(24 * 60 // minutes)]
    looked = [each.hour for each in ticks if orphan_search_due(each, interval)]
    assert sorted(looked) == sorted({each.hour for each in ticks})


def test_an_hour_begins_with_its_first_second():
    assert not orphan_search_due(at(9, 5, 30), timedelta(seconds=310))
    assert orphan_search_due(at(9, 5, 30), timedelta(seconds=331))
    half_a_second = timedelta(microseconds=500_000)
    assert not orphan_search_due(at(9, 5) + half_a_second, timedelta(minutes=5) + half_a_second / 2)


def test_orphans_are_looked_for_where_the_schedule_is_not_known():
    assert orphan_search_due(None, timedelta(minutes=5))
    assert orphan_search_due(at(9, 30), None)


def test_interpreters_begin_alike_under_the_prefix():
    interpreters = [
        {"codeInterpreterId": "Sandbox_01_aa-0000000001", "status": "READY"},
        {"codeInterpreterId": "Sandbox_01_bb-0000000002", "status": "READY"},
        {"codeInterpreterId": "Sandbox_01_cc-0000000003", "status": "DELETING"},
        {"codeInterpreterId": "Sandbox_01_ee-0000000006", "status": "DELETED"},
        {"codeInterpreterId": "Sandbox_01_dd-0000000004", "status": "DELETE_FAILED"},
        {"codeInterpreterId": "Sandbox_02_aa-0000000005", "status": "READY"},
        {"codeInterpreterId": None},
        {},
    ]
    found = same_beginning(interpreters, "Sandbox_01_", "Sandbox_01_aa-0000000001")
    assert [each["codeInterpreterId"] for each in found] == [
        "Sandbox_01_bb-0000000002",
        "Sandbox_01_dd-0000000004",
    ]


def test_without_a_prefix_none_begins_alike():
    assert same_beginning([{"codeInterpreterId": "a-0000000001"}], "", "b-0000000002") == []


def test_a_check_takes_no_place_of_a_users_session():
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    names = {"oldest": None, "newest": "agent", "check": CHECK_NAME}
    ages = {"oldest": 300, "newest": 100, "check": 10}
    sessions = [
        {
            "sessionId": each,
            "createdAt": now - timedelta(seconds=ages[each]),
            **({"name": name} if name else {}),
        }
        for each, name in names.items()
    ]
    decisions = decide(sessions, Policy(max_active=2), now)
    assert [each.action for each in decisions] == [Action.KEEP] * 3
    # A check that hangs is as old as any other session.
    over = decide(sessions, Policy(max_age=5), now)
    assert [each.reason for each in over] == [Reason.OVER_AGE] * 3
