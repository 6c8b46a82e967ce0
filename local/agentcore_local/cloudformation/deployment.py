"""A create or an update of a stack, from its first event to its last.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html has the
statuses, https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
what a failure leads to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation import operations
from agentcore_local.cloudformation.changes import Change
from agentcore_local.cloudformation.deletion import failed_reason
from agentcore_local.cloudformation.events import Stack, set_stack_status
from agentcore_local.cloudformation.exports import check_exports, exports_of, publish_exports
from agentcore_local.cloudformation.finishing import CleanUp
from agentcore_local.cloudformation.roll_back import RollBack
from agentcore_local.cloudformation.roll_forward import RollForward
from agentcore_local.cloudformation.stack_template import Records, StackTemplate

unfinished: dict[str, Deployment] = {}
"""Deployments that failed without a rollback, or in their rollback, by stack id."""


class Deployment:
    """One create or update of one stack.

    Args:
        stack: the stack's record, which every read operation sees.
        template: the template that is deployed.
        previous: the stack as it was before an update; None for a create.
        retain_except_on_create: whether a rollback deletes what it made even against a
            `DeletionPolicy` of `Retain`.
        imports: identifiers of existing resources that are taken into the stack, by logical id.
    """

    def __init__(
        self,
        stack: Stack,
        template: StackTemplate,
        *,
        previous: Mapping[str, Any] | None,
        retain_except_on_create: bool = False,
        imports: Mapping[str, Any] | None = None,
    ) -> None:
        self.stack = stack
        self.template = template
        self.previous = previous
        self.retain_except_on_create = retain_except_on_create
        self.changes: list[Change] = []
        self.failure_reason = ""
        self.canceled = False
        self.stopped = False
        self.records: Records = stack.setdefault("_resources", {})
        self._verb = "CREATE" if previous is None else "UPDATE"
        before = previous or {}
        self._roll_forward = RollForward(
            template,
            self.records,
            before=None if previous is None else before.get("_resources", {}),
            template_before=before.get("_template") or {},
            parameters_before=before.get("_resolved_params") or {},
            tags=stack.get("Tags") or [],
            tags_before=before.get("Tags") or [],
            imports=imports or {},
        )
        unfinished.pop(stack["StackId"], None)

    @property
    def is_update(self) -> bool:
        """Whether the stack existed before."""
        return self.previous is not None

    async def run(self, *, disable_rollback: bool) -> None:
        """Deploy, then clean up, or roll back."""
        if await self.roll_forward():
            if self.is_update:
                await self.clean_up()
            else:
                set_stack_status(self.stack, "CREATE_COMPLETE")
        elif self.stopped:
            return
        elif disable_rollback and not self.canceled:
            set_stack_status(self.stack, f"{self._verb}_FAILED", self.failure_reason)
            unfinished[self.stack["StackId"]] = self
        else:
            await self.roll_back()

    async def roll_forward(self) -> bool:
        """Create and update the resources and resolve the outputs; whether that succeeded."""
        try:
            ordered = self.template.in_order()
        except ValueError as error:
            self.failure_reason = str(error)
            return False
        for logical_id in ordered:
            if self._stop_requested() or self._cancel_requested():
                return False
            change = await self._roll_forward.apply(logical_id)
            # The other operations and the API get their turn, as they do on AWS.
            await asyncio.sleep(0)
            if change is None:
                continue
            self.changes.append(change)
            if change.failed:
                verb = "create" if change.before is None else "update"
                self.failure_reason = failed_reason(verb, [logical_id])
                return False
        return self._publish()

    def _stop_requested(self) -> bool:
        """A stack may be deleted while it is being created: nothing more is begun then."""
        self.stopped = operations.stop_requested(self.stack["StackId"])
        return self.stopped

    def _cancel_requested(self) -> bool:
        if not self.is_update or not self.stack.pop("_cancel_requested", False):
            return False
        ministack.stacks.CLIENT_REQUEST_TOKEN.set(self.stack.pop("_cancel_token", ""))
        self.canceled = True
        self.failure_reason = "User Initiated"
        return True

    def _publish(self) -> bool:
        template = self.template
        active = set(template.in_order())
        staying = {name: record for name, record in self.records.items() if name in active}
        try:
            outputs, exports = ministack.stacks._resolve_stack_outputs(
                template.outputs,
                template.conditions,
                staying,
                template.parameters,
                template.mappings,
                template.stack_name,
                template.stack_id,
            )
            check_exports(
                template.stack_name, template.stack_id, exports_of(self.previous or {}), exports
            )
        except Exception as error:  # an output that does not resolve, or a refused export
            self.failure_reason = str(error)
            return False
        publish_exports(template.stack_id, exports)
        self.stack["Outputs"] = outputs
        self.stack["_template"] = template.body
        self.stack["_resolved_params"] = template.parameters
        return True

    async def clean_up(self) -> None:
        """Delete what the update replaced or removed; the update is certain by now."""
        set_stack_status(self.stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        await CleanUp(self).after_update()
        set_stack_status(self.stack, "UPDATE_COMPLETE")

    async def roll_back(self, reason: str = "") -> None:
        """Undo the operation."""
        roll_back = RollBack(self)
        if self.is_update:
            await roll_back.update(reason or self.failure_reason)
        else:
            await roll_back.create(
                reason or f"{self.failure_reason.strip()} Rollback requested by user."
            )


async def deploy_stack(
    stack_name: str,
    stack_id: str,
    template: Mapping[str, Any],
    param_values: Mapping[str, Any],
    disable_rollback: bool,
    tags: Any,
    is_update: bool = False,
    previous_stack: Mapping[str, Any] | None = None,
    retain_except_on_create: bool = False,
    imports: Mapping[str, Any] | None = None,
) -> None:
    """Create or update a stack, in the place of MiniStack's own function of these arguments."""
    stack: Stack = ministack.package._stacks[stack_name]
    del tags  # the stack's record has them
    stack.pop("_cancel_requested", None)
    stack.pop("_cancel_token", None)
    view = StackTemplate(template, param_values, stack_name=stack_name, stack_id=stack_id)
    if _refused_by_validation(stack, view, disable_rollback, previous_stack, is_update):
        return
    if not is_update:
        # Whatever becomes of it, this is the template that it is deleted by.
        stack["_template"], stack["_resolved_params"] = view.body, view.parameters
    deployment = Deployment(
        stack,
        view,
        previous=previous_stack if is_update else None,
        retain_except_on_create=retain_except_on_create,
        imports=imports,
    )
    async with operations.running(stack_id):
        await deployment.run(disable_rollback=disable_rollback)


def _refused_by_validation(
    stack: Stack,
    template: StackTemplate,
    disable_rollback: bool,
    previous_stack: Mapping[str, Any] | None,
    is_update: bool,
) -> bool:
    if stack.get("_disable_validation"):
        return False
    try:
        ordered = template.in_order()
    except ValueError:
        return False
    return bool(
        ministack.stacks._fail_property_validation(
            stack,
            template.stack_id,
            template.stack_name,
            template.resources,
            ordered,
            template.parameters,
            template.conditions,
            template.mappings,
            disable_rollback,
            previous_stack=(previous_stack or {}) if is_update else None,
        )
    )


async def roll_back_failed_stack(
    stack_name: str, stack_id: str, stack: Stack, operation: Any, reason_override: str = ""
) -> None:
    """Roll a stack back that failed with rollback disabled (`RollbackStack`)."""
    del stack_name, stack, operation
    deployment = unfinished.pop(stack_id, None)
    if deployment is not None:
        async with operations.running(stack_id):
            await deployment.roll_back(reason_override)


async def continue_update_rollback(
    stack_name: str, stack_id: str, resources_to_skip: frozenset[str]
) -> None:
    """Continue a rollback that failed, without the resources that are to be skipped."""
    del stack_name
    deployment = unfinished.pop(stack_id, None)
    if deployment is not None:
        async with operations.running(stack_id):
            await RollBack(deployment).continued(resources_to_skip)
