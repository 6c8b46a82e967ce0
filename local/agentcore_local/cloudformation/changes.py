"""What one operation did to each resource, so that it can be completed or undone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from agentcore_local.cloudformation.events import ResourceAddress
from agentcore_local.cloudformation.resource_kinds import Properties
from agentcore_local.cloudformation.stack_template import Record


@dataclass(kw_only=True)
class Change:
    """What an operation did to one resource.

    Attributes:
        address: which resource.
        before: its record before the operation, or None if the operation creates it.
        after: its record after the change, or None if the change failed without leaving anything.
        properties_before: the properties it had, stack tags included.
        properties_after: the properties it was given, stack tags included.
        failed: whether the change failed.
        imported: whether an existing resource was taken into the stack.
        must_be_sent_back: whether undoing means sending the old properties.
        reverted: whether the rollback has brought the resource back.
        when_certain: what remains to be done once the operation is certain to succeed.
        when_undone: how to undo it, where sending the old properties is not the way.
    """

    address: ResourceAddress
    before: Record | None
    after: Record | None = None
    properties_before: Properties | None = None
    properties_after: Properties | None = None
    failed: bool = False
    imported: bool = False
    must_be_sent_back: bool = False
    reverted: bool = False
    when_certain: Callable[[], Awaitable[None]] | None = None
    when_undone: Callable[[], Awaitable[None]] | None = None

    @property
    def logical_id(self) -> str:
        """The resource's logical id."""
        return self.address.logical_id

    @property
    def replaced(self) -> bool:
        """Whether the operation put another physical resource in the place of the old one."""
        return (
            self.before is not None
            and self.after is not None
            and self.before["PhysicalResourceId"] != self.after["PhysicalResourceId"]
        )

    @property
    def created(self) -> bool:
        """Whether the operation made the physical resource that the stack has now."""
        return self.after is not None and (self.before is None or self.replaced)


def new_record(
    address: ResourceAddress, physical_id: str, properties: Properties, **rest: Any
) -> Record:
    """A stack's record of a resource, as MiniStack's read operations expect it."""
    return {
        "PhysicalResourceId": physical_id,
        "ResourceType": address.resource_type,
        "LogicalResourceId": address.logical_id,
        "Properties": properties,
        "Attributes": {},
        **{name: value for name, value in rest.items() if value},
    }
