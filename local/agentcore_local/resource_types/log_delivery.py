"""Vended logs: `AWS::Logs::DeliverySource`, `DeliveryDestination` and `Delivery`.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
"""

from __future__ import annotations

import json
from typing import Any

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation.events import ResourceAddress
from agentcore_local.cloudformation.resource_kinds import (
    Existing,
    Properties,
    Provisioned,
    ResourceFailed,
)
from agentcore_local.resource_types.api_types import ApiType, tag_map
from agentcore_local.resource_types.schema import TypeSchema
from agentcore_local.resource_types.service_calls import CallFailed, call

_LONGEST_NAME = 60
# https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/observability-tool-metrics.html
_INTERPRETER_LOG_TYPES = ("APPLICATION_LOGS", "TRACES", "USAGE_LOGS")
_TRACING = "XRAY"
_CONFLICT = "ConflictException"


def install(*, second_source_conflicts: bool) -> None:
    """Refuse a second source for one log type of one resource, if CloudWatch Logs does.

    It is not documented; users report the error that is answered here:
    https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2513
    https://github.com/hashicorp/terraform-provider-aws/issues/40885
    """
    put = ministack.logs._put_delivery_source

    def put_if_alone(data: dict[str, Any]) -> Any:
        if second_source_conflicts and _has_another_source(data):
            return ministack.logs.error_response_json(
                _CONFLICT,
                "This ResourceId has already been used in another Delivery Source in this account.",
                400,
            )
        return put(data)

    ministack.logs._put_delivery_source = put_if_alone


def _has_another_source(data: dict[str, Any]) -> bool:
    return any(
        name != data.get("name")
        and source["logType"] == data.get("logType")
        and data.get("resourceArn") in source["resourceArns"]
        for name, source in ministack.logs._delivery_sources.items()
    )


def _check_name(properties: Properties) -> str:
    name = str(properties["Name"])
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise ResourceFailed(
            f"1 validation error detected: Value {name!r} at 'name' failed to satisfy constraint: "
            f"Member must have length less than or equal to {_LONGEST_NAME}"
        )
    return name


async def _refuse_taken(operation: str, name: str) -> None:
    """The operations put: CloudFormation's create of a name that is there fails all the same."""
    try:
        await call("logs", operation, name=name)
    except CallFailed:
        return
    raise ResourceFailed(
        f"Resource of this type with identifier '{name}' already exists. "
        "(HandlerErrorCode: AlreadyExists)"
    )


async def _deliveries(**members: str) -> list[dict[str, Any]]:
    answer = await call("logs", "DescribeDeliveries")
    return [
        delivery
        for delivery in answer.get("deliveries", [])
        if all(delivery.get(name) == value for name, value in members.items())
    ]


def _in_use(kind: str, name: str) -> ResourceFailed:
    return ResourceFailed(
        f"The {kind} {name} is used by a delivery, delete that first (Service: "
        "CloudWatchLogs, Status Code: 400, Error: ConflictException)"
    )


class DeliverySource(ApiType):
    """A resource whose logs or traces are delivered."""

    schema = TypeSchema(
        name="AWS::Logs::DeliverySource",
        required=("Name",),
        create_only=("Name",),
        updatable=("DeliverySourceConfiguration", "LogType", "ResourceArn", "Tags"),
        name_property="Name",
        tags=("Tags", "list"),
    )

    async def make(self, address: ResourceAddress, properties: Properties) -> Provisioned:
        """Put a source that is not there yet."""
        await _refuse_taken("GetDeliverySource", _check_name(properties))
        return await self._put(properties)

    async def change(
        self, address: ResourceAddress, existing: Existing, properties: Properties
    ) -> Provisioned:
        """Put the source again."""
        return await self._put(properties)

    async def _put(self, properties: Properties) -> Provisioned:
        arn, log_type = properties.get("ResourceArn", ""), properties.get("LogType", "")
        if ":code-interpreter" in arn and log_type not in _INTERPRETER_LOG_TYPES:
            raise ResourceFailed(
                f"The log type {log_type!r} is not valid for {arn}: one of "
                f"{', '.join(_INTERPRETER_LOG_TYPES)} is (Service: CloudWatchLogs, Status Code: "
                "400, Error: ValidationException)"
            )
        try:
            answer = await call(
                "logs",
                "PutDeliverySource",
                name=_check_name(properties),
                resourceArn=arn,
                logType=log_type,
                tags=tag_map(properties),
            )
        except CallFailed as failed:
            if failed.code != _CONFLICT:
                raise
            raise ResourceFailed(f"{failed} (HandlerErrorCode: AlreadyExists)") from None
        source = answer["deliverySource"]
        return Provisioned(
            physical_id=source["name"],
            attributes={
                "Arn": source["arn"],
                "ResourceArns": source["resourceArns"],
                "Service": source["service"],
            },
        )

    async def remove(self, physical_id: str, properties: Properties) -> None:
        """Delete the source, unless a delivery uses it."""
        if await _deliveries(deliverySourceName=physical_id):
            raise _in_use("delivery source", physical_id)
        await call("logs", "DeleteDeliverySource", name=physical_id)


class DeliveryDestination(ApiType):
    """Where logs go: a log group, a bucket, a Firehose stream, or X-Ray for traces."""

    schema = TypeSchema(
        name="AWS::Logs::DeliveryDestination",
        required=("Name",),
        create_only=("DeliveryDestinationType", "DestinationResourceArn", "Name", "OutputFormat"),
        updatable=("DeliveryDestinationPolicy", "Tags"),
        name_property="Name",
        tags=("Tags", "list"),
    )

    async def make(self, address: ResourceAddress, properties: Properties) -> Provisioned:
        """Put a destination that is not there yet."""
        await _refuse_taken("GetDeliveryDestination", _check_name(properties))
        if properties.get("DeliveryDestinationType") == _TRACING:
            return await self._put_tracing(properties)
        return await self._put(properties)

    async def change(
        self, address: ResourceAddress, existing: Existing, properties: Properties
    ) -> Provisioned:
        """Put the destination again."""
        if properties.get("DeliveryDestinationType") == _TRACING:
            return await self._put_tracing(properties)
        return await self._put(properties)

    async def _put(self, properties: Properties) -> Provisioned:
        options = {}
        if "OutputFormat" in properties:
            options["outputFormat"] = properties["OutputFormat"]
        answer = await call(
            "logs",
            "PutDeliveryDestination",
            name=_check_name(properties),
            deliveryDestinationConfiguration={
                "destinationResourceArn": properties.get("DestinationResourceArn", "")
            },
            tags=tag_map(properties),
            **options,
        )
        destination = answer["deliveryDestination"]
        await self._put_policy(properties)
        return Provisioned(physical_id=destination["name"], attributes={"Arn": destination["arn"]})

    async def _put_tracing(self, properties: Properties) -> Provisioned:
        """X-Ray has no resource to deliver to, and MiniStack's operation takes no such target."""
        logs = ministack.logs
        name = _check_name(properties)
        arn = logs._make_delivery_destination_arn(name)
        logs._delivery_destinations[name] = {
            "name": name,
            "arn": arn,
            "deliveryDestinationType": _TRACING,
            "outputFormat": "",
            "deliveryDestinationConfiguration": {},
            "tags": tag_map(properties),
        }
        return Provisioned(physical_id=name, attributes={"Arn": arn})

    async def _put_policy(self, properties: Properties) -> None:
        policy = properties.get("DeliveryDestinationPolicy")
        if not policy:
            return
        document = policy.get("DeliveryDestinationPolicy", policy)
        await call(
            "logs",
            "PutDeliveryDestinationPolicy",
            deliveryDestinationName=properties["Name"],
            deliveryDestinationPolicy=json.dumps(document),
        )

    async def remove(self, physical_id: str, properties: Properties) -> None:
        """Delete the destination, unless a delivery uses it."""
        answer = await call("logs", "GetDeliveryDestination", name=physical_id)
        if await _deliveries(deliveryDestinationArn=answer["deliveryDestination"]["arn"]):
            raise _in_use("delivery destination", physical_id)
        await call("logs", "DeleteDeliveryDestination", name=physical_id)


class Delivery(ApiType):
    """The connection of a source with a destination."""

    schema = TypeSchema(
        name="AWS::Logs::Delivery",
        required=("DeliveryDestinationArn", "DeliverySourceName"),
        create_only=("DeliveryDestinationArn", "DeliverySourceName"),
        updatable=(
            "FieldDelimiter",
            "RecordFields",
            "S3EnableHiveCompatiblePath",
            "S3SuffixPath",
            "Tags",
        ),
        tags=("Tags", "list"),
    )

    async def make(self, address: ResourceAddress, properties: Properties) -> Provisioned:
        """Connect source and destination."""
        source = properties["DeliverySourceName"]
        await self._check_match(source, properties["DeliveryDestinationArn"])
        answer = await call(
            "logs",
            "CreateDelivery",
            deliverySourceName=source,
            deliveryDestinationArn=properties["DeliveryDestinationArn"],
            tags=tag_map(properties),
            **_delivery_settings(properties),
        )
        delivery = answer["delivery"]
        return Provisioned(
            physical_id=delivery["id"],
            attributes={
                "Arn": delivery["arn"],
                "DeliveryDestinationType": delivery["deliveryDestinationType"],
                "DeliveryId": delivery["id"],
            },
        )

    async def _check_match(self, source_name: str, destination_arn: str) -> None:
        source = (await call("logs", "GetDeliverySource", name=source_name))["deliverySource"]
        name = destination_arn.rsplit(":", 1)[-1]
        answer = await call("logs", "GetDeliveryDestination", name=name)
        kind = answer["deliveryDestination"]["deliveryDestinationType"]
        if (source["logType"] == "TRACES") != (kind == _TRACING):
            raise ResourceFailed(
                f"The log type {source['logType']} cannot be delivered to a destination of type "
                f"{kind} (Service: CloudWatchLogs, Status Code: 400, Error: ValidationException)"
            )

    async def change(
        self, address: ResourceAddress, existing: Existing, properties: Properties
    ) -> Provisioned:
        """Keep the delivery: MiniStack has no operation that changes its record fields."""
        return Provisioned(physical_id=existing.physical_id, attributes=existing.attributes)

    async def remove(self, physical_id: str, properties: Properties) -> None:
        """Disconnect source and destination."""
        await call("logs", "DeleteDelivery", id=physical_id)


def _delivery_settings(properties: Properties) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for name in ("FieldDelimiter", "RecordFields"):
        if name in properties:
            settings[name[0].lower() + name[1:]] = properties[name]
    bucket = {
        member: properties[name]
        for name, member in (
            ("S3SuffixPath", "suffixPath"),
            ("S3EnableHiveCompatiblePath", "enableHiveCompatiblePath"),
        )
        if name in properties
    }
    if bucket:
        settings["s3DeliveryConfiguration"] = bucket
    return settings
