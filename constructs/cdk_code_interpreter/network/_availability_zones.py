"""Which availability zones code interpreters can have network interfaces in.

Zone ids as of September 2026:
https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/agentcore-vpc.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._arguments.limits import is_token

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2

_THREE = (1, 2, 3)
# The beginning of a zone id names its region, so the region itself need not be known. A region
# that the page does not list is not judged.
_SUPPORTED_NUMBERS = {
    "use1": (1, 2, 4),
    "use2": _THREE,
    "usw2": _THREE,
    "apne1": (1, 2, 4),
    "apne2": _THREE,
    "aps1": _THREE,
    "apse1": _THREE,
    "apse2": _THREE,
    "apse5": _THREE,
    "apse7": _THREE,
    "cac1": (1, 2, 4),
    "euc1": _THREE,
    "euw1": _THREE,
    "euw2": _THREE,
    "euw3": _THREE,
    "eus1": _THREE,
    "eus2": _THREE,
    "eun1": _THREE,
    "sae1": _THREE,
    "usgw1": _THREE,
}
_ID_PREFIXES = {
    "us-east-1": "use1",
    "us-east-2": "use2",
    "us-west-2": "usw2",
    "ap-northeast-1": "apne1",
    "ap-northeast-2": "apne2",
    "ap-south-1": "aps1",
    "ap-southeast-1": "apse1",
    "ap-southeast-2": "apse2",
    "ap-southeast-5": "apse5",
    "ap-southeast-7": "apse7",
    "ca-central-1": "cac1",
    "eu-central-1": "euc1",
    "eu-west-1": "euw1",
    "eu-west-2": "euw2",
    "eu-west-3": "euw3",
    "eu-south-1": "eus1",
    "eu-south-2": "eus2",
    "eu-north-1": "eun1",
    "sa-east-1": "sae1",
    "us-gov-west-1": "usgw1",
}
_ZONE_ID = re.compile(r"([a-z]+\d+)-\S+")


@dataclass(frozen=True)
class UnsupportedZone:
    """A subnet in a zone that the service refuses when the interpreter is created."""

    id: str
    subnet_path: str
    supported: tuple[str, ...]


def supported_zone_ids(zone_id: str) -> tuple[str, ...]:
    """All supported ids in the region of this one; none where the region is not listed."""
    match = _ZONE_ID.fullmatch(zone_id)
    region = match[1] if match else ""
    return tuple(f"{region}-az{number}" for number in _SUPPORTED_NUMBERS.get(region, ()))


def supported_zone_ids_by_region() -> Mapping[str, tuple[str, ...]]:
    """All supported zone ids of every region that the documentation lists."""
    return {
        region: tuple(f"{prefix}-az{number}" for number in _SUPPORTED_NUMBERS[prefix])
        for region, prefix in _ID_PREFIXES.items()
    }


def unsupported_zones(
    subnets: Sequence[ec2.ISubnet], ids_by_name: Mapping[str, str]
) -> Iterator[UnsupportedZone]:
    """Find the subnets whose zone is known and not supported.

    A zone's name says nothing by itself, since each account has its own mapping to ids: an id is
    known where the subnet names it, or the caller gives the mapping.
    """
    for subnet in subnets:
        zone_id = _zone_id_of(subnet, ids_by_name)
        if zone_id is None or is_token(zone_id):
            continue
        supported = supported_zone_ids(zone_id)
        if supported and zone_id not in supported:
            yield UnsupportedZone(zone_id, subnet.node.path, supported)


def _zone_id_of(subnet: ec2.ISubnet, ids_by_name: Mapping[str, str]) -> str | None:
    from aws_cdk import aws_ec2 as ec2

    resource = subnet.node.default_child
    if isinstance(resource, ec2.CfnSubnet) and resource.availability_zone_id is not None:
        return resource.availability_zone_id
    if not ids_by_name:
        return None
    try:
        return ids_by_name.get(subnet.availability_zone)
    except RuntimeError:  # an imported subnet whose zone was not given
        return None
