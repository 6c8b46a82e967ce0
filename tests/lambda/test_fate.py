"""A drain that is deleted leaves the sessions of an interpreter alone that stays."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from botocore.exceptions import ClientError

from session_manager import drain, fate
from session_manager.cloudformation import respond

A_MOMENT = timedelta(seconds=1)
ROLLS_BACK = [
    "UPDATE_ROLLBACK_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "ROLLBACK_IN_PROGRESS",
]
GOES_ON = ["DELETE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_IN_PROGRESS"]


INTERPRETER = "AWS::BedrockAgentCore::CodeInterpreterCustom"
DRAIN = "Custom::CodeInterpreterSessionDrain"


class Stacks:
    """CloudFormation's answers about the stack; the first may be errors."""

    def __init__(self, stack, errors, template=None, physical=None):
        self.stack, self.errors = stack, list(errors)
        self.template, self.physical = template or {}, physical or {}

    def get_template(self, *, StackName):
        return {"TemplateBody": {"Resources": self.template}}

    def list_stack_resources(self, *, StackName, NextToken="0"):
        # A page for each resource.
        items, number = list(self.physical.items()), int(NextToken)
        page = [
            {"LogicalResourceId": name, "PhysicalResourceId": identifier}
            for name, identifier in items[number : number + 1]
        ]
        more = {"NextToken": str(number + 1)} if number + 1 < len(items) else {}
        return {"StackResourceSummaries": page, **more}

    def describe_stacks(self, *, StackName):
        if self.errors:
            code = self.errors.pop(0)
            status = 403 if code == "AccessDenied" else 400
            answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
            raise ClientError(answer, "DescribeStacks")
        return {"Stacks": [self.stack]}


@pytest.fixture
def delete(interpreter, request_event, mailbox, context, fast_clock, monkeypatch):
    """Delete the drain of an interpreter with two sessions, and give back how many are READY."""

    def delete(stack, errors=(), template=None, physical=()):
        interpreter.start(2)
        named = {each: interpreter.id for each in physical}
        stacks = Stacks(stack, errors, template, {"Other": "other", **named})
        monkeypatch.setattr(fate, "stack_client", lambda: stacks)
        event = request_event("Delete", interpreter.id, InterpreterId=interpreter.id)
        respond(event, context, partial(drain.handle, clock=fast_clock))
        (answer,) = mailbox.answers
        assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", interpreter.id)
        return len(interpreter.ready())

    return delete


@pytest.fixture
def created(aws, interpreter):
    control = aws.client("bedrock-agentcore-control")
    return control.get_code_interpreter(codeInterpreterId=interpreter.id)["createdAt"]


@pytest.mark.parametrize("status", ROLLS_BACK)
def test_an_older_interpreter_keeps_its_sessions_while_the_stack_rolls_back(
    delete, created, status
):
    began = {"LastUpdatedTime": created + A_MOMENT, "CreationTime": created - A_MOMENT}
    assert delete({"StackStatus": status, **began}) == 2


@pytest.mark.parametrize("status", ROLLS_BACK)
def test_an_interpreter_that_came_with_the_update_is_drained(delete, created, status):
    began = {"LastUpdatedTime": created - A_MOMENT, "CreationTime": created - A_MOMENT}
    assert delete({"StackStatus": status, **began}) == 0


def test_an_import_keeps_its_sessions_when_a_stack_is_not_made_after_all(delete, created):
    stack = {"StackStatus": "ROLLBACK_IN_PROGRESS", "CreationTime": created + A_MOMENT}
    assert delete(stack) == 2


@pytest.mark.parametrize("status", GOES_ON)
def test_every_other_deletion_drains(delete, created, status):
    assert delete({"StackStatus": status, "LastUpdatedTime": created + A_MOMENT}) == 0


@pytest.mark.parametrize("error", ["Throttling", "AccessDenied"])
def test_a_look_at_the_stack_is_repeated(delete, created, error):
    stack = {"StackStatus": ROLLS_BACK[0], "LastUpdatedTime": created + A_MOMENT}
    assert delete(stack, errors=[error, error]) == 2


def test_a_stack_that_cannot_be_seen_drains(delete, created):
    stack = {"StackStatus": ROLLS_BACK[0], "LastUpdatedTime": created + A_MOMENT}
    assert delete(stack, errors=["AccessDenied"] * 9) == 0


UPDATED = {"StackStatus": "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"}
DELETED = {"StackStatus": "DELETE_IN_PROGRESS"}


def test_an_interpreter_that_the_new_template_still_has_keeps_its_sessions(delete):
    template = {"Sandbox": {"Type": INTERPRETER}}
    assert delete(UPDATED, template=template, physical=["Sandbox", "Analytics"]) == 2


def test_an_interpreter_that_leaves_with_its_drain_is_drained(delete):
    assert delete(UPDATED, template={}, physical=["Sandbox", "SandboxDrain"]) == 0


def test_a_replaced_interpreter_is_drained(delete):
    assert delete(UPDATED, template={"Sandbox": {"Type": INTERPRETER}}, physical=[]) == 0


def test_an_import_whose_drain_moved_keeps_its_sessions(delete):
    assert delete(UPDATED, template={"Moved": {"Type": DRAIN}}, physical=["Moved"]) == 2


def test_an_import_whose_only_drain_is_taken_away_is_drained(delete, request_event):
    logical_id = request_event("Delete", "x")["LogicalResourceId"]
    assert delete(UPDATED, template={logical_id: {"Type": DRAIN}}, physical=[logical_id]) == 0


@pytest.mark.parametrize("policy", ["Retain", "RetainExceptOnCreate"])
def test_a_retained_interpreter_outlives_its_stack_with_its_sessions(delete, policy):
    template = {"Sandbox": {"Type": INTERPRETER, "DeletionPolicy": policy}}
    assert delete(DELETED, template=template, physical=["Sandbox"]) == 2


@pytest.mark.parametrize("policy", [None, "Delete"])
def test_an_interpreter_that_goes_with_its_stack_is_drained(delete, policy):
    more = {"DeletionPolicy": policy} if policy else {}
    template = {"Sandbox": {"Type": INTERPRETER, **more}}
    assert delete(DELETED, template=template, physical=["Sandbox"]) == 0


def test_another_resource_of_that_id_says_nothing(delete):
    template = {"Parameter": {"Type": "AWS::SSM::Parameter"}}
    assert delete(UPDATED, template=template, physical=["Parameter"]) == 0
