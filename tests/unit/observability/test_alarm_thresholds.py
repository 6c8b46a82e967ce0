"""Thresholds that can be, and those that cannot."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Stack, Token
from aws_cdk.assertions import Template

from cdk_code_interpreter.interpreter.imported import SystemCodeInterpreter
from cdk_code_interpreter.observability.alarm_thresholds import AlarmThresholds, Threshold
from cdk_code_interpreter.observability.alarms import CodeInterpreterAlarms


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"throttles": 0}, r"throttles must be above 0, got 0; None leaves the alarm out"),
        ({"throttles": -1}, r"throttles must be above 0, got -1"),
        ({"throttles": True}, r"throttles must be a number or a Threshold, got True"),
        ({"throttles": "many"}, r"throttles must be a number or a Threshold, got 'many'"),
        ({"throttles": float("nan")}, r"throttles must be above 0, got nan"),
        ({"throttles": float("inf")}, r"throttles must be a number that can be reached, got inf"),
        ({"throttles": Threshold(1, datapoints_to_alarm=True)}, r"throttles must have whole numb"),
        ({"system_error_rate": 101}, r"percentage and must be at most 100, got 101"),
        ({"start_latency": 10}, r"start_latency must be a Duration.*got 10"),
        ({"invoke_latency": Duration.seconds(0)}, r"invoke_latency must be longer than nothing"),
        ({"janitor_silent": 2}, r"janitor_silent .* a whole number from 3 on, got 2"),
        ({"canary_failures": 1}, r"canary_failures .* a whole number from 2 on, got 1"),
        ({"canary_failures": Threshold(3)}, r"canary_failures .* whole number from 2 on"),
        ({"janitor_silent": Threshold(4)}, r"janitor_silent .* whole number from 3 on"),
        ({"janitor_silent": True}, r"janitor_silent .* whole number from 3 on, got True"),
        (
            {"throttles": Threshold(1, datapoints_to_alarm=4, evaluation_periods=3)},
            r"throttles needs 4 data points but looks at 3",
        ),
        (
            {"throttles": Threshold(1, evaluation_periods=0)},
            r"throttles must have datapoints_to_alarm and evaluation_periods above 0",
        ),
        (
            {"throttles": Threshold(1, period=Duration.seconds(90))},
            r"throttles must have a period of whole minutes, got 90 seconds",
        ),
        (
            {"throttles": Threshold(1, evaluation_periods=25, period=Duration.hours(1))},
            r"25 periods of 3600 seconds, but CloudWatch evaluates at most a day",
        ),
    ],
)
def test_a_threshold_that_cannot_be_is_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        AlarmThresholds(**arguments)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(ValueError, match=r"2 values are wrong:\n- .*\n- "):
        AlarmThresholds(throttles=0, session_starts=0)


def test_a_number_that_is_not_known_yet_is_let_through() -> None:
    stack = Stack(App(), "S")
    number = CfnParameter(stack, "Most", type="Number").value_as_number
    CodeInterpreterAlarms(
        stack,
        "Alarms",
        interpreter=SystemCodeInterpreter(stack, "System"),
        thresholds=AlarmThresholds(throttles=number, session_starts=Threshold(number)),
    )
    alarms = Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm")
    thresholds = [each["Properties"]["Threshold"] for each in alarms.values()]
    assert thresholds.count({"Ref": "Most"}) == 2


def test_a_duration_that_is_not_known_yet_is_refused_with_the_reason() -> None:
    later = Duration.seconds(Token.as_number({"Ref": "Seconds"}))
    for thresholds in ({"start_latency": later}, {"throttles": Threshold(1, period=later)}):
        with pytest.raises(ValueError, match="known when the app is synthesized"):
            AlarmThresholds(**thresholds)
