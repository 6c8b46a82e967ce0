"""Undoing a create or an update that failed.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-continueupdaterollback.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentcore_local.cloudformation.changes import Change
from agentcore_local.cloudformation.deletion import StackDeletion, failed_reason
from agentcore_local.cloudformation.events import set_stack_status
from agentcore_local.cloudformation.exports import republish_exports
from agentcore_local.cloudformation.finishing import CleanUp
from agentcore_local.cloudformation.resource_kinds import Existing, ResourceFailed, kind_of
from agentcore_local.cloudformation.stack_template import Record

if TYPE_CHECKING:
    from agentcore_local.cloudformation.deployment import Deployment

_RESTORED = (
    "_template",
    "_resolved_params",
    "_template_body",
    "_conditions",
    "Parameters",
    "Tags",
    "Outputs",
)


class RollBack:
    """The rollback of one operation."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._stack = deployment.stack

    async def create(self, reason: str) -> None:
        """Delete what a create made, the resource that failed included."""
        set_stack_status(self._stack, "ROLLBACK_IN_PROGRESS", reason)
        records = self._deployment.records
        made = [change.logical_id for change in self._deployment.changes if change.after]
        imported = [change for change in self._deployment.changes if change.imported]
        deletion = StackDeletion(self._deployment.template, records, keeps=self._keeps)
        await deletion.delete(
            [name for name in made if name in records and not self._of(name).imported]
        )
        for change in imported:
            _release(change)
            records.pop(change.logical_id, None)
        if deletion.failed:
            set_stack_status(
                self._stack, "ROLLBACK_FAILED", failed_reason("delete", deletion.failed)
            )
            return
        set_stack_status(self._stack, "ROLLBACK_COMPLETE")

    def _of(self, logical_id: str) -> Change:
        return next(
            change for change in self._deployment.changes if change.logical_id == logical_id
        )

    def _keeps(self, logical_id: str, policy: str) -> bool:
        return (
            policy == "Retain"
            and not self._deployment.retain_except_on_create
            and not self._of(logical_id).failed
        )

    async def update(self, reason: str) -> None:
        """Bring the resources back to what they were before an update."""
        set_stack_status(self._stack, "UPDATE_ROLLBACK_IN_PROGRESS", reason)
        await self._revert_all(frozenset())

    async def continued(self, skipped: frozenset[str]) -> None:
        """Go on where a rollback failed, without the resources that are to be skipped."""
        set_stack_status(self._stack, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated")
        await self._revert_all(skipped)

    async def _revert_all(self, skipped: frozenset[str]) -> None:
        deployment = self._deployment
        # In the order of the template that is gone back to, as any other update.
        for change in list(deployment.changes):
            if change.before is None or change.reverted:
                continue
            if change.logical_id in skipped:
                change.reverted = True
                change.address.record(
                    "UPDATE_COMPLETE",
                    change.before["PhysicalResourceId"],
                    "Resource rollback skipped by user",
                )
                continue
            try:
                await self._revert(change, change.before)
            except ResourceFailed as failure:
                self._fail(change, str(failure))
                return
            change.reverted = True
        self._restore()
        set_stack_status(self._stack, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        await CleanUp(deployment).after_rollback()
        for change in deployment.changes:
            if change.imported:
                _release(change)
        set_stack_status(self._stack, "UPDATE_ROLLBACK_COMPLETE")

    async def _revert(self, change: Change, before: Record) -> None:
        address = change.address
        physical_id = before["PhysicalResourceId"]
        try:
            if change.when_undone is not None:
                address.record("UPDATE_IN_PROGRESS", physical_id)
                await change.when_undone()
            elif change.must_be_sent_back and not change.replaced:
                address.record("UPDATE_IN_PROGRESS", physical_id)
                await self._send_back(change, before)
        except Exception as error:
            address.record("UPDATE_FAILED", physical_id, str(error))
            raise ResourceFailed(str(error)) from error
        before["ResourceStatus"] = "UPDATE_COMPLETE"
        address.record("UPDATE_COMPLETE", before["PhysicalResourceId"])

    async def _send_back(self, change: Change, before: Record) -> None:
        existing = Existing(
            physical_id=before["PhysicalResourceId"],
            properties=change.properties_after or {},
            attributes=(change.after or before).get("Attributes", {}),
            name_seed=before.get("_name_seed", ""),
        )
        kind = kind_of(change.address.resource_type)
        provisioned = await kind.update(
            change.address, existing, change.properties_before or before["Properties"]
        )
        before["PhysicalResourceId"] = provisioned.physical_id
        before["Attributes"] = {**before.get("Attributes", {}), **provisioned.attributes}

    def _fail(self, change: Change, reason: str) -> None:
        from agentcore_local.cloudformation.deployment import unfinished

        unfinished[self._stack["StackId"]] = self._deployment
        # What `ContinueUpdateRollback` may be asked to skip.
        self._stack["_rollback_failed"] = {
            change.logical_id: {"ResourceStatusReason": reason},
        }
        set_stack_status(
            self._stack, "UPDATE_ROLLBACK_FAILED", failed_reason("update", [change.logical_id])
        )

    def _restore(self) -> None:
        previous = self._deployment.previous or {}
        self._stack.pop("_rollback_failed", None)
        for key in _RESTORED:
            if key in previous:
                self._stack[key] = previous[key]
        records = self._deployment.records
        records.clear()
        records.update(previous.get("_resources", {}))
        self._stack["_resources"] = records
        republish_exports(self._stack)


def _release(change: Change) -> None:
    """An imported resource leaves the stack as it came."""
    physical_id = (change.after or {}).get("PhysicalResourceId", "")
    for status in ("IMPORT_ROLLBACK_IN_PROGRESS", "IMPORT_ROLLBACK_COMPLETE"):
        change.address.record(status, physical_id)
