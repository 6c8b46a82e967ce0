"""Smoke test and canary as CloudFormation and a schedule drive them."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from session_manager import canary
from session_manager.checks import CHECKS
from session_manager.cloudformation import CREATE_FAILED

ALL = {"start", "stop", *(check.name for check in CHECKS)}


class Stacks:
    """CloudFormation's answer about the stack."""

    def __init__(self, status=None, error=None):
        self.status, self.error, self.asked = status, error, []

    def describe_stacks(self, *, StackName):
        self.asked.append(StackName)
        if self.error:
            raise ClientError({"Error": {"Code": self.error}}, "DescribeStacks")
        return {"Stacks": [{"StackStatus": self.status}]}


@pytest.fixture
def stack_is(monkeypatch):
    def use(status=None, error=None):
        stacks = Stacks(status, error)
        monkeypatch.setattr(canary, "stack_client", lambda: stacks)
        return stacks

    use(error="NotToBeAsked")
    return use


@pytest.fixture
def send(aws, request_event, mailbox, context, stack_is):
    def send(request_type, physical_id=None, **properties):
        mailbox.answers.clear()
        canary.handler(request_event(request_type, physical_id, **properties), context)
        (answer,) = mailbox.answers
        return answer

    return send


def test_a_deployment_of_a_working_interpreter_succeeds(interpreter, send):
    answer = send("Create", InterpreterId=interpreter.id, Commands=["true"])
    assert (answer["Status"], answer["Data"]) == ("SUCCESS", {"Tested": "yes"})
    assert interpreter.ready() == set()


def test_the_id_stays_the_same_through_every_request(interpreter, send, stack_is):
    stack_is("UPDATE_IN_PROGRESS")
    created = send("Create", InterpreterId=interpreter.id)["PhysicalResourceId"]
    updated = send("Update", created, InterpreterId=interpreter.id)["PhysicalResourceId"]
    assert created == updated


@pytest.mark.parametrize("request_type", ["Create", "Update"])
def test_a_failure_fails_the_deployment_with_the_tool_and_its_error(
    interpreter, send, stack_is, request_type
):
    stack_is("UPDATE_IN_PROGRESS")
    commands = ["echo no such bucket >&2; exit 3"]
    answer = send(request_type, "old", InterpreterId=interpreter.id, Commands=commands)
    assert answer["Status"] == "FAILED"
    for part in (interpreter.id, "commands: command 'echo", "with exit code 3: no such bucket."):
        assert part in answer["Reason"]
    assert interpreter.ready() == set()
    if request_type == "Create":
        assert answer["PhysicalResourceId"].startswith(CREATE_FAILED)
    else:
        assert answer["PhysicalResourceId"] == "old"


def test_a_permission_that_never_comes_fails_the_deployment(aws, interpreter, send, monkeypatch):
    monkeypatch.setattr(canary, "PATIENCE", 0.0)
    aws.inject("deny", operation="Invoke*")
    answer = send("Create", InterpreterId=interpreter.id)
    assert answer["Status"] == "FAILED"
    assert "python: the permission is missing" in answer["Reason"]
    assert interpreter.ready() == set()


@pytest.mark.parametrize(
    "status", ["UPDATE_ROLLBACK_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "IMPORT_ROLLBACK_IN_PROGRESS"]
)
def test_nothing_is_tested_while_the_stack_rolls_back(interpreter, send, stack_is, calls, status):
    stacks = stack_is(status)
    answer = send("Update", "old", InterpreterId=interpreter.id, Commands=["false"])
    assert (answer["Status"], answer["Data"]) == ("SUCCESS", {"Tested": "no"})
    assert stacks.asked == [answer["StackId"]]
    assert calls == []


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "IMPORT_IN_PROGRESS"])
def test_an_update_that_goes_forward_is_tested(interpreter, send, stack_is, status):
    stack_is(status)
    answer = send("Update", "old", InterpreterId=interpreter.id, Commands=["false"])
    assert answer["Status"] == "FAILED"


def test_where_the_status_cannot_be_read_the_interpreter_is_tested(interpreter, send, stack_is):
    stack_is(error="AccessDenied")
    assert send("Update", "old", InterpreterId=interpreter.id)["Data"] == {"Tested": "yes"}
    answer = send("Update", "old", InterpreterId=interpreter.id, Commands=["false"])
    assert answer["Status"] == "FAILED"


def test_a_delete_does_nothing(send, calls):
    assert send("Delete", "old", InterpreterId="whatever")["PhysicalResourceId"] == "old"
    assert calls == []


@pytest.mark.parametrize("wrong", [None, "", "no id", 7])
def test_a_wrong_id_is_answered(send, wrong):
    answer = send("Create", InterpreterId=wrong)
    assert answer["Status"] == "FAILED"
    assert "id of a code interpreter" in answer["Reason"]


def test_a_malformed_request_is_answered_as_one(send):
    assert send("Dance")["Status"] == "FAILED"


def published(lines):
    return {
        (line["CodeInterpreterName"], line.get("Tool")): line["CanarySuccess"]
        for line in lines
        if "_aws" in line
    }


def test_a_canary_publishes_each_check_and_the_whole(interpreter, context, log_lines):
    event = {"version": 1, "task": "check", "interpreter_id": interpreter.id, "name": "Sandbox"}
    canary.handler(event, context)
    lines = log_lines()
    assert published(lines) == {("Sandbox", None): 1} | {("Sandbox", each): 1 for each in ALL}
    durations = [line["CanaryDuration"] for line in lines if "_aws" in line]
    assert all(each > 0 for each in durations)
    assert interpreter.ready() == set()


def test_a_failing_canary_is_a_metric_and_no_error_of_the_function(interpreter, context, log_lines):
    event = {"interpreter_id": interpreter.id, "name": "Sandbox", "commands": ["exit 3"]}
    canary.handler(event, context)
    lines = log_lines()
    values = published(lines)
    assert values.pop(("Sandbox", None)) == 0
    assert values.pop(("Sandbox", "commands")) == 0
    assert values == {("Sandbox", each): 1 for each in ALL}
    (error,) = [line for line in lines if line.get("level") == "ERROR"]
    assert error["check"] == "commands"


def test_the_canary_uses_the_system_interpreter_too(aws, context, log_lines):
    canary.handler({"interpreter_id": "aws.codeinterpreter.v1", "name": "system"}, context)
    assert published(log_lines())[("system", None)] == 1


def test_an_event_of_nothing_is_an_error(aws, context):
    with pytest.raises(ValueError, match="interpreter_id"):
        canary.handler({}, context)


def test_a_run_ends_in_time_to_stop_its_session_and_to_answer():
    hanging_call, answer = 3 + 60, 45
    assert hanging_call + canary.TIME_TO_STOP + answer <= canary.TIME_TO_END
