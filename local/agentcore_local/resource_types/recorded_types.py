"""Types whose services MiniStack lacks: kept by the stack, with ids and attributes, no API behind.

A template with them deploys, updates, and is destroyed; what they would do on AWS does not happen.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation.events import ResourceAddress
from agentcore_local.cloudformation.resource_kinds import Existing, Properties, Provisioned
from agentcore_local.resource_types.api_types import ApiType
from agentcore_local.resource_types.schema import TypeSchema

Attributes = Callable[[str, Properties], Mapping[str, Any]]


class RecordedType(ApiType):
    """A type that is only recorded.

    Args:
        schema: the type's schema.
        identifier: makes a physical id from the properties.
        attributes: makes the attributes from the physical id and the properties.
    """

    def __init__(
        self, schema: TypeSchema, identifier: Callable[[Properties], str], attributes: Attributes
    ) -> None:
        self.schema = schema
        self._identifier = identifier
        self._attributes = attributes

    async def make(self, address: ResourceAddress, properties: Properties) -> Provisioned:
        """Give the resource an id."""
        identifier = self._identifier(properties)
        return Provisioned(
            physical_id=identifier, attributes=dict(self._attributes(identifier, properties))
        )

    async def change(
        self, address: ResourceAddress, existing: Existing, properties: Properties
    ) -> Provisioned:
        """Keep the id."""
        identifier = existing.physical_id
        return Provisioned(
            physical_id=identifier, attributes=dict(self._attributes(identifier, properties))
        )

    async def remove(self, physical_id: str, properties: Properties) -> None:
        """Nothing is left to remove."""


def recorded_types() -> list[RecordedType]:
    """Every type that is only recorded."""
    return [
        RecordedType(
            TypeSchema(
                name="AWS::Logs::QueryDefinition",
                required=("Name", "QueryString"),
                updatable=("LogGroupNames", "Name", "Parameters", "QueryLanguage", "QueryString"),
            ),
            lambda _properties: ministack.responses.new_uuid(),
            lambda identifier, _properties: {"QueryDefinitionId": identifier},
        ),
        RecordedType(
            TypeSchema(
                name="AWS::XRay::ResourcePolicy",
                required=("PolicyDocument", "PolicyName"),
                create_only=("PolicyName",),
                updatable=("BypassPolicyLockoutCheck", "PolicyDocument"),
                name_property="PolicyName",
            ),
            lambda properties: str(properties["PolicyName"]),
            lambda _identifier, _properties: {},
        ),
        RecordedType(
            TypeSchema(
                name="AWS::Route53Resolver::ResolverQueryLoggingConfig",
                create_only=("DestinationArn", "Name", "Tags"),
            ),
            lambda _properties: f"rqlc-{secrets.token_hex(8)}",
            _query_logging_attributes,
        ),
        RecordedType(
            TypeSchema(
                name="AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation",
                create_only=("ResolverQueryLogConfigId", "ResourceId"),
            ),
            lambda _properties: f"rqlca-{secrets.token_hex(8)}",
            lambda identifier, _properties: {"Id": identifier, "Status": "ACTIVE"},
        ),
    ]


def _query_logging_attributes(identifier: str, _properties: Properties) -> dict[str, Any]:
    account, region = ministack.responses.get_account_id(), ministack.responses.get_region()
    prefix = f"arn:aws:route53resolver:{region}:{account}"
    return {
        "Arn": f"{prefix}:resolver-query-log-config/{identifier}",
        "Id": identifier,
        "OwnerId": account,
        "Status": "CREATED",
    }
