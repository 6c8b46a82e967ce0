"""The rule about who may hand an execution role to an interpreter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from .._documents.conditions import Context, patterns_meet
from .._documents.statements import SERVICE_PRINCIPAL
from .._documents.values import mapping, text
from .model import CheckLevel, Controls, Hit, Proof, Rule
from .policies import (
    IDENTITIES,
    Statement,
    all_statements,
    attached_policies,
    boundaries,
    execution_roles,
    is_like,
    name_of,
    policy_of_aws,
    statements_by_holder,
    trust_statements,
)
from .template import Resource, Template, Templates

PASS_ROLE = "iam:PassRole"
_ACCOUNT = re.compile(r"\d{12}")
_PLACE = re.compile(r"<AWS::(AccountId|Partition|Region)>")
_ANY_REFERENCE = re.compile(r"<[^>]*>")
_PARTS_OF_AN_ARN = 6
_PARTITIONS = ("aws", "aws-cn", "aws-us-gov")
# Policies of AWS that let AgentCore be given a role, and the names of those roles.
_PASSING_POLICIES: Final[Mapping[str, str]] = {
    "AdministratorAccess": "*",
    "IAMFullAccess": "*",
    "BedrockAgentCoreFullAccess": "*BedrockAgentCore*",
}


def _pass_role(templates: Templates) -> Iterator[Hit]:
    roles = execution_roles(templates)
    if not roles:
        return
    only_limiting = boundaries(templates)
    for statement in all_statements(templates):
        if statement.allows_action(PASS_ROLE) and statement.holder not in only_limiting:
            for role in roles:
                if _passes(templates, statement, role):
                    yield statement.hit(role.logical_id)
    yield from _passed_by_policies_of_aws(templates, roles)


def _passes(templates: Templates, statement: Statement, role: Resource) -> bool:
    # What only the deployment knows may be what lets the request pass.
    open_requests = [
        request for request in _requests(role) if statement.admits(request) is not False
    ]
    return (
        bool(open_requests)
        and _may_cover(templates, statement, role)
        and not _is_denied(templates, statement, role, open_requests)
    )


def _passed_by_policies_of_aws(templates: Templates, roles: list[Resource]) -> Iterator[Hit]:
    for identity in templates.of_type(*IDENTITIES):
        for location, value in attached_policies(identity):
            pattern = _PASSING_POLICIES.get(policy_of_aws(value) or "")
            for role in roles if pattern is not None else ():
                if is_like(str(pattern), _name_pattern(role)):
                    yield Hit(identity.template, identity.logical_id, location, role.logical_id)


def _requests(role: Resource) -> Iterator[Context]:
    """The requests that hand a role to an interpreter, one for each partition."""
    account = _account_of(role) or "<AWS::AccountId>"
    for partition in _PARTITIONS:
        place = f"arn:{partition}:bedrock-agentcore:<AWS::Region>:{account}"
        yield Context(
            {
                "iam:PassedToService": SERVICE_PRINCIPAL,
                "iam:AssociatedResourceArn": f"{place}:code-interpreter-custom/<Name>",
            }
        )


def _is_denied(
    templates: Templates, statement: Statement, role: Resource, requests: list[Context]
) -> bool:
    """Whether other statements keep the holder from all that this one allows."""
    denials = [
        each
        for each in statements_by_holder(templates).get(statement.holder, ())
        if each.denies and each.is_about(PASS_ROLE) and _surely_covers(templates, each, role)
    ]
    return all(any(each.admits(request) is True for each in denials) for request in requests)


def _may_cover(templates: Templates, statement: Statement, role: Resource) -> bool:
    if "NotResource" in statement.body:
        return not _surely_covers(templates, statement, role)
    template = statement.holder.template
    for resource in statement.resources:
        if role in templates.targets(template, resource):
            return True
        written = text(resource)
        if not written.startswith(("arn:", "*")):  # another resource, or an unknown one
            continue
        # Whatever account and partition these are, the role is in them.
        written = _PLACE.sub("*", written).replace("<AWS::StackName>", _stack_of(role))
        if _arns_meet(_ANY_REFERENCE.sub("*", written), role):
            return True
    return False


def _arns_meet(written: str, role: Resource) -> bool:
    account, own = _account_of(role), f"role/{_path_and_name(role)}"
    parts = written.split(":", _PARTS_OF_AN_ARN - 1)
    if len(parts) < _PARTS_OF_AN_ARN or "*" in parts[0]:  # a wildcard stands for colons as well
        return is_like(written, f"arn:aws:iam::{account or chr(0xE000)}:{own}")
    return (
        is_like(parts[2], "iam")
        and (account is None or is_like(parts[4], account))
        and patterns_meet(parts[5], own)
    )


def _surely_covers(templates: Templates, statement: Statement, role: Resource) -> bool:
    """Whether the statement is about this role, whatever the deployment makes of it."""
    negated = "NotResource" in statement.body
    named = statement.body.get("NotResource" if negated else "Resource")
    template = statement.holder.template
    for resource in named if isinstance(named, list) else [named]:
        if _refers_to(templates, template, resource, role):
            return True
        written = _PLACE.sub("<>", text(resource))
        account = _account_of(role) or "<>"
        name = _path_and_name(role).replace("*", "\ue000")
        for place in {f"arn:{p}:iam::{a}" for p in ("aws", "<>") for a in (account, "<>")}:
            if is_like(written, f"{place}:role/{name}"):
                return True
    return False


def _refers_to(templates: Templates, template: Template, resource: object, role: Resource) -> bool:
    is_reference = isinstance(resource, dict) and "Fn::If" not in resource
    return is_reference and role in templates.targets(template, resource)


def _account_of(role: Resource) -> str | None:
    """The account of a role, as the assembly or the role's trust says it."""
    if role.template.account:
        return role.template.account
    for statement in trust_statements(role):
        for operator, keys in mapping(statement.body.get("Condition")).items():
            for key, value in mapping(keys).items():
                literal = text(value)
                if (
                    operator == "StringEquals"
                    and key.lower() == "aws:sourceaccount"
                    and _ACCOUNT.fullmatch(literal)
                ):
                    return literal
    return None


def _stack_of(role: Resource) -> str:
    return role.template.stack_name or "*"


def _name_pattern(role: Resource) -> str:
    """What the role's name may be: CloudFormation's begins with the stack and the logical id."""
    name = name_of(role)
    if name is None:
        return f"{_stack_of(role)}-*"
    return _ANY_REFERENCE.sub("*", name)


def _path_and_name(role: Resource) -> str:
    path = _ANY_REFERENCE.sub("*", text(role.properties.get("Path"))).strip("/")
    return f"{path}/{_name_pattern(role)}" if path else _name_pattern(role)


def _passing(templates: Templates) -> Iterator[Proof]:
    if execution_roles(templates):
        for statement in all_statements(templates):
            if statement.allows_action(PASS_ROLE):
                yield Proof(statement.holder, statement.holder, statement.location)


PASS_ROLE_RULES = (
    Rule(
        name="PassRole",
        meaning="A policy lets its holder pass the execution role named in brackets to AgentCore.",
        why=(
            "Who may pass the role and create an interpreter runs code with the role's "
            "permissions, whatever their own are: a known path of privilege escalation."
        ),
        mend=(
            "Remove iam:PassRole, name other roles as its resource, or demand another "
            "iam:PassedToService. Acknowledge it where this is the deployment role."
        ),
        controls=Controls(nist_800_53=("AC-3", "AC-6", "AC-6(1)", "AC-6(5)")),
        level=CheckLevel.ERROR,
        check=_pass_role,
        prove=_passing,
        guard_limit=(
            "sees roles of the same template that are named by Fn::GetAtt, and `*`; neither "
            "NotAction nor other operators than StringEquals, StringEqualsIfExists and StringLike"
        ),
    ),
)
