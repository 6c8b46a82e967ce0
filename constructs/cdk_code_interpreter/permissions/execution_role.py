"""The role that code in a session acts with, and who may assume it.

Trust policy as the service documents it, narrowed to the interpreters that use the role:
https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/code-interpreter-resource-session-management.html
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

from aws_cdk import Annotations
from aws_cdk import aws_iam as iam
from constructs import Construct

from .._arguments.types import (
    KNOWN_TEXTS,
    MANAGED_POLICY,
    TEXT,
    check_kinds,
    list_of,
    one_of,
    wrong_kinds,
)
from .._cdk.construct_tree import path_of, remember, stack_of
from .._cdk.stacks import facts_of
from ._trust_policy import LARGEST_TRUST_POLICY, ServiceOfInterpreters, UnusedRoleCheck


class TrustScope(enum.Enum):
    """On behalf of which resources the service may assume an execution role.

    https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/code-interpreter-resource-session-management.html
    """

    INTERPRETER = "interpreter"
    """The interpreters that the role is given to, in all their generations, and no others."""

    ACCOUNT = "account"
    """Every AgentCore resource of the account in the role's region, and in those of the
    interpreters that the role is given to: the documentation's own example."""


class NoExecutionRole:
    """Says that an interpreter has no role; made by `ExecutionRole.none()`."""


class ExecutionRole(iam.Role):
    """A role that the service may assume for the interpreters that it is given to.

    Any code in a session can read this role's credentials, in every network mode
    (https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/security-credentials-management.html),
    so give it no more than the interpreter's callers may do themselves. It starts with no
    permissions at all; add them as to any role, for example ``bucket.grant_read(role)``.

    `CodeInterpreter` makes one of its own when it is given none. Make one yourself to set its
    options or to share it: each interpreter that it is given to is added to its trust policy.
    One that is given to none, and has no `trusted_arns`, fails the synthesis.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        trust_scope: TrustScope = TrustScope.INTERPRETER,
        trusted_arns: Sequence[str] = (),
        permissions_boundary: iam.IManagedPolicy | None = None,
        managed_policies: Sequence[iam.IManagedPolicy] | None = None,
        role_name: str | None = None,
        path: str | None = None,
        description: str | None = None,
    ) -> None:
        """Define the role.

        Args:
            scope: Where to define it.
            construct_id: Its id in that scope.
            trust_scope: On behalf of which resources the service may assume the role. Default:
                the interpreters that it is given to.
            trusted_arns: ARNs, or patterns with ``*``, of interpreters that the role is for,
                beside those that it is given to. Default: none.
            permissions_boundary: The most that the role can ever do. Default: no boundary, other
                than what the app applies to all roles.
            managed_policies: Attached policies. Default: none, the role may do nothing.
            role_name: Physical name. Default: CloudFormation chooses one.
            path: Path of the role, with a slash on either end. Default: ``/``.
            description: Description of the role. Default: says which interpreter it belongs to.
        """
        check_kinds(
            scope,
            construct_id,
            trust_scope=(trust_scope, one_of(TrustScope)),
            trusted_arns=(trusted_arns, KNOWN_TEXTS),
            permissions_boundary=(permissions_boundary, MANAGED_POLICY.or_none),
            managed_policies=(managed_policies, list_of(MANAGED_POLICY).or_none),
            role_name=(role_name, TEXT.or_none),
            path=(path, TEXT.or_none),
            description=(description, TEXT.or_none),
        )
        facts = facts_of(stack_of(scope))
        self._to_account = trust_scope is TrustScope.ACCOUNT
        self._service = ServiceOfInterpreters(
            facts.account, [f"{facts.arn_root}:*"] if self._to_account else trusted_arns
        )
        super().__init__(
            scope,
            construct_id,
            assumed_by=self._service,
            description=description or "Credentials of the code that runs in a code interpreter",
            permissions_boundary=permissions_boundary,
            managed_policies=managed_policies,
            role_name=role_name,
            path=path,
        )
        remember(self, scope, construct_id)
        if not self._service:
            self.node.add_validation(UnusedRoleCheck(path_of(self), self._service))

    @staticmethod
    def none() -> NoExecutionRole:
        """An interpreter without a role: code in its sessions has no AWS credentials."""
        return NoExecutionRole()

    def trust_interpreter(self, trusted_arn: str) -> None:
        """Let the service assume the role for one more interpreter.

        `CodeInterpreter` calls this for the role that it is given.

        Args:
            trusted_arn: The ARN or ARN pattern of the interpreter.

        Raises:
            ValueError: The ARN is no text.
        """
        for problem in wrong_kinds(trusted_arn=(trusted_arn, TEXT)):
            raise ValueError(f"{path_of(self)}: {problem}")
        had_room = self._service.has_room
        if self._to_account:
            # In one region at a time; where the ARN is not known yet, in the role's.
            root, known, _ = trusted_arn.partition(":code-interpreter")
            if not known:
                return
            trusted_arn = f"{root}:*"
        self._service.trust(trusted_arn)
        if had_room and not self._service.has_room:
            Annotations.of(self).add_warning_v2(
                "cdk-code-interpreter:trustPolicySize",
                "so many interpreters share this role that its trust policy may have more than "
                f"{LARGEST_TRUST_POLICY} characters, which IAM refuses unless the account's quota "
                "'Role trust policy length' was raised; use several roles, or "
                "trust_scope=TrustScope.ACCOUNT",
            )
