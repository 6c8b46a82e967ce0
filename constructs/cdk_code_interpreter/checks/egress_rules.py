"""The rule about interpreters in a VPC that reach the internet all the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._documents.values import choices, each, mapping, text
from .model import CheckLevel, Controls, Hit, Proof, Rule, Unseen
from .network_rules import routes_of, unseen_subnets, vpc_configurations
from .template import Resource, Templates

SECURITY_GROUP = "AWS::EC2::SecurityGroup"
_STANDALONE = "AWS::EC2::SecurityGroupEgress"
_SUBNET = "AWS::EC2::Subnet"
_LOCATION = "Properties/NetworkConfiguration/VpcConfig/SecurityGroups"
_SHORTEST_PREFIX = 8


def _open_egress(templates: Templates) -> Iterator[Hit]:
    for interpreter, index, group in _groups(templates):
        if _is_open(templates, group) and any(
            _reaches_the_internet(templates, subnet) for subnet in _subnets(templates, interpreter)
        ):
            yield Hit(
                interpreter.template,
                interpreter.logical_id,
                f"{_LOCATION}/{index}",
                group.logical_id,
            )


def _groups(templates: Templates) -> Iterator[tuple[Resource, int, Resource]]:
    for interpreter in templates.interpreters:
        for configuration in vpc_configurations(interpreter):
            for index, value in enumerate(each(configuration.get("SecurityGroups"))):
                for group in templates.targets_of_type(interpreter.template, value, SECURITY_GROUP):
                    yield interpreter, index, group


def _subnets(templates: Templates, interpreter: Resource) -> Iterator[Resource]:
    for configuration in vpc_configurations(interpreter):
        for value in each(configuration.get("Subnets")):
            yield from templates.targets_of_type(interpreter.template, value, _SUBNET)


def _is_open(templates: Templates, group: Resource) -> bool:
    """Whether a group lets connections out to every address."""
    inline = group.properties.get("SecurityGroupEgress")
    rules: list[Mapping[str, Any]] = [mapping(rule) for rule in each(inline)]
    rules += [
        rule.properties
        for rule in templates.of_type(_STANDALONE)
        if group in templates.targets(rule.template, rule.properties.get("GroupId"))
    ]
    # A group without a rule gets one of EC2's that lets everything out:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-securitygroup.html
    return not rules or any(_is_anywhere(rule) for rule in rules)


def _is_anywhere(rule: Mapping[str, Any]) -> bool:
    addresses = [*choices(rule.get("CidrIp")), *choices(rule.get("CidrIpv6"))]
    return any(_is_wide(text(address)) for address in addresses)


def _is_wide(address: str) -> bool:
    """Return whether a range is so wide that it holds more than private networks."""
    _, slash, prefix = address.partition("/")
    wide = bool(slash) and prefix.isdigit() and int(prefix) < _SHORTEST_PREFIX
    return wide and not address.startswith(("fd", "fc"))


def _reaches_the_internet(templates: Templates, subnet: Resource) -> bool:
    return any(_leaves(templates, route) for route in routes_of(templates, subnet))


def _leaves(templates: Templates, route: Resource) -> bool:
    destinations = [
        *each(route.properties.get("DestinationCidrBlock")),
        *each(route.properties.get("DestinationIpv6CidrBlock")),
    ]
    if not any(_is_wide(text(each)) for each in destinations):
        return False
    if route.properties.get("EgressOnlyInternetGatewayId") or text(
        route.properties.get("GatewayId")
    ).startswith("igw-"):
        return True
    if templates.targets_of_type(
        route.template,
        route.properties.get("GatewayId"),
        "AWS::EC2::InternetGateway",
        "AWS::EC2::VPCGatewayAttachment",
    ):
        return True
    # A private gateway leads to other networks only.
    gateway = route.properties.get("NatGatewayId")
    nats = templates.targets_of_type(route.template, gateway, "AWS::EC2::NatGateway")
    return bool(gateway) and not (
        nats and all(text(nat.properties.get("ConnectivityType")) == "private" for nat in nats)
    )


def _closed_groups(templates: Templates) -> Iterator[Proof]:
    unseen = {found.subject for found in _unseen(templates)}
    for interpreter, _, group in _groups(templates):
        if interpreter in unseen:
            continue
        yield Proof(interpreter, group, "Properties/SecurityGroupEgress")


def _unseen(templates: Templates) -> Iterator[Unseen]:
    yield from unseen_subnets(templates)
    for interpreter in templates.interpreters:
        for configuration in vpc_configurations(interpreter):
            for value in each(configuration.get("SecurityGroups")):
                if not templates.targets_of_type(interpreter.template, value, SECURITY_GROUP):
                    reason = f"the security group {text(value)} is in none of the templates"
                    yield Unseen(interpreter, reason)


EGRESS_RULES = (
    Rule(
        name="OpenEgress",
        meaning=(
            "A code interpreter in a VPC reaches the whole internet: the security group in "
            "brackets lets out to every address, and a subnet has a route there."
        ),
        why=(
            "Code in a session can then send anywhere whatever it reads, as in PUBLIC mode, though "
            "controls that look at the mode alone pass it."
        ),
        mend=(
            "Let the group out to the addresses and prefix lists that code needs, or use subnets "
            "without a route to the internet (PrivateNetwork has none)."
        ),
        controls=Controls(nist_800_53=("AC-4", "AC-4(21)", "SC-7", "SC-7(5)")),
        level=CheckLevel.ERROR,
        check=_open_egress,
        prove=_closed_groups,
        unseen=_unseen,
        guard_limit=(
            "takes any route to a NAT or internet gateway in the template for one of the "
            "interpreter's subnets; sees groups that the interpreter refers to by Fn::GetAtt "
            "or Ref, with rules written into them"
        ),
    ),
)
