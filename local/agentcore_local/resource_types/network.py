"""`AWS::EC2::FlowLog`, `AWS::EC2::EIP` and `AWS::EC2::NatGateway`."""

from __future__ import annotations

from typing import Any

from agentcore_local.cloudformation.events import ResourceAddress
from agentcore_local.cloudformation.resource_kinds import (
    Existing,
    Properties,
    Provisioned,
    ResourceFailed,
)
from agentcore_local.resource_types.api_types import ApiType, picked
from agentcore_local.resource_types.schema import TypeSchema
from agentcore_local.resource_types.service_calls import call


class _TaggedEc2Type(ApiType):
    """A type of EC2 of which only the tags change in place."""

    tag_type: str

    async def change(
        self, address: ResourceAddress, existing: Existing, properties: Properties
    ) -> Provisioned:
        """Change the tags."""
        resource = self.taggable(existing)
        old = {tag["Key"] for tag in existing.properties.get("Tags") or []}
        new = properties.get("Tags") or []
        gone = sorted(old - {tag["Key"] for tag in new})
        if gone:
            tags = [{"Key": key} for key in gone]
            await call("ec2", "DeleteTags", Resources=[resource], Tags=tags)
        if new:
            await call("ec2", "CreateTags", Resources=[resource], Tags=new)
        return Provisioned(physical_id=existing.physical_id, attributes=existing.attributes)

    def taggable(self, existing: Existing) -> str:
        """The id that tags are put on."""
        return existing.physical_id

    def tag_specifications(self, properties: Properties) -> dict[str, Any]:
        """The tags as an EC2 operation that makes something takes them."""
        tags = properties.get("Tags")
        if not tags:
            return {}
        return {"TagSpecifications": [{"ResourceType": self.tag_type, "Tags": tags}]}


class FlowLog(_TaggedEc2Type):
    """Flow logs of a VPC, a subnet or a network interface."""

    tag_type = "vpc-flow-log"
    schema = TypeSchema(
        name="AWS::EC2::FlowLog",
        required=("ResourceId", "ResourceType"),
        create_only=(
            "DeliverCrossAccountRole",
            "DeliverLogsPermissionArn",
            "DestinationOptions",
            "LogDestination",
            "LogDestinationType",
            "LogFormat",
            "LogGroupName",
            "MaxAggregationInterval",
            "ResourceId",
            "ResourceType",
            "TagFieldSpecifications",
            "TrafficType",
        ),
        updatable=("Tags",),
        tags=("Tags", "list"),
    )

    async def make(self, address: ResourceAddress, properties: Properties) -> Provisioned:
        """Start the flow log."""
        destination_type = properties.get("LogDestinationType", "cloud-watch-logs")
        if destination_type == "cloud-watch-logs" and "DeliverLogsPermissionArn" not in properties:
            raise ResourceFailed(
                "DeliverLogsPermissionArn can't be empty if LogDestinationType is "
                "cloud-watch-logs (Service: Ec2, Status Code: 400, Error: InvalidParameter)"
            )
        answer = await call(
            "ec2",
            "CreateFlowLogs",
            ResourceIds=[properties["ResourceId"]],
            **picked(
                properties,
                "DeliverLogsPermissionArn",
                "LogDestination",
                "LogDestinationType",
                "LogFormat",
                "LogGroupName",
                "ResourceType",
                "TrafficType",
            ),
            **self.tag_specifications(properties),
        )
        identifier = answer["FlowLogIds"][0]
        return Provisioned(physical_id=identifier, attributes={"Id": identifier})

    async def remove(self, physical_id: str, properties: Properties) -> None:
        """End the flow log."""
        await call("ec2", "DeleteFlowLogs", FlowLogIds=[physical_id])


class ElasticIp(_TaggedEc2Type):
    """A public address."""

    tag_type = "elastic-ip"
    schema = TypeSchema(
        name="AWS::EC2::EIP",
        create_only=("Address", "IpamPoolId", "NetworkBorderGroup", "TransferAddress"),
        updatable=("Domain", "InstanceId", "PublicIpv4Pool", "Tags"),
        tags=("Tags", "list"),
    )

    async def make(self, address: ResourceAddress, properties: Properties) -> Provisioned:
        """Allocate an address; `Ref` is the address itself."""
        answer = await call(
            "ec2", "AllocateAddress", Domain="vpc", **self.tag_specifications(properties)
        )
        return Provisioned(
            physical_id=answer["PublicIp"],
            attributes={"PublicIp": answer["PublicIp"], "AllocationId": answer["AllocationId"]},
        )

    def taggable(self, existing: Existing) -> str:
        """Addresses are tagged by their allocation."""
        return str(existing.attributes["AllocationId"])

    async def remove(self, physical_id: str, properties: Properties) -> None:
        """Release the address."""
        answer = await call("ec2", "DescribeAddresses")
        for found in answer.get("Addresses", []):
            if found.get("PublicIp") == physical_id:
                await call("ec2", "ReleaseAddress", AllocationId=found["AllocationId"])


class NatGateway(_TaggedEc2Type):
    """A NAT gateway."""

    tag_type = "natgateway"
    schema = TypeSchema(
        name="AWS::EC2::NatGateway",
        create_only=(
            "AllocationId",
            "AvailabilityMode",
            "ConnectivityType",
            "PrivateIpAddress",
            "SubnetId",
            "VpcId",
        ),
        updatable=(
            "AvailabilityZoneAddresses",
            "MaxDrainDurationSeconds",
            "SecondaryAllocationIds",
            "SecondaryPrivateIpAddressCount",
            "SecondaryPrivateIpAddresses",
            "Tags",
        ),
        tags=("Tags", "list"),
    )

    async def make(self, address: ResourceAddress, properties: Properties) -> Provisioned:
        """Create the gateway."""
        answer = await call(
            "ec2",
            "CreateNatGateway",
            **picked(properties, "AllocationId", "ConnectivityType", "SubnetId"),
            **self.tag_specifications(properties),
        )
        identifier = answer["NatGateway"]["NatGatewayId"]
        return Provisioned(physical_id=identifier, attributes={"NatGatewayId": identifier})

    async def remove(self, physical_id: str, properties: Properties) -> None:
        """Delete the gateway."""
        await call("ec2", "DeleteNatGateway", NatGatewayId=physical_id)
