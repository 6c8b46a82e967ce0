"""The VPC of a private network: isolated subnets in zones that the service supports."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import cast

from aws_cdk import Aws, CfnMapping, CfnResource, Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from .._arguments.limits import Findings, is_token
from ._availability_zones import supported_zone_ids_by_region

_MOST_ZONES = 3
# Two groups of subnets in up to three zones are eight at most; a /28 is the smallest subnet.
_SUBNET_BITS = 3
_LARGEST_NETWORK, _SMALLEST_NETWORK = 16, 25


def check_vpc(findings: Findings, ip_addresses: str, max_azs: int, region: str) -> None:
    """Refuse what no VPC can be made of."""
    if not 1 <= max_azs <= _MOST_ZONES:
        findings.add(f"max_azs must be 1 to {_MOST_ZONES}, got {max_azs}; choose one of these")
    if not is_token(region) and region not in supported_zone_ids_by_region():
        findings.add(
            f"code interpreters support no availability zone of region {region!r}, supported are "
            f"{', '.join(sorted(supported_zone_ids_by_region()))}; use one of these"
        )
    try:
        mask = ipaddress.IPv4Network(ip_addresses).prefixlen
    except ValueError as error:
        findings.add(
            f"ip_addresses must be a network in CIDR notation that is known when the app is "
            f"synthesized, such as '10.0.0.0/24', got {ip_addresses!r}: {error}"
        )
        return
    if not _LARGEST_NETWORK <= mask <= _SMALLEST_NETWORK:
        findings.add(
            f"ip_addresses must be /{_LARGEST_NETWORK} to /{_SMALLEST_NETWORK}, so that every "
            f"subnet has addresses enough, got {ip_addresses}"
        )


def isolated_vpc(
    scope: Construct, *, ip_addresses: str, max_azs: int, subnet_groups: Sequence[str]
) -> ec2.Vpc:
    """A VPC without any way to the internet, whose default security group is closed.

    Args:
        scope: Where to define it.
        ip_addresses: Its addresses in CIDR notation.
        max_azs: Number of availability zones.
        subnet_groups: Names of groups of subnets, each with one in every zone.
    """
    mask = int(ip_addresses.split("/")[1]) + _SUBNET_BITS
    vpc = ec2.Vpc(
        scope,
        "Vpc",
        ip_addresses=ec2.IpAddresses.cidr(ip_addresses),
        availability_zones=list(_zones(scope, max_azs)),
        create_internet_gateway=False,
        nat_gateways=0,
        restrict_default_security_group=True,
        subnet_configuration=[
            ec2.SubnetConfiguration(
                name=name, subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=mask
            )
            for name in subnet_groups
        ],
    )
    for subnet in vpc.isolated_subnets:
        resource = cast("ec2.CfnSubnet", subnet.node.default_child)
        # A zone's name means another zone in each account; the service supports ids.
        resource.availability_zone_id = resource.availability_zone
        resource.availability_zone = None
    _explain_provider(Stack.of(scope))
    return vpc


def _zones(scope: Construct, count: int) -> Sequence[str]:
    by_region = supported_zone_ids_by_region()
    region = Stack.of(scope).region
    if not is_token(region):
        return by_region[region][:count]
    mapping = CfnMapping(
        scope,
        "Zones",
        mapping={
            region: {f"zone{number}": zone for number, zone in enumerate(zones, start=1)}
            for region, zones in by_region.items()
        },
    )
    return [mapping.find_in_map(Aws.REGION, f"zone{number + 1}") for number in range(count)]


def _explain_provider(stack: Stack) -> None:
    """Say to checkov why CDK's own function, which closes default groups, is as it is."""
    provider = stack.node.try_find_child("Custom::VpcRestrictDefaultSGCustomResourceProvider")
    handler = provider.node.try_find_child("Handler") if provider else None
    if isinstance(handler, CfnResource):
        reason = "Part of the AWS CDK; it runs when a VPC is made or deleted, and has no options"
        checks = ("CKV_AWS_115", "CKV_AWS_116", "CKV_AWS_117")
        handler.add_metadata(
            "checkov", {"skip": [{"id": check, "comment": reason} for check in checks]}
        )
