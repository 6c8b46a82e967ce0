"""`AWS::EC2::SecurityGroupIngress` and `AWS::EC2::SecurityGroupEgress`.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-securitygroupingress.html
"""

from __future__ import annotations

from typing import Any, Literal

from agentcore_local.cloudformation.events import ResourceAddress
from agentcore_local.cloudformation.resource_kinds import (
    Existing,
    Properties,
    Provisioned,
    ResourceFailed,
)
from agentcore_local.resource_types.api_types import ApiType
from agentcore_local.resource_types.schema import TypeSchema
from agentcore_local.resource_types.service_calls import call

Direction = Literal["Ingress", "Egress"]
_COMMON = ("CidrIp", "CidrIpv6", "FromPort", "GroupId", "IpProtocol", "ToPort")
_INGRESS = (
    *_COMMON,
    "GroupName",
    "SourcePrefixListId",
    "SourceSecurityGroupId",
    "SourceSecurityGroupName",
    "SourceSecurityGroupOwnerId",
)
_EGRESS = (*_COMMON, "DestinationPrefixListId", "DestinationSecurityGroupId")


class SecurityGroupRule(ApiType):
    """A rule of a security group as a resource of its own.

    Args:
        direction: which traffic it lets through.
    """

    def __init__(self, direction: Direction) -> None:
        self._direction = direction
        self._other = "Source" if direction == "Ingress" else "Destination"
        self.schema = TypeSchema(
            name=f"AWS::EC2::SecurityGroup{direction}",
            required=("IpProtocol", "GroupId"),
            create_only=_INGRESS if direction == "Ingress" else _EGRESS,
            updatable=("Description",),
        )

    async def make(self, address: ResourceAddress, properties: Properties) -> Provisioned:
        """Add the rule to its group."""
        group = properties["GroupId"]
        before = await self._rule_ids(group)
        answer = await call(
            "ec2",
            f"AuthorizeSecurityGroup{self._direction}",
            GroupId=group,
            IpPermissions=[self._permission(properties)],
        )
        rule_id = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        if rule_id in before:
            raise ResourceFailed(
                "the specified rule already exists (Service: Ec2, Status Code: 400, Error: "
                "InvalidPermission.Duplicate)"
            )
        return Provisioned(physical_id=rule_id, attributes={"Id": rule_id})

    async def change(
        self, address: ResourceAddress, existing: Existing, properties: Properties
    ) -> Provisioned:
        """Put another description on the rule: the same rule, authorized anew."""
        await self.remove(existing.physical_id, existing.properties)
        return await self.make(address, properties)

    async def remove(self, physical_id: str, properties: Properties) -> None:
        """Take the rule out of its group."""
        await call(
            "ec2",
            f"RevokeSecurityGroup{self._direction}",
            GroupId=properties["GroupId"],
            SecurityGroupRuleIds=[physical_id],
        )

    async def _rule_ids(self, group: str) -> set[str]:
        filters = [{"Name": "group-id", "Values": [group]}]
        answer = await call("ec2", "DescribeSecurityGroupRules", Filters=filters)
        return {rule["SecurityGroupRuleId"] for rule in answer.get("SecurityGroupRules", [])}

    def _permission(self, properties: Properties) -> dict[str, Any]:
        description = (
            {"Description": properties["Description"]} if "Description" in properties else {}
        )
        permission: dict[str, Any] = {"IpProtocol": str(properties["IpProtocol"])}
        for port in ("FromPort", "ToPort"):
            if port in properties:
                permission[port] = int(properties[port])
        if "CidrIp" in properties:
            permission["IpRanges"] = [{"CidrIp": properties["CidrIp"], **description}]
        if "CidrIpv6" in properties:
            permission["Ipv6Ranges"] = [{"CidrIpv6": properties["CidrIpv6"], **description}]
        other_group = properties.get(f"{self._other}SecurityGroupId")
        if other_group:
            permission["UserIdGroupPairs"] = [{"GroupId": other_group, **description}]
        prefix_list = properties.get(f"{self._other}PrefixListId")
        if prefix_list:
            permission["PrefixListIds"] = [{"PrefixListId": prefix_list, **description}]
        return permission
