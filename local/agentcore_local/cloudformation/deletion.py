"""Deleting resources: dependents first, and nothing that a failed one still depends on.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation import faults, operations
from agentcore_local.cloudformation.events import ResourceAddress, Stack, set_stack_status
from agentcore_local.cloudformation.exports import publish_exports
from agentcore_local.cloudformation.resource_kinds import ResourceFailed, kind_of
from agentcore_local.cloudformation.stack_template import Record, Records, StackTemplate


def address_of(template: StackTemplate, logical_id: str, resource_type: str) -> ResourceAddress:
    """The address of a resource of this template's stack."""
    return ResourceAddress(
        stack_name=template.stack_name,
        stack_id=template.stack_id,
        logical_id=logical_id,
        resource_type=resource_type,
    )


async def delete_resource(address: ResourceAddress, record: Record, *, policy: str = "") -> None:
    """Delete one resource, with the events of it.

    Raises:
        ResourceFailed: it could not be deleted.
    """
    physical_id = record.get("PhysicalResourceId", "")
    address.record("DELETE_IN_PROGRESS", physical_id)
    try:
        if policy == "Snapshot":
            ministack.provisioners._snapshot_resource(
                address.resource_type, physical_id, record.get("Properties", {})
            )
        kind = kind_of(address.resource_type)
        await kind.delete(address, physical_id, record.get("Properties", {}))
    except Exception as failure:
        address.record("DELETE_FAILED", physical_id, str(failure))
        raise ResourceFailed(str(failure)) from failure
    address.record("DELETE_COMPLETE", physical_id)


async def clean_up(delete: Callable[[], Awaitable[None]]) -> bool:
    """Try a delete of the cleanup phase several times; whether it succeeded.

    What cannot be deleted then leaves the stack and stays behind:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
    """
    attempts = faults.settings.cleanup_attempts
    for attempt in range(attempts):
        if attempt:
            await asyncio.sleep(faults.settings.cleanup_delay)
        try:
            await delete()
        except ResourceFailed:
            continue
        return True
    return False


class StackDeletion:
    """The deletion of resources of one stack, in the order of their dependencies.

    Args:
        template: the template that the resources were made from.
        records: the stack's resources; what is gone is removed from them.
        retained: logical ids that are kept, on request.
        force: whether what fails to delete is kept instead, with all it depends on.
        keeps: whether the policy of a resource keeps it.
    """

    def __init__(
        self,
        template: StackTemplate,
        records: Records,
        *,
        retained: Collection[str] = (),
        force: bool = False,
        keeps: Callable[[str, str], bool] | None = None,
    ) -> None:
        self._template = template
        self._records = records
        self._retained = set(retained)
        self._force = force
        self._keeps = keeps or _kept_by_policy
        self._blocked: set[str] = set()
        self.failed: list[str] = []

    async def delete(self, logical_ids: Collection[str]) -> None:
        """Delete these resources; those that fail are in `failed` afterwards."""
        for logical_id in self._template.deletion_order(logical_ids):
            if logical_id in self._records and logical_id not in self._blocked:
                await self._delete_one(logical_id)

    async def _delete_one(self, logical_id: str) -> None:
        record = self._records[logical_id]
        address = address_of(self._template, logical_id, record.get("ResourceType", ""))
        policy = self._template.policy(logical_id, "DeletionPolicy", self._records)
        if logical_id in self._retained or self._keeps(logical_id, policy):
            address.record("DELETE_SKIPPED", record.get("PhysicalResourceId", ""))
            del self._records[logical_id]
            return
        try:
            await delete_resource(address, record, policy=policy)
        except ResourceFailed as failure:
            self._fail(logical_id, record, address, str(failure))
            return
        del self._records[logical_id]

    def _fail(self, logical_id: str, record: Record, address: ResourceAddress, reason: str) -> None:
        needed = self._template.with_dependencies(logical_id, self._records)
        if self._force:
            address.record("DELETE_SKIPPED", record.get("PhysicalResourceId", ""), reason)
            self._retained |= needed
            del self._records[logical_id]
            return
        record["ResourceStatus"] = "DELETE_FAILED"
        record["ResourceStatusReason"] = reason
        self.failed.append(logical_id)
        self._blocked |= needed


def _kept_by_policy(logical_id: str, policy: str) -> bool:
    return policy in ministack.provisioners._RETAINING_POLICIES


def deployed_template(stack: Stack) -> StackTemplate:
    """The template that a stack runs."""
    return StackTemplate(
        stack.get("_template") or {},
        stack.get("_resolved_params") or {},
        stack_name=stack["StackName"],
        stack_id=stack["StackId"],
    )


async def delete_stack(
    stack_name: str,
    stack_id: str,
    retain_resources: Collection[str] = (),
    force: bool = False,
) -> None:
    """Delete a stack with its resources.

    Args:
        stack_name: the stack's name.
        stack_id: the stack's ARN.
        retain_resources: logical ids that are kept.
        force: the `FORCE_DELETE_STACK` mode.
    """
    stack = ministack.package._stacks.get(stack_name)
    if not stack or stack["StackId"] != stack_id:
        return
    await operations.stop(stack_id)
    records: Records = stack.setdefault("_resources", {})
    template = deployed_template(stack)
    retained = set(retain_resources)
    if force:
        for logical_id, record in records.items():
            if record.get("ResourceStatus") == "DELETE_FAILED":
                retained |= template.with_dependencies(logical_id, records)
    set_stack_status(stack, "DELETE_IN_PROGRESS", "User Initiated")
    deletion = StackDeletion(template, records, retained=retained, force=force)
    await deletion.delete(list(records))
    await asyncio.sleep(0)
    if deletion.failed:
        set_stack_status(stack, "DELETE_FAILED", failed_reason("delete", deletion.failed))
        return
    publish_exports(stack_id, {})
    set_stack_status(stack, "DELETE_COMPLETE")


def failed_reason(verb: str, logical_ids: Collection[str]) -> str:
    """CloudFormation's sentence about resources that failed."""
    return f"The following resource(s) failed to {verb}: [{', '.join(sorted(logical_ids))}]. "
