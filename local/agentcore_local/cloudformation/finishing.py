"""The cleanup phases: after an update that succeeded, and after a rollback.

CloudFormation deletes here what an update replaced or removed. It tries a few times; what it
cannot delete leaves the stack and stays behind, and the operation succeeds all the same.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation.changes import Change
from agentcore_local.cloudformation.deletion import address_of, clean_up, delete_resource
from agentcore_local.cloudformation.resource_kinds import ResourceFailed
from agentcore_local.cloudformation.stack_template import Record, Records, StackTemplate

if TYPE_CHECKING:
    from agentcore_local.cloudformation.deployment import Deployment


class CleanUp:
    """The cleanup phase of one operation."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._template = deployment.template
        self._records = deployment.records

    async def after_update(self) -> None:
        """Delete what the update replaced or removed, dependents before what they need."""
        previous = self._deployment.previous or {}
        before: Records = previous.get("_resources", {})
        old_template = StackTemplate(
            previous.get("_template") or {},
            previous.get("_resolved_params") or {},
            stack_name=self._template.stack_name,
            stack_id=self._template.stack_id,
        )
        staying = set(self._template.in_order())
        changes = {change.logical_id: change for change in self._deployment.changes}
        for logical_id in old_template.deletion_order(before):
            if logical_id in changes:
                await self._settle(changes[logical_id])
            if logical_id not in staying:
                await self._remove(logical_id, before[logical_id], old_template)

    async def _settle(self, change: Change) -> None:
        if change.when_certain is not None:
            await clean_up(_as_delete(change.when_certain))
        before = change.before
        if not change.replaced or before is None:
            return
        address = change.address
        if self._template.retains(address.logical_id, "UpdateReplacePolicy", self._records):
            address.record("DELETE_SKIPPED", before["PhysicalResourceId"])
            return
        await clean_up(partial(delete_resource, address, self._tagged(change, before)))

    def _tagged(self, change: Change, record: Record) -> Record:
        return {**record, "Properties": change.properties_before or record.get("Properties", {})}

    async def _remove(self, logical_id: str, record: Record, old_template: StackTemplate) -> None:
        address = address_of(old_template, logical_id, record.get("ResourceType", ""))
        before: Records = (self._deployment.previous or {}).get("_resources", {})
        policy = old_template.policy(logical_id, "DeletionPolicy", before)
        if policy in ministack.provisioners._RETAINING_POLICIES:
            address.record("DELETE_SKIPPED", record["PhysicalResourceId"])
        else:
            await clean_up(partial(delete_resource, address, record, policy=policy))
        self._records.pop(logical_id, None)

    async def after_rollback(self) -> None:
        """Delete what an update made before it was rolled back."""
        created = {
            change.logical_id: change
            for change in self._deployment.changes
            if change.created and not change.imported
        }
        for logical_id in self._template.deletion_order(created):
            change = created[logical_id]
            record = change.after or {}
            if self._keeps(change):
                change.address.record("DELETE_SKIPPED", record["PhysicalResourceId"])
                continue
            await clean_up(partial(delete_resource, change.address, record))

    def _keeps(self, change: Change) -> bool:
        policy = self._template.policy(change.logical_id, "DeletionPolicy", self._records)
        return (
            change.before is None
            and policy == "Retain"
            and not change.failed
            and not self._deployment.retain_except_on_create
        )


def _as_delete(remainder: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    async def attempt() -> None:
        try:
            await remainder()
        except ResourceFailed:
            raise
        except Exception as error:
            raise ResourceFailed(str(error)) from error

    return attempt
