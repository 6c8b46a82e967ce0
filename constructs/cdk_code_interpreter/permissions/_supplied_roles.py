"""Who may assume an execution role that the user supplies: what is asked of its trust policy."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jsii
from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import IValidation

from ._trust_policy import SERVICE_PRINCIPAL, TRUST_SID

# An operator that ends in IfExists lets a request without the key pass, and so does not count.
_ACCOUNT_OPERATORS = {"stringequals", "stringequalsignorecase", "stringlike"}
_ARN_OPERATORS = {"arnlike", "arnequals", "stringlike", "stringequals"}
_ACCOUNT, _ARN = "aws:SourceAccount", "aws:SourceArn"
_REQUIRED_CONDITIONS = {_ACCOUNT: _ACCOUNT_OPERATORS, _ARN: _ARN_OPERATORS}
_REFERENCE = re.compile(r"\$\{[^}]*\}")
# Characters that mean nothing by themselves, one for each reference.
_FIRST_STAND_IN = 0xE000


@jsii.implements(IValidation)
class SuppliedRoleCheck:
    """Finds a role of this app that the service cannot assume, or that it could be tricked with.

    Without both conditions another customer's resource could have the service use the role:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """

    def __init__(
        self, path: str, role: iam.CfnRole, trusted_arn: str, possible_arns: Sequence[str]
    ) -> None:
        """Prepare to look at a role.

        Args:
            path: The interpreter's path.
            role: The role.
            trusted_arn: The pattern of ARNs that its trust policy should name.
            possible_arns: ARNs that the interpreter may have, in this generation or another.
        """
        self._path = path
        self._role = role
        self._trusted_arn = trusted_arn
        self._possible_arns = possible_arns

    def validate(self) -> list[str]:
        """Answer CDK before synthesis."""
        stack = Stack.of(self._role)
        document = stack.resolve(self._role.assume_role_policy_document)
        account = _readable(stack.resolve(stack.account))
        arns = [_readable(stack.resolve(each)) for each in self._possible_arns]
        statement = required_statement(stack, self._trusted_arn)
        return [
            f"{self._path}: execution role {self._role.node.path} {problem}; let its trust "
            f"policy say: {statement}"
            for problem in trust_problems(document, account=account, arns=arns)
        ]


def required_statement(stack: Stack, trusted_arn: str) -> str:
    """The trust statement that a role needs, as JSON to paste."""
    statement = {
        "Sid": TRUST_SID,
        "Effect": "Allow",
        "Principal": {"Service": SERVICE_PRINCIPAL},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {_ACCOUNT: _readable(stack.resolve(stack.account))},
            "ArnLike": {_ARN: _readable(stack.resolve(trusted_arn))},
        },
    }
    return json.dumps(statement)


def trust_problems(document: Mapping[str, Any], *, account: str, arns: Sequence[str]) -> list[str]:
    """What is wrong with a resolved trust policy, each in words that follow the role's name.

    Args:
        document: The policy.
        account: The interpreter's account.
        arns: ARNs that the interpreter may have; all must be let in.
    """
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
    if not problems:
        # One statement that lets the interpreter in is enough.
        source = {_ACCOUNT: [account], _ARN: arns}
        excluded = [list(_excluding(s.get("Condition", {}), source)) for s in statements]
        if all(excluded):
            problems.append(
                f"trusts {SERVICE_PRINCIPAL} only where {' and '.join(excluded[0])}, which "
                "excludes this interpreter, or a later generation of it"
            )
    return problems


def _missing_conditions(conditions: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    for key in _REQUIRED_CONDITIONS:
        # A lone asterisk demands nothing.
        if not any("*" not in values for _, values in _demands(conditions, key)):
            yield key


def _excluding(
    conditions: Mapping[str, Mapping[str, Any]], source: Mapping[str, Sequence[str]]
) -> Iterable[str]:
    """What a statement demands and the interpreter is not."""
    for key, possible in source.items():
        for operator, values in _demands(conditions, key):
            if not all(any(_may_be(operator, v, each) for v in values) for each in possible):
                yield f"{key} is {' or '.join(values)}"


def _demands(
    conditions: Mapping[str, Mapping[str, Any]], key: str
) -> Iterable[tuple[str, list[str]]]:
    """What a statement demands of a key: operators that let nobody pass without it."""
    for operator, keys in conditions.items():
        for given, values in keys.items():
            if given.lower() == key.lower() and operator.lower() in _REQUIRED_CONDITIONS[key]:
                yield operator.lower(), [_readable(value) for value in _listed(values)]


def _may_be(operator: str, value: str, wanted: str) -> bool:
    """Whether a condition's value admits another one, as far as can be seen.

    What a reference stands for is not known here, so it may be anything.
    """
    known: dict[str, str] = {}

    def stand_in(found: re.Match[str]) -> str:
        return known.setdefault(found[0], chr(_FIRST_STAND_IN + len(known)))

    parts, others = (_REFERENCE.sub(stand_in, each).split(":", 5) for each in (value, wanted))
    if len(parts) != len(others):  # an asterisk for several parts of an ARN
        parts, others = [":".join(parts)], [":".join(others)]
    unknown = set(known.values())
    return all(
        _matches(operator, part, other) or not unknown.isdisjoint(part + other)
        for part, other in zip(parts, others, strict=True)
    )


def _matches(operator: str, value: str, text: str) -> bool:
    # `ArnEquals` takes wildcards too:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    if operator.startswith("stringequals"):
        return value == text
    pattern = re.escape(value).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(pattern, text) is not None


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
    if not isinstance(resolved, Mapping):
        return str(resolved)
    if "Fn::Join" in resolved:
        separator, parts = resolved["Fn::Join"]
        return str(separator).join(map(_readable, parts))
    return f"${{{resolved.get('Ref', '...')}}}"
