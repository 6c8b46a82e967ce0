"""What a function may do to which interpreters.

The managed policies here are replaced, not changed: their logical ids hold a digest of what they
allow. CloudFormation changes a policy before it deletes what is no longer in the template, so a
policy that loses an interpreter's ARN would deny the drain of just that interpreter. A replaced
policy is deleted in the same cleanup as the drain, and after it, because the drain depended on it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import cast

from aws_cdk import Annotations
from aws_cdk import aws_iam as iam
from constructs import Construct

from .._cdk.acknowledgments import acknowledge_wildcards
from .._cdk.construct_tree import Component, path_of, resource_of, stack_of
from .._cdk.policy_documents import holds_token, size_of, without_token_numbers
from .._cdk.synthesis_hook import when_complete

# A managed policy has at most 6,144 characters:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
LARGEST_POLICY = 6_144
_FRAME = 60
# A role holds 10 managed policies by default. Old and new ones are attached side by side during an
# update, and one more says what the function needs to run.
_MOST_POLICIES = 4
_STATEMENT = 60


class AccessPolicies(Component):
    """The managed policies of one function's role, split where one would be too long."""

    def __init__(
        self, scope: Construct, construct_id: str, *, role: iam.IRole, manager: Construct
    ) -> None:
        """Prepare for statements.

        Args:
            scope: Where to define the policies.
            construct_id: Their id in that scope.
            role: The role that they are attached to.
            manager: What holds the functions that share these patterns.
        """
        super().__init__(scope, construct_id)
        self._role = role
        self._manager = manager
        self._policies: list[_Policy] = []
        # All at once, when most is known: each addition would take several calls across jsii.
        self._is_written = False
        when_complete(self, self._write)

    def allow(self, actions: Sequence[str], resource_arn: str) -> iam.CfnManagedPolicy | None:
        """Allow actions on a resource.

        Args:
            actions: Actions with their service's prefix.
            resource_arn: ARN, or pattern of ARNs.

        Returns:
            The policy that allows it: depend on it to be deleted before it is. `None` where IAM is
            others' business (`iam.Role.customize_roles`), and none is made.
        """
        wanted = tuple(actions)
        for policy in self._policies:
            if policy.has(wanted, resource_arn):
                return policy.resource
        if not self._policies or not self._policies[-1].has_room(wanted, resource_arn):
            number = len(self._policies) + 1
            self._policies.append(_Policy(self, f"Policy{number}", self._role))
            if number == _MOST_POLICIES + 1:
                Annotations.of(self).add_warning_v2(
                    "cdk-code-interpreter:managedPolicies",
                    "so many interpreters in one stack that an update may attach more than 10 "
                    "managed policies to one role; split the stack, or have the account's quota "
                    "'Managed policies attached to an IAM role' raised to 20",
                )
        self._policies[-1].add(wanted, resource_arn)
        if self._is_written:  # an aspect defines something that needs it
            self._write()
        return self._policies[-1].resource

    def _write(self) -> None:
        self._is_written = True
        for policy in self._policies:
            acknowledge_wildcards(
                self._manager,
                policy.write(),
                "The pattern names one interpreter in all its generations: a replaced one must "
                "be reached until it is deleted.",
            )


class _Policy:
    def __init__(self, scope: Construct, construct_id: str, role: iam.IRole) -> None:
        self._policy = iam.ManagedPolicy(scope, construct_id, roles=[role])
        self.resource = cast("iam.CfnManagedPolicy | None", resource_of(self._policy))
        self._stack = stack_of(scope)
        self._statements: dict[tuple[str, ...], iam.PolicyStatement] = {}
        self._contents: dict[tuple[str, ...], list[str]] = {}
        self._unwritten: dict[tuple[str, ...], list[str]] = {}
        self._size = _FRAME
        words = re.findall(r"[A-Za-z0-9]+", f"{path_of(scope)}/{construct_id}".partition("/")[2])
        self._logical_id = "".join(words)[-180:]

    def has(self, actions: tuple[str, ...], resource_arn: str) -> bool:
        return resource_arn in self._contents.get(actions, ())

    def has_room(self, actions: tuple[str, ...], resource_arn: str) -> bool:
        return self._size + self._cost(actions, resource_arn) <= LARGEST_POLICY

    def add(self, actions: tuple[str, ...], resource_arn: str) -> None:
        self._size += self._cost(actions, resource_arn)
        self._contents.setdefault(actions, []).append(resource_arn)
        self._unwritten.setdefault(actions, []).append(resource_arn)

    def write(self) -> list[str]:
        """Write what is not in the template yet; the ARNs of that."""
        written = []
        for actions, arns in self._unwritten.items():
            written += arns
            if actions in self._statements:
                self._statements[actions].add_resources(*arns)
                continue
            statement = iam.PolicyStatement(actions=list(actions), resources=arns)
            self._policy.add_statements(statement)
            self._statements[actions] = statement
        if written:
            self._unwritten = {}
            self._rename()
        return written

    def _cost(self, actions: tuple[str, ...], resource_arn: str) -> int:
        cost = size_of(resource_arn) + len('"",')
        if actions not in self._contents:
            cost += _STATEMENT + sum(len(each) + len('"",') for each in actions)
        return cost

    def _rename(self) -> None:
        contents = sorted(
            (list(actions), sorted(self._stable(arn) for arn in arns))
            for actions, arns in self._contents.items()
        )
        digest = hashlib.sha256(json.dumps(contents).encode()).hexdigest()[:8]
        if self.resource is not None:
            self.resource.override_logical_id(f"{self._logical_id}{digest.upper()}")

    def _stable(self, arn: str) -> str:
        """The ARN in words that are the same in every run; a token's number is not."""
        known = without_token_numbers(arn)
        return json.dumps(self._stack.resolve(arn)) if holds_token(known) else known
