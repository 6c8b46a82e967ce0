"""What a new name depends on: the properties that CloudFormation cannot change in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._places import resource_of, stack_of
from ._stacks import facts_of

if TYPE_CHECKING:
    from aws_cdk import aws_bedrockagentcore as agentcore
    from constructs import IConstruct

# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-bedrockagentcore-codeinterpretercustom.html
_NOT_CREATE_ONLY = {"name", "tags"}


def create_only_properties(
    resource: agentcore.CfnCodeInterpreterCustom,
    *,
    revision: int | None,
    referred_to: Sequence[IConstruct | None],
    network: list[Any],
) -> Mapping[str, Any]:
    """Everything that is known of an interpreter when the app is synthesised, but its name.

    Args:
        resource: The interpreter, after aspects and property injectors had their say.
        revision: The user's own revision.
        referred_to: Its role and its certificates.
        network: What is known behind its network configuration.
    """
    # Of single properties the getters cannot give a token in place of a structure.
    properties = resource._cfn_properties
    return {
        "properties": {k: v for k, v in properties.items() if k not in _NOT_CREATE_ONLY},
        "revision": revision,
        "behind": [*(_behind(construct) for construct in referred_to), *network],
    }


def _behind(referred_to: IConstruct | None) -> list[Any] | None:
    """Create-only properties of a role or a secret of this app: a change makes a new ARN."""
    if referred_to is None:
        return None
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_secretsmanager as secretsmanager

    resource = resource_of(referred_to)
    if isinstance(resource, iam.CfnRole):
        properties = resource._cfn_properties
        named = [properties.get("path"), properties.get("roleName")]
        return [*facts_of(stack_of(referred_to)).identity, *named]
    if isinstance(resource, secretsmanager.CfnSecret):
        return [*facts_of(stack_of(referred_to)).identity, resource.name]
    return None
