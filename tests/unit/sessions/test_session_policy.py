"""Which policies are possible, and how the janitor's function reads them."""

import dataclasses

import pytest
from aws_cdk import Duration, Stack

from cdk_code_interpreter import Enforcement, SessionPolicy
from session_manager.inputs import read_janitor_event
from session_manager.selection import Policy

SANDBOX = "Sandbox-ABCDEFGHIJ"


def read(policy: SessionPolicy):
    event = {"task": "sweep", "interpreter_id": SANDBOX, "policy": policy.limits()}
    return read_janitor_event(event, "")


def test_by_default_sessions_older_than_an_hour_are_only_counted():
    sweep = read(SessionPolicy())
    assert sweep.policy == Policy(max_age=3600.0)
    assert not sweep.enforce


def test_every_limit_reaches_the_function():
    policy = SessionPolicy(
        max_age=Duration.minutes(30),
        max_active=200,
        keep_name_prefixes=["debug-", "ops-"],
        enforcement=Enforcement.ENFORCE,
    )
    sweep = read(policy)
    assert sweep.policy == Policy(1800.0, 200, ("debug-", "ops-"))
    assert sweep.enforce


def test_without_limits_the_function_has_none():
    assert read(SessionPolicy(max_age=None)).policy == Policy()


def test_a_policy_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SessionPolicy().max_active = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"timeout": Duration.seconds(0)}, "timeout must be 1 to 28800"),
        ({"timeout": Duration.hours(9), "max_age": None}, "timeout must be 1 to 28800"),
        ({"timeout": Duration.millis(1500)}, "timeout must be 1 to 28800"),
        ({"max_age": Duration.seconds(59)}, "max_age must be 60 to 28800"),
        ({"max_age": Duration.hours(9)}, "max_age must be 60 to 28800"),
        ({"timeout": Duration.hours(2)}, r"timeout \(7200 seconds\) must not be longer"),
        ({"max_active": 0}, "max_active must be at least 1, got 0"),
        ({"keep_name_prefixes": [""]}, "keep_name_prefixes must have 1 to 100 characters"),
        ({"keep_name_prefixes": ["x" * 101]}, "keep_name_prefixes must have 1 to 100"),
        ({"schedule": Duration.seconds(30)}, "schedule must be 1 to 1440 whole minutes"),
        ({"schedule": Duration.seconds(90)}, "schedule must be 1 to 1440 whole minutes"),
        ({"schedule": Duration.days(2)}, "schedule must be 1 to 1440 whole minutes"),
    ],
)
def test_an_impossible_policy_is_refused_with_its_construct(stack, arguments, message):
    with pytest.raises(ValueError, match=f"Analytics/Janitor: {message}"):
        SessionPolicy(**arguments).check(stack, "Janitor")


@pytest.mark.parametrize(
    "arguments",
    [
        {"timeout": Duration.seconds(1)},
        {"timeout": Duration.hours(8), "max_age": Duration.hours(8)},
        {"max_age": Duration.seconds(60)},
        {"timeout": Duration.hours(1)},
        {"max_active": 1},
        {"keep_name_prefixes": ["x" * 100]},
        {"schedule": Duration.minutes(1)},
        {"schedule": Duration.days(1)},
    ],
)
def test_the_limits_themselves_are_possible(stack: Stack, arguments):
    SessionPolicy(**arguments).check(stack, "Janitor")


def test_everything_that_is_wrong_is_told_at_once(stack):
    with pytest.raises(ValueError, match="2 arguments are wrong") as raised:
        SessionPolicy(max_active=0, schedule=Duration.seconds(1)).check(stack, "Janitor")
    assert "max_active" in str(raised.value)
    assert "schedule" in str(raised.value)
