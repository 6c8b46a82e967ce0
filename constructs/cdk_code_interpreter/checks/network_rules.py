"""Rules about where the code of a session can reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._documents.values import choices, each, mapping, may_be_true, text
from .model import CheckLevel, Controls, Hit, Proof, Rule, Unseen
from .template import Resource, Templates

_NETWORK_CONTROLS = Controls(
    nist_800_53=("AC-4", "AC-4(21)", "SC-7", "SC-7(5)"),
    config_rules=("bedrockagentcore-codeinterpreter-networkmode-check",),
    security_hub=("BedrockAgentCore.7",),
)
_LOCATION = "Properties/NetworkConfiguration"
_MODE_IN_GUARD = (
    "objects to every mode that is not written out: by a parameter, mapping or condition"
)


def _possible_modes(interpreter: Resource) -> set[str]:
    """Every mode that conditions, parameters and mappings let an interpreter have."""
    # The resource type's schema gives SANDBOX where the mode is left out.
    return {
        text(mode) or "SANDBOX"
        for configuration in _configurations(interpreter)
        for mode in choices(configuration.get("NetworkMode"))
    }


def _configurations(interpreter: Resource) -> Iterator[Mapping[str, Any]]:
    return map(mapping, choices(interpreter.properties.get("NetworkConfiguration")))


def _in_mode(templates: Templates, mode: str) -> Iterator[Hit]:
    for interpreter in templates.interpreters:
        if mode in _possible_modes(interpreter):
            yield Hit(interpreter.template, interpreter.logical_id, f"{_LOCATION}/NetworkMode")


def _modes(templates: Templates, *allowed: str) -> Iterator[Proof]:
    for interpreter in templates.interpreters:
        if _possible_modes(interpreter) <= set(allowed):
            yield Proof(interpreter, interpreter, f"{_LOCATION}/NetworkMode")


def _subnets(templates: Templates) -> Iterator[Proof]:
    for interpreter in templates.interpreters:
        if "VPC" in _possible_modes(interpreter) and not _unseen_of(templates, interpreter):
            yield Proof(interpreter, interpreter, f"{_LOCATION}/VpcConfig/Subnets")


def unseen_subnets(templates: Templates) -> Iterator[Unseen]:
    """The interpreters in a VPC whose subnets are not all in the templates."""
    for interpreter in templates.interpreters:
        if "VPC" in _possible_modes(interpreter):
            for subnet in _unseen_of(templates, interpreter):
                yield Unseen(interpreter, f"the subnet {subnet} is in none of the templates")


def _unseen_of(templates: Templates, interpreter: Resource) -> list[str]:
    """Return the subnets of an interpreter that the templates do not define."""
    found = [
        text(value)
        for value in _subnets_of(interpreter)
        if not templates.targets_of_type(interpreter.template, value, "AWS::EC2::Subnet")
    ]
    return found or ([] if any(_subnets_of(interpreter)) else ["(none is named)"])


def _subnets_of(interpreter: Resource) -> Iterator[object]:
    for configuration in vpc_configurations(interpreter):
        yield from each(configuration.get("Subnets"))


def vpc_configurations(interpreter: Resource) -> Iterator[Mapping[str, Any]]:
    """Every VPC configuration that conditions let an interpreter have."""
    for configuration in _configurations(interpreter):
        yield from map(mapping, choices(configuration.get("VpcConfig")))


def public_subnets(templates: Templates) -> Iterator[Hit]:
    """Return the interpreters in public subnets; the detail names the subnet."""
    for interpreter in templates.interpreters:
        for index, value in enumerate(_subnets_of(interpreter)):
            for subnet in templates.targets_of_type(
                interpreter.template, value, "AWS::EC2::Subnet"
            ):
                if _is_public(templates, subnet):
                    location = f"{_LOCATION}/VpcConfig/Subnets/{index}"
                    detail = subnet.logical_id
                    yield Hit(interpreter.template, interpreter.logical_id, location, detail)


def _is_public(templates: Templates, subnet: Resource) -> bool:
    if may_be_true(subnet.properties.get("MapPublicIpOnLaunch")):
        return True
    return any(_leads_to_the_internet(templates, route) for route in routes_of(templates, subnet))


def routes_of(templates: Templates, subnet: Resource) -> Iterator[Resource]:
    """The routes of a subnet's route tables, as far as the templates show them."""
    tables = {
        table
        for association in templates.of_type("AWS::EC2::SubnetRouteTableAssociation")
        if subnet in templates.targets(association.template, association.properties.get("SubnetId"))
        for table in templates.targets_of_type(
            association.template, association.properties.get("RouteTableId"), "AWS::EC2::RouteTable"
        )
    }
    for route in templates.of_type("AWS::EC2::Route"):
        if tables & templates.targets(route.template, route.properties.get("RouteTableId")):
            yield route


def _leads_to_the_internet(templates: Templates, route: Resource) -> bool:
    gateway = route.properties.get("GatewayId")
    return text(gateway).startswith("igw-") or bool(
        templates.targets_of_type(
            route.template, gateway, "AWS::EC2::InternetGateway", "AWS::EC2::VPCGatewayAttachment"
        )
    )


NETWORK_RULES = (
    Rule(
        name="PublicNetwork",
        meaning="The code interpreter runs in PUBLIC network mode.",
        why=(
            "Code in a session, which a model may have written, reaches the whole internet: what "
            "it reads it can send anywhere, the execution role's credentials included."
        ),
        mend="Use VPC mode with private subnets, or SANDBOX where S3 is all that code needs.",
        controls=_NETWORK_CONTROLS,
        level=CheckLevel.ERROR,
        check=lambda templates: _in_mode(templates, "PUBLIC"),
        prove=lambda templates: _modes(templates, "VPC", "SANDBOX"),
        guard_limit=_MODE_IN_GUARD,
    ),
    Rule(
        name="SandboxNetwork",
        meaning="The code interpreter runs in SANDBOX network mode.",
        why=(
            "Sandbox mode closes the internet but leaves Amazon S3 open, buckets of other accounts "
            "too, and nothing restricts which. The AWS Config rule and the Security Hub control "
            "for code interpreters pass VPC mode only."
        ),
        mend=(
            "Use VPC mode with an S3 gateway endpoint whose policy names the allowed buckets "
            "(PrivateNetwork makes one), or acknowledge the finding with the reason why S3 may "
            "stay open."
        ),
        controls=_NETWORK_CONTROLS,
        level=CheckLevel.WARNING,
        check=lambda templates: _in_mode(templates, "SANDBOX"),
        prove=lambda templates: _modes(templates, "VPC"),
        # The AWS Config rule looks at the mode, and at nothing else.
        decides=("BedrockAgentCore.7", "bedrockagentcore-codeinterpreter-networkmode-check"),
        guard_limit=_MODE_IN_GUARD,
    ),
    Rule(
        name="PublicSubnet",
        meaning="The code interpreter is placed in a public subnet.",
        why=(
            "The service's network interfaces get no public address, so a public subnet gives no "
            "internet access; it only puts the interfaces where routes and neighbors are public."
        ),
        mend="Use isolated subnets, or private ones with a NAT gateway where code needs it.",
        controls=Controls(
            nist_800_53=("AC-4", "SC-7", "SC-7(3)"),
            config_rules=("subnet-auto-assign-public-ip-disabled",),
            security_hub=("EC2.15",),
        ),
        level=CheckLevel.ERROR,
        check=public_subnets,
        prove=_subnets,
        unseen=unseen_subnets,
        guard_limit=(
            "sees MapPublicIpOnLaunch of subnets in the same template; a route to an internet "
            "gateway is found by the pack only"
        ),
    ),
)
