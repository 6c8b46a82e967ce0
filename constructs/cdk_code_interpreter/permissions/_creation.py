"""Permissions to create interpreters by API.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrockagentcore.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._documents.statements import SERVICE_PRINCIPAL

if TYPE_CHECKING:
    from aws_cdk import aws_iam as iam

    from ..interpreter_reference import ICodeInterpreterRef

_CREATE = "bedrock-agentcore:CreateCodeInterpreter"
_LIST = "bedrock-agentcore:ListCodeInterpreters"
_SUBNETS, _GROUPS = "bedrock-agentcore:subnets", "bedrock-agentcore:securityGroups"


@dataclass(frozen=True)
class Permission:
    """A statement to add to whatever policy a grantee has."""

    actions: Sequence[str]
    resources: Sequence[str]
    conditions: Mapping[str, Any] = field(default_factory=dict)


def creating_statements(
    interpreter: ICodeInterpreterRef, passed_roles: Sequence[iam.IRole]
) -> Iterator[Permission]:
    """Return what it takes to create interpreters like one, and to give them roles.

    Args:
        interpreter: The one whose network the others must have.
        passed_roles: The execution roles that they may have.
    """
    # Neither action knows a resource.
    yield Permission([_CREATE], ["*"], _network_conditions(interpreter))
    yield Permission([_LIST], ["*"])
    if passed_roles:
        yield Permission(
            ["iam:PassRole"],
            [role.role_arn for role in passed_roles],
            {"StringEquals": {"iam:PassedToService": SERVICE_PRINCIPAL}},
        )


def _network_conditions(interpreter: ICodeInterpreterRef) -> Mapping[str, Any]:
    subnets = [subnet.subnet_id for subnet in interpreter.subnets]
    if not subnets:
        return {}
    groups = [group.security_group_id for group in interpreter.connections.security_groups]
    return {
        "ForAllValues:StringEquals": {_SUBNETS: subnets, _GROUPS: groups},
        # ForAllValues is true where a key is absent, as it is outside of a VPC.
        "Null": {_SUBNETS: "false", _GROUPS: "false"},
    }


def iam_grant(
    grantee: iam.IGrantable,
    actions: Sequence[str],
    resources: Sequence[str],
    conditions: Mapping[str, Any] | None = None,
) -> iam.Grant:
    """Add a statement to a grantee's policy."""
    from aws_cdk import aws_iam as iam

    return iam.Grant.add_to_principal(
        grantee=grantee,
        actions=list(actions),
        resource_arns=list(resources),
        conditions={name: dict(keys) for name, keys in (conditions or {}).items()} or None,
    )
