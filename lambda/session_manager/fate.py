"""Whether an interpreter goes when CloudFormation deletes its drain.

A drain that leaves the stack - it moved to another construct id, was switched off, or its
interpreter is retained from now on - is deleted although its interpreter stays. Then no session is
stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .clients import control_client, stack_client
from .failures import CallFailedError
from .log import log
from .pacing import CLOCK, REQUESTS_PER_SECOND, Clock, Deadline, Pace
from .sessions import Caller

LONGEST_LOOK = 60.0
ATTEMPTS = 6
_INTERPRETER = "AWS::BedrockAgentCore::CodeInterpreterCustom"
_DRAIN = "Custom::CodeInterpreterSessionDrain"
_KEPT = ("Retain", "RetainExceptOnCreate")


@dataclass(frozen=True)
class _Look:
    """One look at a stack, with the time that it may take."""

    stack_id: str
    interpreter_id: str
    region: str | None
    caller: Caller
    deadline: Deadline

    def call(self, operation: Callable[[], Any]) -> Any:
        return self.caller.call(operation, self.deadline, ATTEMPTS)


def stays(
    stack_id: str, interpreter_id: str, region: str | None, *, logical_id: str, clock: Clock = CLOCK
) -> bool:
    """Return whether an interpreter stays although its drain is deleted.

    False where this cannot be seen: then its sessions are stopped, as before every deletion, since
    an interpreter that goes with open sessions may be left behind.

    Args:
        stack_id: The stack of the drain.
        interpreter_id: The interpreter whose sessions would be stopped.
        region: The interpreter's region. `None`: the function's own.
        logical_id: The logical id of the drain that is deleted.
        clock: The time, and the waiting.
    """
    # A pace of its own: CloudFormation's throttling says nothing about the sessions' service.
    # A permission may still have to spread: the policy came with the update in progress.
    caller = Caller(Pace(REQUESTS_PER_SECOND, clock), clock, patience=LONGEST_LOOK)
    look = _Look(stack_id, interpreter_id, region, caller, Deadline(LONGEST_LOOK, clock))
    try:
        return _stays(look, logical_id)
    except (CallFailedError, LookupError, TypeError, ValueError) as error:
        log("whether the interpreter stays cannot be seen", level="WARNING", why=str(error))
        return False


def _stays(look: _Look, logical_id: str) -> bool:
    stacks = look.call(lambda: stack_client().describe_stacks(StackName=look.stack_id))
    stack = stacks["Stacks"][0]
    status: str = stack["StackStatus"]
    if "ROLLBACK" in status:
        return _outlives_rollback(look, stack)
    resources = _resources_of(look)
    named = _named(look)
    if status.startswith("DELETE"):
        return any(
            resources.get(name, {}).get("DeletionPolicy") in _KEPT
            for name in named
            if resources.get(name, {}).get("Type") == _INTERPRETER
        )
    # The template is the new one by now: what it still has, stays; so does what another drain has.
    return any(
        resources.get(name, {}).get("Type") in (_INTERPRETER, _DRAIN)
        for name in named
        if name != logical_id
    )


def _resources_of(look: _Look) -> Mapping[str, Mapping[str, Any]]:
    """Return the resources of the stack's present template, by logical id."""
    answer = look.call(lambda: stack_client().get_template(StackName=look.stack_id))
    body = answer["TemplateBody"]
    template = json.loads(body) if isinstance(body, str) else body
    resources: Mapping[str, Mapping[str, Any]] = template["Resources"]
    return resources


def _named(look: _Look) -> list[str]:
    """Return the logical ids of the resources whose physical id is the interpreter's."""
    found: list[str] = []
    following: dict[str, str] = {}
    while True:
        page = look.call(
            lambda more=following: stack_client().list_stack_resources(  # type: ignore[misc]
                StackName=look.stack_id, **more
            )
        )
        found += [
            str(each["LogicalResourceId"])
            for each in page["StackResourceSummaries"]
            if each.get("PhysicalResourceId") == look.interpreter_id
        ]
        if not page.get("NextToken"):
            return found
        following = {"NextToken": page["NextToken"]}


def _outlives_rollback(look: _Look, stack: Mapping[str, Any]) -> bool:
    """Return whether a stack rolls back to a time at which the interpreter was there already.

    A drain that was added by an update is deleted when the update fails, although its interpreter
    was there before. An interpreter that is younger than the update goes with it.
    """
    interpreter = look.call(
        lambda: control_client(look.region).get_code_interpreter(
            codeInterpreterId=look.interpreter_id
        )
    )
    created: datetime = interpreter["createdAt"]
    # When the update began that is rolled back, or the creation of a stack never updated.
    began: datetime = stack.get("LastUpdatedTime") or stack["CreationTime"]
    return created < began
