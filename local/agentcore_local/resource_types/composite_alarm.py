"""`AWS::CloudWatch::CompositeAlarm`.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudwatch-compositealarm.html
"""

from __future__ import annotations

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation.events import ResourceAddress
from agentcore_local.cloudformation.resource_kinds import Existing, Properties, Provisioned
from agentcore_local.resource_types.api_types import ApiType, picked
from agentcore_local.resource_types.schema import TypeSchema
from agentcore_local.resource_types.service_calls import call

_SETTINGS = (
    "ActionsEnabled",
    "ActionsSuppressor",
    "ActionsSuppressorExtensionPeriod",
    "ActionsSuppressorWaitPeriod",
    "AlarmActions",
    "AlarmDescription",
    "AlarmRule",
    "InsufficientDataActions",
    "OKActions",
)


class CompositeAlarm(ApiType):
    """An alarm over other alarms."""

    schema = TypeSchema(
        name="AWS::CloudWatch::CompositeAlarm",
        required=("AlarmRule",),
        create_only=("AlarmName",),
        updatable=(*_SETTINGS, "ActionConfiguration", "Tags"),
        name_property="AlarmName",
        tags=("Tags", "list"),
    )

    async def make(self, address: ResourceAddress, properties: Properties) -> Provisioned:
        """Put the alarm under its own or a generated name."""
        name = properties.get("AlarmName") or ministack.provisioners._physical_name(
            address.stack_name, address.logical_id, max_len=255
        )
        return await self._put(name, properties)

    async def change(
        self, address: ResourceAddress, existing: Existing, properties: Properties
    ) -> Provisioned:
        """Put the alarm again under the name that it has."""
        return await self._put(existing.physical_id, properties)

    async def _put(self, name: str, properties: Properties) -> Provisioned:
        settings = picked(properties, *_SETTINGS)
        if "ActionsEnabled" in settings:
            settings["ActionsEnabled"] = str(settings["ActionsEnabled"]).lower() == "true"
        tags = [tag for tag in properties.get("Tags") or [] if not tag["Key"].startswith("aws:")]
        await call("cloudwatch", "PutCompositeAlarm", AlarmName=name, Tags=tags, **settings)
        account, region = ministack.responses.get_account_id(), ministack.responses.get_region()
        arn = f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}"
        return Provisioned(physical_id=name, attributes={"Arn": arn})

    async def remove(self, physical_id: str, properties: Properties) -> None:
        """Delete the alarm."""
        await call("cloudwatch", "DeleteAlarms", AlarmNames=[physical_id])
