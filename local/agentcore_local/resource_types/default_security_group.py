"""`Custom::VpcRestrictDefaultSG`: the CDK's way to take the rules from a default security group.

Its function is written for Node with the AWS SDK, which local functions do not have; what it does
is done here instead.
https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_ec2-readme.html#restrict-usage-of-the-vpc-default-security-group
"""

from __future__ import annotations

import contextlib
from typing import Any

from agentcore_local.cloudformation.events import ResourceAddress
from agentcore_local.cloudformation.resource_kinds import Existing, Properties, Provisioned
from agentcore_local.resource_types.service_calls import CallFailed, call

TYPE = "Custom::VpcRestrictDefaultSG"


class DefaultSecurityGroup:
    """Takes the default rules away while it is there, and puts them back at the end."""

    async def create(self, address: ResourceAddress, properties: Properties) -> Provisioned:
        """Take the rules away."""
        group = properties["DefaultSecurityGroupId"]
        for direction in ("Ingress", "Egress"):
            # As in the CDK's function, a group without these rules is as wanted.
            with contextlib.suppress(CallFailed):
                await _change(f"RevokeSecurityGroup{direction}", group, direction, properties)
        return Provisioned(physical_id=f"{address.logical_id}-{group}", attributes={})

    async def update(
        self, address: ResourceAddress, existing: Existing, properties: Properties
    ) -> Provisioned:
        """Take the rules of another group away; CloudFormation then deletes the old resource."""
        return await self.create(address, properties)

    async def delete(
        self, address: ResourceAddress, physical_id: str, properties: Properties
    ) -> None:
        """Put the rules back."""
        group = properties["DefaultSecurityGroupId"]
        for direction in ("Ingress", "Egress"):
            with contextlib.suppress(CallFailed):
                await _change(f"AuthorizeSecurityGroup{direction}", group, direction, properties)


async def _change(operation: str, group: str, direction: str, properties: Properties) -> None:
    everything: dict[str, Any] = {"IpProtocol": "-1"}
    if direction == "Ingress":
        pair = {"GroupId": group, "UserId": properties["Account"]}
        everything["UserIdGroupPairs"] = [pair]
    else:
        everything["IpRanges"] = [{"CidrIp": "0.0.0.0/0"}]
    await call("ec2", operation, GroupId=group, IpPermissions=[everything])
