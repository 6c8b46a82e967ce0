"""Checks of the subnets that an interpreter is placed in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from aws_cdk import Stack

from .._arguments.limits import Findings
from ..checks.app_checks import Check, TemplateProblem, written
from ..checks.template import Resource, Templates

if TYPE_CHECKING:
    from aws_cdk import CfnResource
    from aws_cdk import aws_ec2 as ec2

_FIX = (
    "pass subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED) or "
    "PRIVATE_WITH_EGRESS"
)


def check_subnets(findings: Findings, vpc: ec2.IVpc, subnets: Sequence[ec2.ISubnet]) -> None:
    """Find subnets that are public, or another VPC's, as far as the app shows."""
    public = [subnet.node.path for subnet in subnets if _is_public(subnet)]
    if public:
        findings.add(
            f"subnets must be private or isolated, got public ones ({', '.join(public)}): an "
            f"interpreter has no public address, so it reaches nothing from there; {_FIX}"
        )
    foreign = [subnet.node.path for subnet in subnets if _is_elsewhere(subnet, vpc)]
    if foreign:
        findings.add(
            f"subnets must be those of the VPC {vpc.node.path}, got subnets of another one "
            f"({', '.join(foreign)}); pass that VPC, or subnets of this one"
        )


def _is_public(subnet: ec2.ISubnet) -> bool:
    from aws_cdk import aws_ec2 as ec2

    if isinstance(subnet, ec2.PublicSubnet):
        return True
    resource = subnet.node.default_child
    if isinstance(resource, ec2.CfnSubnet) and resource.map_public_ip_on_launch is True:
        return True
    owner = subnet.node.scope
    # Whichever VPC it is a subnet of, imported or not: its own word for it counts.
    public = getattr(owner, "public_subnets", None) or ()
    return any(each.node.path == subnet.node.path for each in public)


def _is_elsewhere(subnet: ec2.ISubnet, vpc: ec2.IVpc) -> bool:
    from aws_cdk import aws_ec2 as ec2

    owner = subnet.node.scope
    if owner is not None and all(
        isinstance(each.node.default_child, ec2.CfnVPC) for each in (owner, vpc)
    ):
        return owner.node.path != vpc.node.path
    if hasattr(type(owner), "select_subnets") or hasattr(owner, "public_subnets"):
        theirs, ours = getattr(owner, "vpc_id", None), vpc.vpc_id
        return theirs is not None and _differ(vpc, str(theirs), ours)
    resource = subnet.node.default_child
    if isinstance(resource, ec2.CfnSubnet):
        return _differ(vpc, resource.vpc_id, vpc.vpc_id)
    return False


def _differ(vpc: ec2.IVpc, one: str, other: str) -> bool:
    stack = Stack.of(vpc)
    first, second = (stack.resolve(each) for each in (one, other))
    # A literal id and a reference may be the same VPC: what is not known is let through.
    return first != second and type(first) is type(second)


def routes_to_the_internet(path: str, interpreter: CfnResource) -> Check:
    """Return a check of the written templates: is a subnet of the interpreter public after all?

    Routes can be added to a subnet at any time, and by anybody.

    Args:
        path: The interpreter's path.
        interpreter: The interpreter.
    """

    def check(templates: Templates) -> Iterator[TemplateProblem]:
        from ..checks.network_rules import public_subnets

        found = written(templates, interpreter)
        for hit in public_subnets(templates):
            if found == Resource(hit.template, hit.logical_id):
                yield TemplateProblem(
                    "public-subnet",
                    f"{path}: subnets must be private or isolated, and {hit.detail} has a route to "
                    "an internet gateway or gives its addresses out as public ones: an "
                    "interpreter has no public address, so it reaches nothing from there; choose "
                    "other subnets, or take the route out",
                    found,
                    hit.location,
                )

    return check
