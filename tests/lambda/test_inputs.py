"""Events of schedules, operators and alarms, of every version and none."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_manager.inputs import (
    Check,
    StopAll,
    Sweep,
    Target,
    is_alarm,
    moment,
    positive,
    read_check,
    read_janitor_event,
    texts,
)
from session_manager.selection import Policy

FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:janitor"
SANDBOX = "Sandbox_0123456789_ab-ABCDEFGHIJ"
PREFIX = "Sandbox_0123456789_"
SYSTEM = "aws.codeinterpreter.v1"
# What the first published version sent; functions are updated before and after their schedules.
SWEEP_1 = {
    "version": 1,
    "task": "sweep",
    "interpreter_id": SANDBOX,
    "name": "Sandbox_0123456789",
    "prefix": "Sandbox_0123456789_",
    "policy": {
        "enforcement": "ENFORCE",
        "max_age_seconds": 3600,
        "max_active": 10,
        "keep_name_prefixes": ["debug-"],
    },
    "scheduled_time": "2026-11-22T12:00:00Z",
    "interval_seconds": 300,
}


def test_a_sweep_of_version_1_is_understood():
    assert read_janitor_event(SWEEP_1, FUNCTION) == Sweep(
        target=Target(SANDBOX, "Sandbox_0123456789", None),
        prefix="Sandbox_0123456789_",
        policy=Policy(3600.0, 10, ("debug-",)),
        enforce=True,
        scheduled=datetime(2026, 11, 22, 12, tzinfo=UTC),
        interval=timedelta(minutes=5),
    )


def test_what_is_missing_limits_nothing_and_stops_nothing():
    sweep = read_janitor_event({"task": "sweep", "interpreter_id": SANDBOX}, FUNCTION)
    assert sweep == Sweep(Target(SANDBOX, SANDBOX, None), "", Policy(), False, None, None)


@pytest.mark.parametrize("enforcement", ["SHADOW", "enforce", None, True, 1, ["ENFORCE"]])
def test_only_the_word_itself_enforces(enforcement):
    event = {**SWEEP_1, "policy": {**SWEEP_1["policy"], "enforcement": enforcement}}
    assert not read_janitor_event(event, FUNCTION).enforce


@pytest.mark.parametrize("keep", ["debug-", None, 5, ["debug-", 5], ["debug-", ""]])
def test_nothing_is_stopped_while_names_to_keep_cannot_be_read(keep):
    event = {**SWEEP_1, "policy": {**SWEEP_1["policy"], "keep_name_prefixes": keep}}
    assert not read_janitor_event(event, FUNCTION).enforce


def test_a_policy_that_keeps_no_name_is_enforced():
    policy = {**SWEEP_1["policy"]}
    del policy["keep_name_prefixes"]
    assert read_janitor_event({**SWEEP_1, "policy": policy}, FUNCTION).enforce


@pytest.mark.parametrize(("most", "expected"), [(0.5, None), ("0.2", None), (1, 1), ("1.9", 1)])
def test_less_than_one_session_is_no_limit(most, expected):
    event = {**SWEEP_1, "policy": {**SWEEP_1["policy"], "max_active": most}}
    assert read_janitor_event(event, FUNCTION).policy.max_active == expected


def test_the_system_interpreter_is_watched_and_never_enforced():
    sweep = read_janitor_event({**SWEEP_1, "interpreter_id": SYSTEM}, FUNCTION)
    assert not sweep.enforce


def test_stop_all_by_command_names_its_interpreter():
    event = {"version": 1, "task": "stop_all", "interpreter_id": SANDBOX, "region": "eu-west-1"}
    expected = StopAll(Target(SANDBOX, SANDBOX, "eu-west-1"), "")
    assert read_janitor_event(event, FUNCTION) == expected


@pytest.mark.parametrize(
    ("identifier", "name", "prefix"),
    [
        ("Sandbox_0123456789_abcdef01-0123456789", "Sandbox_0123456789", "Sandbox_0123456789_"),
        ("Fixed-0123456789", "Fixed", "Fixed-"),
        ("Fixed-0123456789", "Fix", ""),
        ("Fixed-0123456789", "Other", ""),
        ("Fixed-0123456789", "", ""),
    ],
)
def test_stop_all_is_for_every_generation_where_the_name_says_which_they_are(
    identifier, name, prefix
):
    event = {"task": "stop_all", "interpreter_id": identifier, "name": name}
    assert read_janitor_event(event, FUNCTION).prefix == prefix


@pytest.mark.parametrize(
    ("rest", "name", "region", "prefix"),
    [
        ("", SANDBOX, None, ""),
        ("--Sandbox_0123456789", "Sandbox_0123456789", None, PREFIX),
        ("--Sandbox_0123456789--eu-west-1", "Sandbox_0123456789", "eu-west-1", PREFIX),
        ("----eu-west-1", SANDBOX, "eu-west-1", ""),
    ],
)
def test_stop_all_by_alarm_names_it_by_the_alias_that_was_invoked(rest, name, region, prefix):
    event = {"source": "aws.cloudwatch", "alarmArn": "arn:alarm"}
    expected = StopAll(Target(SANDBOX, name, region), prefix)
    assert read_janitor_event(event, f"{FUNCTION}:{SANDBOX}{rest}") == expected


@pytest.mark.parametrize("arn", [FUNCTION, f"{FUNCTION}:$LATEST", f"{FUNCTION}:{SYSTEM}", ""])
def test_an_alarm_without_an_interpreter_stops_nothing(arn):
    with pytest.raises(ValueError, match="interpreter"):
        read_janitor_event({"alarmArn": "arn:alarm"}, arn)


def test_the_system_interpreters_sessions_cannot_be_stopped_by_command():
    with pytest.raises(ValueError, match="other teams'"):
        read_janitor_event({"task": "stop_all", "interpreter_id": SYSTEM}, FUNCTION)


@pytest.mark.parametrize(
    ("event", "arn", "message"),
    [
        ({"task": "dance"}, "", "the event's task must be sweep or stop_all, got 'dance'"),
        (
            {"alarmArn": "arn:alarm"},
            FUNCTION,
            "interpreter_id must be the id of a code interpreter, such as name-0123456789, got ''",
        ),
        (
            {"task": "sweep", "interpreter_id": "x" * 300},
            "",
            "interpreter_id must be the id of a code interpreter, such as name-0123456789, got "
            + repr("x" * 100),
        ),
        (
            {"task": "stop_all", "interpreter_id": SYSTEM},
            "",
            "the sessions of the system interpreter may be other teams': they are not stopped",
        ),
    ],
)
def test_a_refusal_says_what_is_wrong(event, arn, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read_janitor_event(event, arn)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@given(
    anything
    | st.fixed_dictionaries(
        {"task": st.sampled_from(["sweep", "stop_all"])},
        optional={
            "interpreter_id": st.just(SANDBOX) | anything,
            "policy": st.dictionaries(
                st.sampled_from(
                    ["max_age_seconds", "max_active", "keep_name_prefixes", "enforcement"]
                ),
                anything,
            )
            | anything,
            "prefix": anything,
            "name": anything,
            "region": anything,
            "scheduled_time": anything,
            "interval_seconds": anything,
        },
    ),
    anything.map(str),
)
def test_an_event_is_understood_or_refused_by_name(event, arn):
    try:
        task = read_janitor_event(event, arn)
    except ValueError:
        return
    assert task.target.interpreter_id == SANDBOX
    if isinstance(task, Sweep):
        assert task.policy.max_age is None or task.policy.max_age > 0
        assert "" not in task.policy.keep_name_prefixes


def test_a_check_names_its_interpreter_and_commands():
    event = {"interpreter_id": SYSTEM, "name": "system", "commands": ["ls", "", 7, "pwd"]}
    assert read_check(event) == Check(Target(SYSTEM, "system", None), ("ls", "pwd"))


@pytest.mark.parametrize("event", [{}, None, {"interpreter_id": "nothing"}, "text"])
def test_a_check_of_nothing_is_refused(event):
    with pytest.raises(ValueError, match="interpreter_id must be"):
        read_check(event)


@pytest.mark.parametrize(
    ("event", "raised"),
    [
        ({"alarmData": {"state": {"value": "ALARM"}}}, True),
        ({"alarmData": {"state": {"value": "OK"}}}, False),
        ({"alarmData": {"state": "ALARM"}}, False),
        ({"alarmData": None}, False),
        ({}, False),
        ("ALARM", False),
    ],
)
def test_an_alarm_is_raised_only_if_it_says_so(event, raised):
    assert is_alarm(event) is raised


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3.0),
        ("3", 3.0),
        (0.5, 0.5),
        (0, None),
        ("0", None),
        (-1, None),
        (True, None),
        ("inf", None),
        ("nan", None),
        (None, None),
        ([], None),
        ("three", None),
    ],
)
def test_only_a_number_above_zero_is_a_limit(value, number):
    assert positive(value) == number


@pytest.mark.parametrize("value", ["", "<aws.scheduler.scheduled-time>", None, 7, "tomorrow"])
def test_what_is_no_time_is_no_time(value):
    assert moment(value) is None


def test_a_time_without_a_zone_is_universal_time():
    assert moment("2026-11-22T12:00:00") == datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert moment("2026-11-22T14:00:00+02:00") == datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_texts_are_taken_from_lists_only():
    assert texts(["a", 1, "", "b"]) == ("a", "b")
    assert texts("ab") == ()
