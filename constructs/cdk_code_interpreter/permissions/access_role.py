"""Access to an interpreter from other accounts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_iam as iam

from .._arguments.limits import Findings, check_seconds, is_token
from .._arguments.types import DURATION, MANAGED_POLICY, TEXT, TEXTS, check_kinds, class_named

if TYPE_CHECKING:
    from constructs import Construct

    from .grants import CodeInterpreterGrants

# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
_SESSION_LIMITS = (3_600, 43_200)
_GRANTS = class_named("CodeInterpreterGrants", "an interpreter's grants, as interpreter.grants")
_ACCOUNT = re.compile(r"\d{12}")
_PRINCIPAL_ARN = re.compile(r"arn:aws(-[^:]+)?:(iam|sts)::\d{12}:(root|(role|user)/[\w+=,.@/-]+)")


class AccessRole(iam.Role):
    """A role of this account that callers of other accounts assume to use an interpreter.

    Code interpreters take no resource policy, so nobody outside the account can be granted
    anything on one directly. Who assumes this role needs to be trusted by it, to give the external
    id, and to be allowed ``sts:AssumeRole`` on it by their own account. Made by
    `grants.access_role`.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        grants: CodeInterpreterGrants,
        trusted: Sequence[str],
        external_id: str,
        max_session_duration: Duration | None = None,
        permissions_boundary: iam.IManagedPolicy | None = None,
        role_name: str | None = None,
    ) -> None:
        """Define the role.

        Args:
            scope: Where to define it.
            construct_id: Its id in that scope.
            grants: The grants of the interpreter.
            trusted: Who may assume it: account ids, or ARNs of roles and users.
            external_id: What they must give, 2 to 1224 letters, digits and ``+=,.@:/-_``. It
                keeps a third party from being talked into using the role for somebody else.
            max_session_duration: How long credentials last at most, 1 to 12
                hours. Default: 1 hour.
            permissions_boundary: The most that the role can ever do. Default: none.
            role_name: Physical name, which callers can know before. Default: CloudFormation's.

        Raises:
            ValueError: Nobody or everybody is trusted, or the external id cannot be one.
        """
        check_kinds(
            scope,
            construct_id,
            grants=(grants, _GRANTS),
            trusted=(trusted, TEXTS),
            external_id=(external_id, TEXT),
            max_session_duration=(max_session_duration, DURATION.or_none),
            permissions_boundary=(permissions_boundary, MANAGED_POLICY.or_none),
            role_name=(role_name, TEXT.or_none),
        )
        _check(scope, construct_id, trusted, external_id, max_session_duration)
        super().__init__(
            scope,
            construct_id,
            assumed_by=iam.CompositePrincipal(
                *(_principal(each) for each in trusted)
            ).with_conditions({"StringEquals": {"sts:ExternalId": external_id}}),
            description="Uses a code interpreter on behalf of another account",
            max_session_duration=max_session_duration,
            permissions_boundary=permissions_boundary,
            role_name=role_name,
        )
        # Rules for inline policies are found in many accounts.
        self.access = iam.ManagedPolicy(self, "Access", roles=[self])
        grants.use(self.access)


def _principal(trusted: str) -> iam.PrincipalBase:
    # What a token stands for is not known here. IAM takes a bare account id as well as an ARN.
    if ":" in trusted or is_token(trusted):
        return iam.ArnPrincipal(trusted)
    return iam.AccountPrincipal(trusted)


def _check(
    scope: Construct,
    construct_id: str,
    trusted: Sequence[str],
    external_id: str,
    max_session_duration: Duration | None,
) -> None:
    findings = Findings(scope, construct_id)
    if max_session_duration is not None:
        check_seconds(
            findings,
            "max_session_duration",
            max_session_duration,
            _SESSION_LIMITS,
            "a role's credentials last for 1 to 12 hours",
        )
    if not trusted:
        findings.add("trusted must name at least one account or principal, got none; name them")
    for each in trusted:
        if not (is_token(each) or _ACCOUNT.fullmatch(each) or _PRINCIPAL_ARN.fullmatch(each)):
            findings.add(
                f"trusted must be account ids of 12 digits, or ARNs of roles, users and account "
                f"roots, got {each!r}; name exactly who may assume the role"
            )
    if not is_token(external_id) and not _EXTERNAL_ID.fullmatch(external_id):
        findings.add(
            f"external_id must be 2 to 1224 letters, digits and any of + = , . @ : / - _, got "
            f"{external_id!r}; agree on one with the other account, such as a UUID"
        )
    findings.raise_if_any()
