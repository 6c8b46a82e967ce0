"""`AWS::BedrockAgentCore::Runtime`.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-bedrockagentcore-runtime.html
"""

from __future__ import annotations

from typing import Any

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation.events import ResourceAddress
from agentcore_local.cloudformation.resource_kinds import (
    Existing,
    Properties,
    Provisioned,
    ResourceFailed,
)
from agentcore_local.resource_types.api_types import ApiType, lowered
from agentcore_local.resource_types.roles import service_may_assume
from agentcore_local.resource_types.schema import TypeSchema
from agentcore_local.resource_types.service_calls import call

_SERVICE = "bedrock-agentcore-control"
_PRINCIPAL = "bedrock-agentcore.amazonaws.com"
_STRUCTURES = (
    "AgentRuntimeArtifact",
    "AuthorizerConfiguration",
    "FilesystemConfigurations",
    "LifecycleConfiguration",
    "NetworkConfiguration",
    "RequestHeaderConfiguration",
)


class Runtime(ApiType):
    """An agent's runtime; MiniStack runs its container where there is a Docker."""

    schema = TypeSchema(
        name="AWS::BedrockAgentCore::Runtime",
        required=("AgentRuntimeArtifact", "AgentRuntimeName", "RoleArn"),
        create_only=("AgentRuntimeName",),
        updatable=(
            *_STRUCTURES,
            "CapacityProviderConfiguration",
            "Description",
            "EnvironmentVariables",
            "PlatformVersion",
            "ProtocolConfiguration",
            "RoleArn",
            "Tags",
        ),
        name_property="AgentRuntimeName",
        tags=("Tags", "map"),
    )

    async def make(self, address: ResourceAddress, properties: Properties) -> Provisioned:
        """Create the runtime."""
        _check_role(properties)
        made = await call(
            _SERVICE,
            "CreateAgentRuntime",
            agentRuntimeName=properties["AgentRuntimeName"],
            **_parameters(properties),
        )
        return await self._described(made["agentRuntimeId"])

    async def change(
        self, address: ResourceAddress, existing: Existing, properties: Properties
    ) -> Provisioned:
        """Make another version of the runtime, if anything but the tags changed."""
        old, new = _parameters(existing.properties), _parameters(properties)
        if old != new:
            _check_role(properties)
            await call(_SERVICE, "UpdateAgentRuntime", agentRuntimeId=existing.physical_id, **new)
        return await self._described(existing.physical_id)

    async def remove(self, physical_id: str, properties: Properties) -> None:
        """Delete the runtime."""
        await call(_SERVICE, "DeleteAgentRuntime", agentRuntimeId=physical_id)

    async def _described(self, identifier: str) -> Provisioned:
        found = await call(_SERVICE, "GetAgentRuntime", agentRuntimeId=identifier)
        attributes = {
            "AgentRuntimeArn": found["agentRuntimeArn"],
            "AgentRuntimeId": identifier,
            "AgentRuntimeVersion": found["agentRuntimeVersion"],
            "CreatedAt": found["createdAt"].isoformat(),
            "LastUpdatedAt": found["lastUpdatedAt"].isoformat(),
            "Status": found["status"],
        }
        workload = found.get("workloadIdentityDetails") or {}
        for name, value in workload.items():
            attributes[f"WorkloadIdentityDetails.{name[0].upper()}{name[1:]}"] = value
        return Provisioned(physical_id=identifier, attributes=attributes)


def _parameters(properties: Properties) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        name[0].lower() + name[1:]: lowered(properties[name])
        for name in _STRUCTURES
        if name in properties
    }
    parameters.setdefault("networkConfiguration", {"networkMode": "PUBLIC"})
    parameters["roleArn"] = properties["RoleArn"]
    if "Description" in properties:
        parameters["description"] = properties["Description"]
    if "EnvironmentVariables" in properties:
        parameters["environmentVariables"] = dict(properties["EnvironmentVariables"])
    if "ProtocolConfiguration" in properties:
        parameters["protocolConfiguration"] = {
            "serverProtocol": properties["ProtocolConfiguration"]
        }
    return parameters


def _check_role(properties: Properties) -> None:
    account, region = ministack.responses.get_account_id(), ministack.responses.get_region()
    name = properties["AgentRuntimeName"]
    source = f"arn:aws:bedrock-agentcore:{region}:{account}:runtime/{name}-0000000000"
    context = {"aws:SourceAccount": account, "aws:SourceArn": source}
    if not service_may_assume(properties["RoleArn"], _PRINCIPAL, context):
        raise ResourceFailed(
            f"Role validation failed for {properties['RoleArn']!r}. Please verify that the role "
            f"exists and its trust policy allows assumption by {_PRINCIPAL} (HandlerErrorCode: "
            "InvalidRequest)"
        )
