"""Who may assume an execution role: what is written into our roles, what is asked of others'."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import jsii
from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import IValidation

from ._access_policies import size_of

SERVICE_PRINCIPAL = "bedrock-agentcore.amazonaws.com"
TRUST_SID = "BedrockAgentCoreBuiltInTools"

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
LARGEST_TRUST_POLICY = 2_048
# The policy without its ARNs.
_FRAME = 270
# An operator that ends in IfExists lets a request without the key pass, and so does not count.
_ACCOUNT_OPERATORS = {"stringequals", "stringequalsignorecase", "stringlike"}
_ARN_OPERATORS = {"arnlike", "arnequals", "stringlike", "stringequals"}
_REQUIRED_CONDITIONS = {
    "aws:SourceAccount": _ACCOUNT_OPERATORS,
    "aws:SourceArn": _ARN_OPERATORS,
}


class ServiceOfInterpreters(iam.ServicePrincipal):
    """The service's principal, which assumes a role for the interpreters that are named to it."""

    def __init__(self, account: str, trusted_arns: Iterable[str]) -> None:
        """Begin with some interpreters.

        Args:
            account: The account that they are in.
            trusted_arns: Their ARNs, or patterns of ARNs.
        """
        super().__init__(SERVICE_PRINCIPAL)
        self._account = account
        self._arns = list(dict.fromkeys(trusted_arns))
        self._statement: iam.PolicyStatement | None = None

    def __bool__(self) -> bool:
        return bool(self._arns)

    def add_to_assume_role_policy(self, document: iam.PolicyDocument) -> None:
        """Add the statement that lets the service assume a role, under its documented name."""
        self._statement = iam.PolicyStatement(
            sid=TRUST_SID,
            principals=[self],
            actions=["sts:AssumeRole"],
            conditions={"StringEquals": {"aws:SourceAccount": self._account}, **self._condition()},
        )
        document.add_statements(self._statement)

    @property
    def has_room(self) -> bool:
        """Whether IAM takes a trust policy with as many as these without a raised quota."""
        arns = sum(size_of(each) + len('"",') for each in self._arns)
        return _FRAME + arns <= LARGEST_TRUST_POLICY

    def trust(self, arn: str) -> None:
        """Name one more interpreter."""
        if arn in self._arns:
            return
        self._arns.append(arn)
        if self._statement is not None:
            self._statement.add_conditions(self._condition())

    def _condition(self) -> dict[str, dict[str, str | list[str]]]:
        arns = self._arns
        return {"ArnLike": {"aws:SourceArn": arns[0] if len(arns) == 1 else arns}}


@jsii.implements(IValidation)
class UnusedRoleCheck:
    """Finds a role that trusts no interpreter, which IAM would refuse at deployment."""

    def __init__(self, path: str, service: ServiceOfInterpreters) -> None:
        self._path = path
        self._service = service

    def validate(self) -> list[str]:
        """Answer CDK before synthesis."""
        if self._service:
            return []
        return [
            f"{self._path}: no code interpreter uses this execution role, so its trust policy "
            "would be empty; pass it as execution_role, name an interpreter with "
            "trust_interpreter(arn), or choose trust_scope=TrustScope.ACCOUNT"
        ]


@jsii.implements(IValidation)
class SuppliedRoleCheck:
    """Finds a role of this app that the service cannot assume, or that it could be tricked with.

    Without both conditions another customer's resource could have the service use the role:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """

    def __init__(self, path: str, role: iam.CfnRole, trusted_arn: str) -> None:
        self._path = path
        self._role = role
        self._trusted_arn = trusted_arn

    def validate(self) -> list[str]:
        """Answer CDK before synthesis."""
        stack = Stack.of(self._role)
        document = stack.resolve(self._role.assume_role_policy_document)
        statement = required_statement(stack, self._trusted_arn)
        return [
            f"{self._path}: execution role {self._role.node.path} {problem}; let its trust "
            f"policy say: {statement}"
            for problem in trust_problems(document)
        ]


def required_statement(stack: Stack, trusted_arn: str) -> str:
    """The trust statement that a role needs, as JSON to paste."""
    statement = {
        "Sid": TRUST_SID,
        "Effect": "Allow",
        "Principal": {"Service": SERVICE_PRINCIPAL},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": _readable(stack.resolve(stack.account))},
            "ArnLike": {"aws:SourceArn": _readable(stack.resolve(trusted_arn))},
        },
    }
    return json.dumps(statement)


def trust_problems(document: Mapping[str, Any]) -> list[str]:
    """What is wrong with a resolved trust policy, each in words that follow the role's name."""
    statements = [s for s in _listed(document.get("Statement")) if _trusts_the_service(s)]
    if not statements:
        return [f"does not let {SERVICE_PRINCIPAL} assume it, so no interpreter can be created"]
    problems = []
    for statement in statements:
        missing = list(_missing_conditions(statement.get("Condition", {})))
        if missing:
            named = f" (statement {statement['Sid']!r})" if "Sid" in statement else ""
            problems.append(
                f"trusts {SERVICE_PRINCIPAL} without a condition on {' and '.join(missing)}{named}"
            )
    return problems


def _missing_conditions(conditions: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    given = {
        (operator.lower(), key.lower()) for operator, keys in conditions.items() for key in keys
    }
    for key, operators in _REQUIRED_CONDITIONS.items():
        if not any((operator, key.lower()) in given for operator in operators):
            yield key


def _trusts_the_service(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    services = _listed(principal.get("Service")) if isinstance(principal, Mapping) else []
    allowed = {str(action).lower() for action in _listed(statement.get("Action"))}
    return (
        statement.get("Effect") == "Allow"
        and (principal == "*" or SERVICE_PRINCIPAL in services)
        and not allowed.isdisjoint({"sts:assumerole", "sts:*", "*"})
    )


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _readable(resolved: Any) -> str:
    """A resolved value as people write it, with ${AWS::AccountId} for what is not known yet."""
    if isinstance(resolved, str):
        return resolved
    if "Fn::Join" in resolved:
        return "".join(_readable(part) for part in resolved["Fn::Join"][1])
    return f"${{{resolved.get('Ref', '...')}}}"
