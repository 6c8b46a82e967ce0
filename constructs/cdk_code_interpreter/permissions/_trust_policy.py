"""Who may assume the execution roles that are made here."""

from __future__ import annotations

from collections.abc import Iterable

import jsii
from aws_cdk import aws_iam as iam
from constructs import IValidation

from .._cdk.policy_documents import size_of, without_token_numbers
from .._documents.statements import SERVICE_PRINCIPAL

TRUST_SID = "BedrockAgentCoreBuiltInTools"

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
LARGEST_TRUST_POLICY = 2_048
# The policy without its ARNs.
_FRAME = 270


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
        if without_token_numbers(arn) in map(without_token_numbers, self._arns):
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
