"""Keeps an execution role's credentials from being used elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsii
from aws_cdk import aws_iam as iam
from constructs import Construct, IValidation

from .._arguments.limits import Findings, known_to_differ
from .._arguments.types import VPC, check_kinds, with_member
from .._cdk.construct_tree import stack_of
from .._cdk.stacks import facts_of
from ._role_users import users_of

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2

_ROLE = with_member("role_arn", "an execution role, as interpreter.execution_role")


class CredentialPerimeter(Construct):
    """Denies everything to a role outside the VPC endpoints of one VPC.

    Any code in a session can read the execution role's credentials, in every network mode, and so
    whoever gets hold of them could use them from anywhere, for about an hour
    (https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/security-credentials-management.html).
    With this they are of no use there. Calls that AWS services make on the role's behalf pass
    (``aws:ViaAWSService``).

    Only for interpreters in VPC mode whose every service has an endpoint in the VPC: calls that
    reach AWS another way, through a NAT gateway for example, have no ``aws:SourceVpc`` and are
    denied. It does not keep code from misusing the credentials inside its session.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, role: iam.IRole, vpc: ec2.IVpc
    ) -> None:
        """Define the policy.

        Args:
            scope: Where to define it.
            construct_id: Its id in that scope.
            role: The execution role, which takes one more managed policy.
            vpc: Where its credentials may be used.

        Raises:
            ValueError: There is no role, or no VPC, or the role is another account's. At synthesis
                also where an interpreter with that role runs outside a VPC.
        """
        check_kinds(scope, construct_id, role=(role, _ROLE), vpc=(vpc, VPC))
        findings = Findings(scope, construct_id)
        theirs, ours = role.env.account, facts_of(stack_of(scope)).account
        if known_to_differ(theirs, ours):
            findings.add(
                f"the role is in account {theirs}, this stack in {ours}, and a policy is attached "
                "to roles of its own account only; define this in a stack of the role's account"
            )
        findings.raise_if_any()
        super().__init__(scope, construct_id)
        self.node.add_validation(_InVpcCheck(self.node.path, role))
        self.policy = iam.ManagedPolicy(
            self,
            "Policy",
            description="Denies everything outside the endpoints of a VPC",
            roles=[role],
            statements=[
                iam.PolicyStatement(
                    sid="OutsideTheVpc",
                    effect=iam.Effect.DENY,
                    actions=["*"],
                    resources=["*"],
                    conditions={
                        # A request that came no endpoint's way has no such key, and differs too.
                        "StringNotEquals": {"aws:SourceVpc": vpc.vpc_id},
                        "BoolIfExists": {"aws:ViaAWSService": "false"},
                    },
                )
            ],
        )


@jsii.implements(IValidation)
class _InVpcCheck:
    """Finds interpreters for which the perimeter would deny everything."""

    def __init__(self, path: str, role: iam.IRole) -> None:
        self._path = path
        self._role = role

    def validate(self) -> list[str]:
        """Answer CDK before synthesis."""
        outside = [path for path, in_vpc in users_of(self._role).items() if not in_vpc]
        if not outside:
            return []
        return [
            f"{self._path}: the role is used by {', '.join(outside)}, outside of a VPC, where this "
            "perimeter denies every call; give that interpreter network=NetworkAccess.vpc(vpc), or "
            "leave the perimeter out"
        ]
