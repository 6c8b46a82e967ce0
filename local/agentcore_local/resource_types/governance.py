"""`AWS::Config::ConfigRule` and `AWS::CloudTrail::Trail`."""

from __future__ import annotations

import json
from typing import Any

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation.events import ResourceAddress
from agentcore_local.cloudformation.resource_kinds import Existing, Properties, Provisioned
from agentcore_local.resource_types.api_types import ApiType, picked
from agentcore_local.resource_types.schema import TypeSchema
from agentcore_local.resource_types.service_calls import call


class ConfigRule(ApiType):
    """A rule of AWS Config; it is kept, and evaluates nothing."""

    schema = TypeSchema(
        name="AWS::Config::ConfigRule",
        required=("Source",),
        create_only=("ConfigRuleName",),
        updatable=(
            "Compliance",
            "Description",
            "EvaluationModes",
            "InputParameters",
            "MaximumExecutionFrequency",
            "Scope",
            "Source",
        ),
        name_property="ConfigRuleName",
    )

    async def make(self, address: ResourceAddress, properties: Properties) -> Provisioned:
        """Put the rule under its own or a generated name."""
        name = properties.get("ConfigRuleName") or ministack.provisioners._physical_name(
            address.stack_name, address.logical_id, max_len=128
        )
        return await self._put(name, properties)

    async def change(
        self, address: ResourceAddress, existing: Existing, properties: Properties
    ) -> Provisioned:
        """Put the rule again under the name that it has."""
        return await self._put(existing.physical_id, properties)

    async def _put(self, name: str, properties: Properties) -> Provisioned:
        members = ("Description", "EvaluationModes", "MaximumExecutionFrequency", "Scope", "Source")
        rule: dict[str, Any] = {"ConfigRuleName": name, **picked(properties, *members)}
        parameters = properties.get("InputParameters")
        if parameters:
            is_text = isinstance(parameters, str)
            rule["InputParameters"] = parameters if is_text else json.dumps(parameters)
        await call("config", "PutConfigRule", ConfigRule=rule)
        answer = await call("config", "DescribeConfigRules", ConfigRuleNames=[name])
        made = answer["ConfigRules"][0]
        attributes = {"Arn": made["ConfigRuleArn"], "ConfigRuleId": made["ConfigRuleId"]}
        return Provisioned(physical_id=name, attributes=attributes)

    async def remove(self, physical_id: str, properties: Properties) -> None:
        """Delete the rule."""
        await call("config", "DeleteConfigRule", ConfigRuleName=physical_id)


_TRAIL_SETTINGS = (
    "IncludeGlobalServiceEvents",
    "IsMultiRegionTrail",
    "IsOrganizationTrail",
    "S3BucketName",
    "S3KeyPrefix",
    "SnsTopicName",
)


class Trail(ApiType):
    """A trail of AWS CloudTrail."""

    schema = TypeSchema(
        name="AWS::CloudTrail::Trail",
        required=("IsLogging", "S3BucketName"),
        create_only=("TrailName",),
        updatable=(
            *_TRAIL_SETTINGS,
            "AdvancedEventSelectors",
            "AggregationConfigurations",
            "CloudWatchLogsLogGroupArn",
            "CloudWatchLogsRoleArn",
            "EnableLogFileValidation",
            "EventSelectors",
            "InsightSelectors",
            "IsLogging",
            "KMSKeyId",
            "Tags",
        ),
        name_property="TrailName",
        tags=("Tags", "list"),
    )

    async def make(self, address: ResourceAddress, properties: Properties) -> Provisioned:
        """Create the trail under its own or a generated name."""
        name = properties.get("TrailName") or ministack.provisioners._physical_name(
            address.stack_name, address.logical_id, max_len=128
        )
        return await self._put("CreateTrail", name, properties)

    async def change(
        self, address: ResourceAddress, existing: Existing, properties: Properties
    ) -> Provisioned:
        """Update the trail."""
        return await self._put("UpdateTrail", existing.physical_id, properties)

    async def _put(self, operation: str, name: str, properties: Properties) -> Provisioned:
        settings = picked(properties, *_TRAIL_SETTINGS)
        if "KMSKeyId" in properties:
            settings["KmsKeyId"] = properties["KMSKeyId"]
        if "EnableLogFileValidation" in properties:
            settings["EnableLogFileValidation"] = properties["EnableLogFileValidation"]
        made = await call("cloudtrail", operation, Name=name, **settings)
        selectors = picked(properties, "AdvancedEventSelectors", "EventSelectors")
        if selectors:
            await call("cloudtrail", "PutEventSelectors", TrailName=name, **selectors)
        logging = str(properties["IsLogging"]).lower() == "true"
        await call("cloudtrail", "StartLogging" if logging else "StopLogging", Name=name)
        return Provisioned(physical_id=name, attributes={"Arn": made["TrailARN"]})

    async def remove(self, physical_id: str, properties: Properties) -> None:
        """Delete the trail."""
        await call("cloudtrail", "DeleteTrail", Name=physical_id)
