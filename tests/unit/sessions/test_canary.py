"""The canary's schedule, and what the function is told."""

from __future__ import annotations

import json

import pytest
from aws_cdk import Duration, Stack

from cdk_code_interpreter import Canary, CodeInterpreter, SystemCodeInterpreter
from session_manager.inputs import read_check

SCHEDULE = "AWS::Scheduler::Schedule"


@pytest.fixture
def watched(stack: Stack, synthesize):
    def make(**arguments):
        Canary(stack, "Canary", interpreter=CodeInterpreter(stack, "Sandbox"), **arguments)
        return synthesize(stack)

    return make


def schedule_of(template):
    (found,) = [r for r in template["Resources"].values() if r["Type"] == SCHEDULE]
    return found["Properties"]


def test_it_runs_every_quarter_of_an_hour(watched):
    assert schedule_of(watched())["ScheduleExpression"] == "rate(15 minutes)"


def test_the_function_understands_what_the_schedule_sends(watched, deployed):
    template = watched(commands=["aws s3 ls"], schedule=Duration.hours(1))
    check = read_check(json.loads(deployed(schedule_of(template)["Target"]["Input"], template)))
    assert check.target.interpreter_id.startswith(f"{check.target.name}_")
    assert check.commands == ("aws s3 ls",)
    assert schedule_of(template)["ScheduleExpression"] == "rate(60 minutes)"


def test_it_uses_the_interpreter_as_the_drain_answers_it(watched):
    assert "Drain" in json.dumps(schedule_of(watched())["Target"]["Input"])


def test_the_system_interpreter_can_be_watched(stack, synthesize):
    Canary(stack, "Canary", interpreter=SystemCodeInterpreter(stack, "System"))
    told = json.loads(schedule_of(synthesize(stack))["Target"]["Input"])
    assert read_check(told).target.interpreter_id == "aws.codeinterpreter.v1"


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (Duration.minutes(4), "schedule must be at least 5 minutes, got 4 minutes"),
        (Duration.seconds(330), "schedule must be 1 to 1440 whole minutes"),
        (Duration.days(2), "schedule must be 1 to 1440 whole minutes"),
    ],
)
def test_an_impossible_schedule_is_refused(watched, schedule, message):
    with pytest.raises(ValueError, match=message):
        watched(schedule=schedule)


def test_a_schedule_of_five_minutes_is_possible(watched):
    assert schedule_of(watched(schedule=Duration.minutes(5)))
