"""`AWS::BedrockAgentCore::CodeInterpreterCustom`, on top of the service itself.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-bedrockagentcore-codeinterpretercustom.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from agentcore_local.cloudformation.events import ResourceAddress
from agentcore_local.cloudformation.resource_kinds import (
    Existing,
    Properties,
    Provisioned,
    ResourceFailed,
)
from agentcore_local.resource_types.acting import account_caller
from agentcore_local.resource_types.network_interfaces import NetworkInterfaces
from agentcore_local.resource_types.schema import Shape, TypeSchema
from agentcore_local.service.backend import Caller
from agentcore_local.service.errors import ServiceError

TYPE = "AWS::BedrockAgentCore::CodeInterpreterCustom"
SCHEMA = TypeSchema(
    name=TYPE,
    required=("Name", "NetworkConfiguration"),
    create_only=(
        "Certificates",
        "Description",
        "ExecutionRoleArn",
        "Name",
        "NetworkConfiguration",
    ),
    updatable=("Tags",),
    tags=("Tags", "map"),
    shapes={
        "Certificates": Shape(
            most_items=10,
            items=Shape(
                members={
                    "CertificateLocation": Shape(
                        members={"SecretArn": None}, required=("SecretArn",)
                    )
                },
                required=("CertificateLocation",),
            ),
        ),
        "NetworkConfiguration": Shape(
            members={
                "NetworkMode": None,
                "VpcConfig": Shape(
                    members={
                        "SecurityGroups": Shape(most_items=16),
                        "Subnets": Shape(most_items=16),
                    },
                    required=("SecurityGroups", "Subnets"),
                ),
            },
            required=("NetworkMode",),
        ),
    },
)

_POLL_SECONDS = 0.02
# CloudFormation gives a resource far longer; nothing here takes minutes unless it is a fault.
_STABLE_WITHIN_SECONDS = 120.0

# https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html
_HANDLER_ERRORS = {
    "AccessDeniedException": "AccessDenied",
    "ResourceNotFoundException": "NotFound",
    "ServiceQuotaExceededException": "ServiceLimitExceeded",
    "ThrottlingException": "Throttling",
    "ValidationException": "InvalidRequest",
}


class CodeInterpreters(Protocol):
    """What the resource type needs of the code interpreter service."""

    def create_code_interpreter(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """CreateCodeInterpreter."""
        ...

    def get_code_interpreter(self, identifier: str, caller: Caller) -> dict[str, Any]:
        """GetCodeInterpreter."""
        ...

    def delete_code_interpreter(self, identifier: str, caller: Caller) -> dict[str, Any]:
        """DeleteCodeInterpreter."""
        ...

    def list_tags(self, arn: str, caller: Caller) -> dict[str, str]:
        """ListTagsForResource."""
        ...

    def tag(self, arn: str, tags: Mapping[str, str], caller: Caller) -> None:
        """TagResource."""
        ...

    def untag(self, arn: str, keys: list[str], caller: Caller) -> None:
        """UntagResource."""
        ...


class CodeInterpreterType:
    """Creates, replaces, tags and deletes interpreters for stacks.

    Args:
        service: the code interpreter service.
        interfaces: the network interfaces of interpreters in a VPC.
    """

    def __init__(self, service: CodeInterpreters, interfaces: NetworkInterfaces) -> None:
        self._service = service
        self._interfaces = interfaces

    async def create(self, address: ResourceAddress, properties: Properties) -> Provisioned:
        """Create an interpreter and wait until it is READY."""
        SCHEMA.check(address.logical_id, properties)
        self._interfaces.check(properties["NetworkConfiguration"].get("VpcConfig") or {})
        try:
            made = self._service.create_code_interpreter(_parameters(properties), account_caller())
        except ServiceError as error:
            raise _failure(error, conflict="AlreadyExists") from error
        self._interfaces.settle()
        identifier = made["codeInterpreterId"]
        described = await self._until(identifier, done=("READY", "CREATE_FAILED"))
        if described["status"] != "READY":
            raise ResourceFailed(
                f'Resource handler returned message: "Exceeded attempts to wait: '
                f'{identifier} is {described["status"]}: {described.get("failureReason")}" '
                "(HandlerErrorCode: NotStabilized)",
                physical_id=identifier,
            )
        if system := _tags(properties, of_system=True):
            try:
                self._service.tag(made["codeInterpreterArn"], system, account_caller())
            except ServiceError as error:
                raise _failure(error, physical_id=identifier) from error
        return Provisioned(physical_id=identifier, attributes=_attributes(described))

    async def update(
        self, address: ResourceAddress, existing: Existing, properties: Properties
    ) -> Provisioned:
        """Change the tags in place; everything else takes a new interpreter."""
        SCHEMA.check(address.logical_id, properties)
        if SCHEMA.must_be_replaced(existing.properties, properties):
            return await self.create(address, properties)
        arn = existing.attributes["CodeInterpreterArn"]
        old, new = _tags(existing.properties), _tags(properties)
        gone = sorted(set(old) - set(new))
        try:
            if gone:
                self._service.untag(arn, gone, account_caller())
            if new and new != old:
                self._service.tag(arn, new, account_caller())
            described = self._service.get_code_interpreter(existing.physical_id, account_caller())
        except ServiceError as error:
            raise _failure(error) from error
        return Provisioned(physical_id=existing.physical_id, attributes=_attributes(described))

    async def delete(
        self, address: ResourceAddress, physical_id: str, properties: Properties
    ) -> None:
        """Delete an interpreter and wait until it is gone. The sessions are not stopped."""
        self._interfaces.settle()
        try:
            self._service.delete_code_interpreter(physical_id, account_caller())
        except ServiceError as error:
            if error.code == "ResourceNotFoundException":
                return
            raise _failure(error) from error
        described = await self._until(physical_id, done=("DELETED", "DELETE_FAILED"))
        if described["status"] != "DELETED":
            raise ResourceFailed(
                f'Resource handler returned message: "{physical_id} is {described["status"]}: '
                f'{described.get("failureReason")}" (HandlerErrorCode: NotStabilized)'
            )

    async def _until(self, identifier: str, *, done: tuple[str, str]) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        end = loop.time() + _STABLE_WITHIN_SECONDS
        while True:
            try:
                described = self._service.get_code_interpreter(identifier, account_caller())
            except ServiceError as error:
                if error.code == "ResourceNotFoundException":
                    return {"status": "DELETED"}
                raise _failure(error, physical_id=identifier) from error
            if described["status"] in done:
                return described
            if loop.time() > end:
                raise ResourceFailed(
                    f'Resource handler returned message: "{identifier} stays '
                    f'{described["status"]}" (HandlerErrorCode: NotStabilized)',
                    physical_id=identifier,
                )
            await asyncio.sleep(_POLL_SECONDS)


def _parameters(properties: Properties) -> dict[str, Any]:
    network = properties["NetworkConfiguration"]
    parameters: dict[str, Any] = {
        "name": properties["Name"],
        "networkConfiguration": {"networkMode": network["NetworkMode"]},
    }
    if vpc := network.get("VpcConfig"):
        parameters["networkConfiguration"]["vpcConfig"] = {
            "securityGroups": vpc["SecurityGroups"],
            "subnets": vpc["Subnets"],
        }
    for name, member in (("Description", "description"), ("ExecutionRoleArn", "executionRoleArn")):
        if name in properties:
            parameters[member] = properties[name]
    if "Certificates" in properties:
        parameters["certificates"] = [
            {
                "location": {
                    "secretsManager": {"secretArn": item["CertificateLocation"]["SecretArn"]}
                }
            }
            for item in properties["Certificates"]
        ]
    if tags := _tags(properties):
        parameters["tags"] = tags
    return parameters


def _tags(properties: Properties, *, of_system: bool = False) -> dict[str, str]:
    """One's own tags, or the `aws:` ones that CloudFormation adds, which no limit counts.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html
    """
    tags = properties.get("Tags") or {}
    return {k: str(v) for k, v in tags.items() if k.startswith("aws:") == of_system}


def _attributes(described: Mapping[str, Any]) -> dict[str, Any]:
    attributes = {
        "CodeInterpreterId": described["codeInterpreterId"],
        "CodeInterpreterArn": described["codeInterpreterArn"],
        "Status": described["status"],
        "CreatedAt": _timestamp(described["createdAt"]),
        "LastUpdatedAt": _timestamp(described["lastUpdatedAt"]),
    }
    if described.get("failureReason"):
        attributes["FailureReason"] = described["failureReason"]
    return attributes


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def _failure(
    error: ServiceError, *, physical_id: str | None = None, conflict: str = "ResourceConflict"
) -> ResourceFailed:
    # AlreadyExists is for handlers that create.
    codes = {**_HANDLER_ERRORS, "ConflictException": conflict}
    code = codes.get(error.code, "GeneralServiceException")
    return ResourceFailed(
        f'Resource handler returned message: "{error.message} (Service: '
        f'BedrockAgentCoreControl, Status Code: {error.http_status}, Error: {error.code})" '
        f"(HandlerErrorCode: {code})",
        physical_id=physical_id,
    )
