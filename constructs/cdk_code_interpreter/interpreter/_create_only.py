"""What a new name depends on: the properties that CloudFormation cannot change in place."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._cdk.construct_tree import path_of, resource_of, stack_of
from .._cdk.stacks import facts_of

if TYPE_CHECKING:
    from aws_cdk import Stack
    from aws_cdk import aws_bedrockagentcore as agentcore
    from constructs import IConstruct

# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-bedrockagentcore-codeinterpretercustom.html
_NOT_CREATE_ONLY = {"name", "tags"}
_LOGICAL_ID = "logicalId"


def create_only_properties(
    resource: agentcore.CfnCodeInterpreterCustom,
    properties: Mapping[str, Any],
    attribute: str,
    *,
    revision: int | None,
    role: IConstruct | None,
    certificates: Sequence[IConstruct],
    network: list[Any],
) -> Mapping[str, Any]:
    """Everything that is known of an interpreter when the app is synthesized, but its name.

    All of it is resolved, since a token's own text differs from run to run.

    Args:
        resource: The interpreter.
        properties: Its properties, after aspects and property injectors had their say.
        attribute: An attribute of it, from which its logical id can be read.
        revision: The user's own revision.
        role: Its role.
        certificates: The secrets that hold its certificates.
        network: What is known behind its network configuration.
    """
    stack = stack_of(resource)
    found: dict[str, Any] = stack.resolve(
        {
            "properties": {k: v for k, v in properties.items() if k not in _NOT_CREATE_ONLY},
            "revision": revision,
            "behind": [_behind_role(role), *map(_behind_secret, certificates), *network],
            _LOGICAL_ID: attribute,
        }
    )
    logical_id = found.pop(_LOGICAL_ID)["Fn::GetAtt"][0]
    if not logical_id.endswith(_path_digest(resource, stack)):
        # Another logical id is another resource, which the name must not be in the way of.
        found[_LOGICAL_ID] = logical_id
    return found


def _path_digest(resource: IConstruct, stack: Stack) -> str:
    """What a logical id ends with that CDK makes of a resource's path, as long as nobody says.

    https://docs.aws.amazon.com/cdk/v2/guide/identifiers.html#identifiers-logical-ids
    """
    below = path_of(resource).removeprefix(path_of(stack)).strip("/").split("/")
    path = "/".join(each for each in below if each != "Default")
    return hashlib.md5(path.encode(), usedforsecurity=False).hexdigest()[:8].upper()


# Of this app; a change of what is looked at here makes a new ARN.


def _behind_role(role: IConstruct | None) -> list[Any] | None:
    from aws_cdk import aws_iam as iam

    resource = None if role is None else resource_of(role)
    if role is None or not isinstance(resource, iam.CfnRole):
        return None
    properties = resource._cfn_properties
    named = [properties.get("path"), properties.get("roleName")]
    return [*facts_of(stack_of(role)).identity, *named]


def _behind_secret(secret: IConstruct) -> list[Any] | None:
    from aws_cdk import aws_secretsmanager as secretsmanager

    resource = resource_of(secret)
    if not isinstance(resource, secretsmanager.CfnSecret):
        return None
    return [*facts_of(stack_of(secret)).identity, resource.name]
