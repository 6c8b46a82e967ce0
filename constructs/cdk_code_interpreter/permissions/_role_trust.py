"""Who may assume an execution role: what is asked of its trust policy at synthesis."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import jsii
from aws_cdk import Annotations, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct, IValidation

from .._documents.statements import SERVICE_PRINCIPAL
from .._documents.trust import (
    SOURCE_ACCOUNT,
    SOURCE_ARN,
    Verdict,
    judge_trust,
)
from .._documents.values import mapping, text
from ..checks.app_checks import Check, TemplateChecks, TemplateProblem, written
from ..checks.template import Templates
from ._trust_policy import TRUST_SID

_LOCATION = "Properties/AssumeRolePolicyDocument"


@jsii.implements(IValidation)
class ExecutionRoleCheck:
    """Finds a role of this app that the service cannot assume, or that others can.

    Without both conditions another customer's resource could have the service use the role:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """

    def __init__(
        self,
        interpreter: Construct,
        role: iam.CfnRole,
        trusted_arn: str,
        possible_arns: Sequence[str],
    ) -> None:
        """Prepare to look at a role.

        Args:
            interpreter: The interpreter.
            role: The role.
            trusted_arn: The pattern of ARNs that its trust policy should name.
            possible_arns: ARNs that the interpreter may have, in this replacement or another.
        """
        self._interpreter = interpreter
        self._role = role
        self._trusted_arn = trusted_arn
        self._possible_arns = possible_arns

    def validate(self) -> list[str]:
        """Answer CDK before synthesis, when aspects have had their say."""
        stack = Stack.of(self._role)
        account = text(stack.resolve(stack.account))
        arns = [text(stack.resolve(each)) for each in self._possible_arns]
        path, role = self._interpreter.node.path, f"execution role {self._role.node.path}"
        statement = required_statement(stack, self._trusted_arn)

        def problems_of(document: object) -> list[str]:
            found = trust_findings(document, account=account, arns=arns)
            return [
                f"{path}: {role} {error}; let its trust policy say: {statement}"
                for error in found.errors
            ]

        document = stack.resolve(self._role.assume_role_policy_document)
        for warning in trust_findings(document, account=account, arns=arns).warnings:
            Annotations.of(self._interpreter).add_warning_v2(
                "cdk-code-interpreter:executionRoleTrust", f"{role} {warning}"
            )
        TemplateChecks.add(
            self._interpreter,
            f"{path}: {self._role.node.path}",
            _check_of_template(self._role, problems_of),
        )
        return problems_of(document)


def _check_of_template(role: iam.CfnRole, problems_of: Callable[[object], list[str]]) -> Check:
    def check(templates: Templates) -> Iterator[TemplateProblem]:
        found = written(templates, role)
        if found is None:
            return
        # As it is written: what a parameter stands for is left to the launch.
        body = mapping(mapping(found.template.body.get("Resources")).get(found.logical_id))
        document = mapping(body.get("Properties")).get("AssumeRolePolicyDocument")
        for problem in problems_of(document):
            yield TemplateProblem("execution-role-trust", problem, found, _LOCATION)

    return check


def required_statement(stack: Stack, trusted_arn: str) -> str:
    """The trust statement that a role needs, as JSON to paste."""
    statement = {
        "Sid": TRUST_SID,
        "Effect": "Allow",
        "Principal": {"Service": SERVICE_PRINCIPAL},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {SOURCE_ACCOUNT: _shown(text(stack.resolve(stack.account)))},
            "ArnLike": {SOURCE_ARN: _shown(text(stack.resolve(trusted_arn)))},
        },
    }
    return json.dumps(statement)


@dataclass(frozen=True)
class TrustFindings:
    """What is wrong with a trust policy, each in words that follow the role's name."""

    errors: list[str]
    warnings: list[str]


def trust_findings(document: object, *, account: str, arns: Sequence[str]) -> TrustFindings:
    """Judge a trust policy from both sides: who is let in, and who else.

    Args:
        document: The policy, as a template holds it.
        account: The interpreter's account; a placeholder where it is not known.
        arns: ARNs that the interpreter may have; all must be let in.
    """
    verdicts = judge_trust(document, account=account, arns=arns)
    errors = [each for verdict in verdicts for each in _errors(verdict, account)]
    if not verdicts:
        errors.append(_NOT_TRUSTED)
    warnings = [each for verdict in verdicts for each in _warnings(verdict)]
    if not errors:
        for verdict in verdicts:
            (warnings if _only_warns(verdict) else errors).extend(_exclusions(verdict))
    return TrustFindings(list(dict.fromkeys(errors)), list(dict.fromkeys(warnings)))


_NOT_TRUSTED = f"does not let {SERVICE_PRINCIPAL} assume it, so no interpreter can be created"


def _errors(verdict: Verdict, account: str) -> Iterator[str]:
    if verdict.lets_everyone_in:
        yield "lets everyone assume it, or everyone but a few"
    elif not verdict.trusts_the_service:
        yield _NOT_TRUSTED
    for opening in verdict.openings:
        named = f" (statement {opening.sid!r})" if opening.sid is not None else ""
        if opening.missing:
            yield (
                f"trusts {SERVICE_PRINCIPAL} without a condition on "
                f"{' and '.join(opening.missing)}{named}"
            )
        if opening.accounts:
            yield (
                f"trusts {SERVICE_PRINCIPAL} on behalf of account "
                f"{' and '.join(opening.accounts)} as well, and not of "
                f"{_shown(account)} alone{named}"
            )


def _warnings(verdict: Verdict) -> Iterator[str]:
    if verdict.lets_everyone_in:
        return
    others = [other.name for other in verdict.others if other.gets_in is not False]
    if others:
        yield (
            f"can be assumed by {' and '.join(dict.fromkeys(others))} too, outside of any session "
            "(where the statement's conditions, if any, hold)"
        )


def _only_warns(verdict: Verdict) -> bool:
    """Return whether it is no mistake in naming the interpreter that keeps it out."""
    return verdict.denied or not any(
        key in (SOURCE_ACCOUNT, SOURCE_ARN) for key, _ in verdict.unmet
    )


def _exclusions(verdict: Verdict) -> Iterator[str]:
    if verdict.lets_the_interpreter_in is not False:
        return
    if verdict.denied:
        yield (
            f"denies {SERVICE_PRINCIPAL} what another statement allows: the service cannot "
            "assume it, and the deployment will fail"
        )
        return
    demands = " and ".join(
        f"{key} is {' or '.join(map(_shown, values))}" for key, values in verdict.unmet
    )
    if _only_warns(verdict):
        yield (
            f"trusts {SERVICE_PRINCIPAL} only where {demands}, which no request of the service "
            "meets: it cannot assume the role, and the deployment will fail"
        )
    else:
        yield (
            f"trusts {SERVICE_PRINCIPAL} only where {demands}, which "
            "excludes this interpreter, or a later replacement of it"
        )


def _shown(value: str) -> str:
    """Return a value as people write it, with ${AWS::AccountId} for what is not known yet."""
    return value.replace("<", "${").replace(">", "}")
