"""Rules about who may become, or hand out, an interpreter's execution role."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .._documents.trust import OWN_ACCOUNT, Verdict, judge_trust
from .._documents.values import text
from .model import CheckLevel, Controls, Hit, Proof, Rule
from .policies import (
    SERVICE_PRINCIPAL,
    Statement,
    all_statements,
    execution_roles,
    is_like,
    name_of,
    service_roles,
    trust_statements,
    unseen_roles,
)
from .template import Resource, Templates

_PLACE = re.compile(r"<AWS::(AccountId|Partition|Region)>")


def _unconditioned(templates: Templates) -> Iterator[Hit]:
    for role, verdict in _verdicts(templates):
        for opening in verdict.openings:
            for detail in (*opening.missing, *opening.accounts):
                yield _hit(role, opening.number, detail)


def _verdicts(templates: Templates) -> Iterator[tuple[Resource, Verdict]]:
    for role in service_roles(templates):
        document = role.properties.get("AssumeRolePolicyDocument")
        account = role.template.account or OWN_ACCOUNT
        for verdict in judge_trust(document, account=account, arns=()):
            yield role, verdict


def _hit(role: Resource, number: int, detail: str) -> Hit:
    location = f"Properties/AssumeRolePolicyDocument/Statement/{number}"
    return Hit(role.template, role.logical_id, location, detail)


def _trusts(templates: Templates) -> Iterator[Proof]:
    for role in service_roles(templates):
        for statement in trust_statements(role):
            yield Proof(role, role, statement.location)


def _other_principals(templates: Templates) -> Iterator[Hit]:
    for role, verdict in _verdicts(templates):
        for other in verdict.others:
            yield _hit(role, other.number, other.name)


def _pass_role(templates: Templates) -> Iterator[Hit]:
    roles = execution_roles(templates)
    for statement in all_statements(templates):
        # The key is there in every request, so what is demanded if it exists is demanded.
        to_service = statement.admits("iam:PassedToService", SERVICE_PRINCIPAL)
        if to_service and statement.allows_action("iam:PassRole"):
            for role in roles:
                if any(
                    _covers(templates, statement, resource, role)
                    for resource in statement.resources
                ):
                    yield statement.hit(role.logical_id)


def _passing(templates: Templates) -> Iterator[Proof]:
    if execution_roles(templates):
        for statement in all_statements(templates):
            if statement.allows_action("iam:PassRole"):
                yield Proof(statement.holder, statement.holder, statement.location)


def _covers(templates: Templates, statement: Statement, resource: object, role: Resource) -> bool:
    if role in templates.targets(statement.holder.template, resource):
        return True
    # Whatever account and partition these are, the role is in them.
    written = _PLACE.sub("*", text(resource))
    if is_like(written, "arn:aws:iam::111122223333:role/any"):
        return True
    _, found, pattern = written.partition(":role/")
    name = name_of(role) or "<AWS::StackName>-generated"
    return bool(found) and is_like(pattern.rpartition("/")[2], name)


TRUST_RULES = (
    Rule(
        name="TrustConditions",
        meaning=(
            "A role trusts AgentCore without demanding aws:SourceAccount or aws:SourceArn, or on "
            "behalf of another account; the key or the account stands in brackets."
        ),
        why=(
            "Without both conditions the service can be made to assume the role for a resource of "
            "somebody else (the confused deputy)."
        ),
        mend=(
            "Add StringEquals aws:SourceAccount with your account and ArnLike aws:SourceArn with "
            "the interpreter's ARN, or let ExecutionRole write the trust policy."
        ),
        controls=Controls(nist_800_53=("AC-3", "AC-6")),
        level=CheckLevel.ERROR,
        check=_unconditioned,
        prove=_trusts,
        unseen=unseen_roles,
        guard_limit=(
            "sees the operators StringEquals, StringLike, ArnLike and ArnEquals only, knows no "
            "account, and takes a wildcard for a condition unless it stands alone"
        ),
    ),
    Rule(
        name="TrustOtherPrincipal",
        meaning="A role of a code interpreter can be assumed by somebody else; named in brackets.",
        why=(
            "Permissions that were meant for code in a sandbox are then used outside it, and "
            "records no longer tell which of them acted."
        ),
        mend=f"Give the interpreter a role of its own that trusts {SERVICE_PRINCIPAL} alone.",
        controls=Controls(nist_800_53=("AC-2", "AC-3", "AC-6")),
        level=CheckLevel.ERROR,
        check=_other_principals,
        prove=_trusts,
        unseen=unseen_roles,
    ),
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
