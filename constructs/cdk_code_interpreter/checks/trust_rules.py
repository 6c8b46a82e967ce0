"""Rules about who may assume an interpreter's execution role."""

from __future__ import annotations

from collections.abc import Iterator

from .._documents.statements import SERVICE_PRINCIPAL
from .._documents.trust import OWN_ACCOUNT, Verdict, judge_trust
from .model import CheckLevel, Controls, Hit, Proof, Rule
from .policies import (
    service_roles,
    trust_statements,
    unseen_roles,
)
from .template import Resource, Templates


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
        guard_limit="takes the service's name by AWS::URLSuffix for somebody else's",
    ),
)
