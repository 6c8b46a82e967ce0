"""`AWS::CloudFormation::Stack`: a stack in a stack, deployed by the same engine.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-nested-stacks.html
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation.deletion import delete_stack
from agentcore_local.cloudformation.deployment import Deployment
from agentcore_local.cloudformation.events import ResourceAddress, Stack, set_stack_status
from agentcore_local.cloudformation.resource_kinds import (
    Existing,
    Properties,
    Provisioned,
    ResourceFailed,
)
from agentcore_local.cloudformation.stack_template import StackTemplate
from agentcore_local.cloudformation.states import UPDATABLE

_REMEMBERED = (
    "_resources",
    "_template",
    "_template_body",
    "_resolved_params",
    "_conditions",
    "Parameters",
    "Tags",
    "Outputs",
)


class NestedStacks:
    """Creates, updates and deletes stacks as resources of another stack."""

    async def create(self, address: ResourceAddress, properties: Properties) -> Provisioned:
        """Create a child stack; a failure leaves it to the parent's rollback to delete."""
        body, template = _template_of(address, properties)
        name = f"{address.stack_name}-{address.logical_id}-{ministack.responses.new_uuid()[:12]}"
        stack_id = (
            f"arn:aws:cloudformation:{ministack.responses.get_region()}:"
            f"{ministack.responses.get_account_id()}:stack/{name}/{ministack.responses.new_uuid()}"
        )
        child: Stack = {"StackName": name, "StackId": stack_id, "_resources": {}, "Outputs": []}
        parameters = _describe(child, address, properties, body, template)
        child["CreationTime"] = child["LastUpdatedTime"]
        ministack.package._stacks[name] = child
        set_stack_status(child, "CREATE_IN_PROGRESS")
        view = StackTemplate(template, parameters, stack_name=name, stack_id=stack_id)
        deployment = Deployment(child, view, previous=None)
        if not await deployment.roll_forward():
            set_stack_status(child, "CREATE_FAILED", deployment.failure_reason)
            raise ResourceFailed(
                f"Embedded stack {stack_id} was not successfully created: "
                f"{deployment.failure_reason}",
                physical_id=stack_id,
            )
        set_stack_status(child, "CREATE_COMPLETE")
        return Provisioned(physical_id=stack_id, attributes=_outputs(child))

    async def update(
        self, address: ResourceAddress, existing: Existing, properties: Properties
    ) -> Provisioned:
        """Update a child stack. Its cleanup waits until the parent's update is certain."""
        child = _child(existing.physical_id)
        stack_id = child["StackId"]
        if child["StackStatus"] not in UPDATABLE:
            raise ResourceFailed(
                f"Stack {stack_id} is in {child['StackStatus']} state and can not be updated.",
                changed=True,
            )
        body, template = _template_of(address, properties)
        previous = {key: copy.deepcopy(child[key]) for key in _REMEMBERED if key in child}
        parameters = _describe(child, address, properties, body, template, previous)
        set_stack_status(child, "UPDATE_IN_PROGRESS")
        view = StackTemplate(template, parameters, stack_name=child["StackName"], stack_id=stack_id)
        deployment = Deployment(child, view, previous=previous)
        if not await deployment.roll_forward():
            await deployment.roll_back()
            raise ResourceFailed(
                f"Embedded stack {stack_id} was not successfully updated. Currently in "
                f"{child['StackStatus']} with reason: {deployment.failure_reason}",
                changed=child["StackStatus"] == "UPDATE_ROLLBACK_FAILED",
            )

        async def undo() -> None:
            await deployment.roll_back("Update of the parent stack was rolled back.")
            if child["StackStatus"] != "UPDATE_ROLLBACK_COMPLETE":
                raise ResourceFailed(
                    f"Embedded stack {stack_id} was not successfully updated. Currently in "
                    f"{child['StackStatus']} with reason: {child['StackStatusReason']}"
                )

        return Provisioned(
            physical_id=stack_id,
            attributes=_outputs(child),
            when_certain=deployment.clean_up,
            when_undone=undo,
        )

    async def delete(
        self, address: ResourceAddress, physical_id: str, properties: Properties
    ) -> None:
        """Delete a child stack; what cannot be deleted in it fails the deletion of the parent."""
        name = ministack.provisioners._nested_stack_lookup_name(physical_id)
        child = ministack.package._stacks.get(name)
        if child is None or child["StackStatus"] == "DELETE_COMPLETE":
            return
        await delete_stack(child["StackName"], child["StackId"])
        if child["StackStatus"] != "DELETE_COMPLETE":
            raise ResourceFailed(
                f"Embedded stack {child['StackId']} was not successfully deleted: "
                f"{child['StackStatusReason']}"
            )


def _child(physical_id: str) -> Stack:
    name = ministack.provisioners._nested_stack_lookup_name(physical_id)
    child: Stack | None = ministack.package._stacks.get(name)
    if child is None:
        raise ResourceFailed(f"Stack [{physical_id}] does not exist")
    return child


def _template_of(address: ResourceAddress, properties: Properties) -> tuple[str, dict[str, Any]]:
    url = properties.get("TemplateURL")
    body, refused = ministack.helpers._resolve_template({"TemplateURL": [url or ""]})
    if refused is not None or not body:
        raise ResourceFailed(
            f"TemplateURL must reference a valid S3 object to which you have access, got {url!r}"
        )
    try:
        template: dict[str, Any] = ministack.engine._parse_template(body)
        ministack.provisioners._check_nested_stack_capabilities(address.stack_name, template)
    except Exception as error:
        raise ResourceFailed(f"Template format error: {error}") from error
    return body, template


def _describe(
    child: Stack,
    address: ResourceAddress,
    properties: Properties,
    body: str,
    template: Mapping[str, Any],
    previous: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Give a child's record what the read operations report; return its parameters."""
    given = [
        {"Key": name, "Value": "" if value is None else str(value)}
        for name, value in (properties.get("Parameters") or {}).items()
    ]
    tags = ministack.provisioners._tag_map(properties.get("Tags"))
    try:
        parameters: dict[str, Any] = ministack.engine._resolve_parameters(template, given)
        conditions = ministack.engine._evaluate_conditions(template, parameters)
        ministack.engine.validate_template_support(template, conditions, params=parameters)
    except ValueError as error:
        raise ResourceFailed(str(error)) from error
    parent = ministack.package._stacks[address.stack_name]
    child.update(
        {
            "StackStatusReason": "",
            "LastUpdatedTime": ministack.responses.now_iso(),
            "Description": template.get("Description", ""),
            "Parameters": [
                {"ParameterKey": name, "ParameterValue": value["Value"], "NoEcho": value["NoEcho"]}
                for name, value in parameters.items()
            ],
            "Tags": [
                {"Key": key, "Value": value}
                for key, value in tags.items()
                if not key.startswith("aws:")
            ],
            "DisableRollback": True,
            "Capabilities": ministack.provisioners._inherited_capabilities(address.stack_name),
            "_conditions": conditions,
            "_parent_stack_name": address.stack_name,
            "_region": ministack.responses.get_region(),
            "_template": template,
            "_template_body": body,
            "_resolved_params": parameters,
            "ParentId": address.stack_id,
            "RootId": parent.get("RootId") or address.stack_id,
        }
    )
    return parameters


def _outputs(child: Stack) -> dict[str, Any]:
    return {f"Outputs.{output['OutputKey']}": output["OutputValue"] for output in child["Outputs"]}
