"""Creating and updating the resources of a stack, dependencies first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation.changes import Change, new_record
from agentcore_local.cloudformation.deletion import address_of
from agentcore_local.cloudformation.events import ResourceAddress
from agentcore_local.cloudformation.resource_kinds import (
    Existing,
    Properties,
    Provisioned,
    ResourceFailed,
    is_nested_stack,
    kind_of,
)
from agentcore_local.cloudformation.stack_template import Record, Records, StackTemplate

_REPLACING = (
    "Requested update requires the creation of a new physical resource; hence creating one."
)


class RollForward:
    """The forward half of a create or an update.

    Args:
        template: the template that is deployed.
        records: the stack's resources; they are changed in place.
        before: the stack's resources before the operation; None for a create.
        template_before: the template before the operation; None for a create.
        tags: the stack's tags.
        tags_before: the stack's tags before the operation.
        imports: identifiers of existing resources that are taken into the stack, by logical id.
    """

    def __init__(
        self,
        template: StackTemplate,
        records: Records,
        *,
        before: Records | None,
        template_before: Mapping[str, Any],
        parameters_before: Mapping[str, Any],
        tags: list[dict[str, str]],
        tags_before: list[dict[str, str]],
        imports: Mapping[str, Any],
    ) -> None:
        self._template = template
        self._records = records
        self._before = before
        self._template_before = template_before
        self._unchanged_template = (
            before is not None
            and template.body == template_before
            and template.parameters == parameters_before
        )
        self._tags = tags
        self._tags_before = tags_before
        self._imports = imports
        self._verb = "CREATE" if before is None else "UPDATE"

    async def apply(self, logical_id: str) -> Change | None:
        """Bring one resource to what the template says; None if there was nothing to do.

        A change that failed says so; it raises nothing.
        """
        address = address_of(self._template, logical_id, self._template.resource_type(logical_id))
        before = (self._before or {}).get(logical_id)
        change = Change(address=address, before=before)
        try:
            properties, dynamic = self._resolve(logical_id, before)
            if before is None:
                await self._create(change, properties, dynamic)
            elif not await self._update(change, before, properties, dynamic):
                return None
        except ResourceFailed as failure:
            self._record_failure(change, failure)
        except Exception as error:  # a reference that does not resolve, for one
            self._record_failure(change, ResourceFailed(str(error)))
        return change

    def _resolve(self, logical_id: str, before: Record | None) -> tuple[Properties, dict[str, Any]]:
        definition = self._template.resources[logical_id]
        definition_before = (self._template_before.get("Resources") or {}).get(logical_id)
        properties = self._template.properties(logical_id, self._records)
        resolved, dynamic = ministack.engine._resolve_dynamic_references(
            properties,
            (before or {}).get("_dynamic"),
            reuse_ssm=self._unchanged_template,
            reuse_secrets=before is not None and definition_before == definition,
        )
        return resolved, dynamic

    def _with_tags(
        self, address: ResourceAddress, properties: Properties, tags: list[dict[str, str]]
    ) -> Properties:
        tagged: Properties = ministack.provisioners._with_stack_tags(
            address.resource_type,
            properties,
            tags,
            address.stack_name,
            address.stack_id,
            address.logical_id,
        )
        return tagged

    async def _create(
        self, change: Change, properties: Properties, dynamic: dict[str, Any]
    ) -> None:
        address = change.address
        tagged = self._with_tags(address, properties, self._tags)
        change.properties_after = tagged
        if address.logical_id in self._imports:
            physical_id, attributes = ministack.stacks._adopt_resource(
                address.stack_id,
                address.stack_name,
                address.logical_id,
                address.resource_type,
                self._imports[address.logical_id],
            )
            change.imported = True
            provisioned = Provisioned(physical_id=physical_id, attributes=attributes)
            self._keep(change, provisioned, properties, dynamic)
            return
        address.record("CREATE_IN_PROGRESS")
        provisioned = await kind_of(address.resource_type).create(address, tagged)
        self._keep(change, provisioned, properties, dynamic)
        address.record("CREATE_IN_PROGRESS", provisioned.physical_id, "Resource creation Initiated")
        address.record("CREATE_COMPLETE", provisioned.physical_id)

    async def _update(
        self,
        change: Change,
        before: Record,
        properties: Properties,
        dynamic: dict[str, Any],
    ) -> bool:
        address = change.address
        old_id = before["PhysicalResourceId"]
        old = self._with_tags(address, before.get("Properties", {}), self._tags_before)
        new = self._with_tags(address, properties, self._tags)
        if old == new and not is_nested_stack(address.resource_type):
            before_type = before.get("ResourceType")
            if before_type == address.resource_type:
                return False
        change.properties_before, change.properties_after = old, new
        address.record("UPDATE_IN_PROGRESS", old_id)
        _refuse_other_type(before, address)
        provisioners = ministack.provisioners
        refused = provisioners._custom_named_replacement_error(
            address.resource_type, old, new, old_id
        )
        if not refused and provisioners._replacing_change(address.resource_type, old, new):
            address.record("UPDATE_IN_PROGRESS", old_id, _REPLACING)
        existing = Existing(
            physical_id=old_id,
            properties=old,
            attributes=before.get("Attributes", {}),
            name_seed=before.get("_name_seed", ""),
            retained_when_replaced=self._template.retains(
                address.logical_id, "UpdateReplacePolicy", self._records
            ),
        )
        provisioned = await kind_of(address.resource_type).update(address, existing, new)
        change.must_be_sent_back = True
        self._keep(change, provisioned, properties, dynamic)
        address.record("UPDATE_COMPLETE", provisioned.physical_id)
        return True

    def _keep(
        self,
        change: Change,
        provisioned: Provisioned,
        properties: Properties,
        dynamic: dict[str, Any],
    ) -> None:
        address = change.address
        change.when_certain = provisioned.when_certain
        change.when_undone = provisioned.when_undone
        change.after = new_record(
            address,
            provisioned.physical_id,
            properties,
            Attributes=provisioned.attributes,
            ResourceStatus="UPDATE_COMPLETE" if change.imported else f"{self._verb}_COMPLETE",
            Timestamp=ministack.responses.now_iso(),
            _dynamic=dynamic,
            _name_seed=provisioned.name_seed,
        )
        self._records[address.logical_id] = change.after

    def _record_failure(self, change: Change, failure: ResourceFailed) -> None:
        address = change.address
        verb = "CREATE" if change.before is None else "UPDATE"
        if address.logical_id in self._imports:
            verb = "IMPORT"
        old_id = (change.before or {}).get("PhysicalResourceId", "")
        change.failed = True
        change.must_be_sent_back = failure.changed
        address.record(f"{verb}_FAILED", failure.physical_id or old_id, str(failure))
        if failure.physical_id and failure.physical_id != old_id:
            change.after = new_record(
                address,
                failure.physical_id,
                change.properties_after or {},
                ResourceStatus=f"{verb}_FAILED",
                ResourceStatusReason=str(failure),
                Timestamp=ministack.responses.now_iso(),
            )
            self._records[address.logical_id] = change.after


def _refuse_other_type(before: Record, address: ResourceAddress) -> None:
    if before.get("ResourceType") != address.resource_type:
        raise ResourceFailed(
            "Update of resource type is not permitted. The new template modifies resource type "
            f"of the following resources: [{address.logical_id}]"
        )
