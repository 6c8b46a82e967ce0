"""Stack events and the status that a stack reports."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from agentcore_local import _ministack_cloudformation as ministack

Stack = MutableMapping[str, Any]

STACK_TYPE = "AWS::CloudFormation::Stack"


@dataclass(frozen=True, kw_only=True)
class ResourceAddress:
    """Which resource of which stack is meant.

    Attributes:
        stack_name: the stack's name.
        stack_id: the stack's ARN.
        logical_id: the resource's logical id in the template.
        resource_type: its type.
    """

    stack_name: str
    stack_id: str
    logical_id: str
    resource_type: str

    def record(self, status: str, physical_id: str = "", reason: str = "") -> None:
        """Record an event of the resource."""
        ministack.stacks._add_event(
            self.stack_id,
            self.stack_name,
            self.logical_id,
            self.resource_type,
            status,
            reason,
            physical_id,
        )


def set_stack_status(stack: Stack, status: str, reason: str = "") -> None:
    """Let a stack report a status, and record the event of it."""
    stack["StackStatus"] = status
    stack["StackStatusReason"] = reason
    ministack.stacks._add_event(
        stack["StackId"],
        stack["StackName"],
        stack["StackName"],
        STACK_TYPE,
        status,
        reason,
        stack["StackId"],
    )
