"""A drain that goes because an update failed leaves an interpreter alone that stays."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from botocore.exceptions import ClientError

from session_manager import drain, rollback
from session_manager.cloudformation import respond

A_MOMENT = timedelta(seconds=1)
ROLLS_BACK = [
    "UPDATE_ROLLBACK_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "ROLLBACK_IN_PROGRESS",
]
GOES_ON = ["DELETE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_IN_PROGRESS"]


class Stacks:
    """CloudFormation's answer about the stack; the first answers may be errors."""

    def __init__(self, stack, errors):
        self.stack, self.errors = stack, list(errors)

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

    def delete(stack, errors=()):
        interpreter.start(2)
        stacks = Stacks(stack, errors)
        monkeypatch.setattr(rollback, "stack_client", lambda: stacks)
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
