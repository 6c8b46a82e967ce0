"""The facts of a code interpreter, without anything that is made from them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import Duration, Stack
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_iam as iam
    from constructs import Node


OWNER_TAG = "cdk-code-interpreter:stack"
"""The tag whose value, the stack's id, proves which stack an interpreter belongs to."""


class ICodeInterpreterRef(ABC):
    """What identifies a code interpreter: id, ARN, account, Region, name, role.

    Grants, metrics and exports are made from this, and `ICodeInterpreter` adds them to it.

    https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/code-interpreter-tool.html
    """

    @property
    @abstractmethod
    def node(self) -> Node:
        """The place in the construct tree; `node.path` is what error texts name."""

    @property
    @abstractmethod
    def stack(self) -> Stack:
        """The stack that the interpreter, or its import, is defined in."""

    @property
    @abstractmethod
    def account(self) -> str:
        """The account whose sessions and metrics these are, not always the stack's (imports)."""

    @property
    @abstractmethod
    def region(self) -> str:
        """The interpreter's own region, not always the stack's (imports)."""

    @property
    @abstractmethod
    def code_interpreter_id(self) -> str:
        """What callers pass as ``codeInterpreterIdentifier``.

        Where the interpreter has a drain, this is the drain's answer: whoever uses it is
        deleted before the drain runs, so no agent starts sessions behind it.
        """

    @property
    @abstractmethod
    def code_interpreter_arn(self) -> str:
        """The ARN, from the drain's answer where there is a drain (see the id)."""

    @property
    def undrained_code_interpreter_id(self) -> str:
        """The id as CloudFormation knows it, without waiting for the drain.

        For what the drain itself needs; everything else uses `code_interpreter_id`.
        """
        return self.code_interpreter_id

    @property
    def undrained_code_interpreter_arn(self) -> str:
        """The ARN as CloudFormation knows it, without waiting for the drain."""
        return self.code_interpreter_arn

    @property
    @abstractmethod
    def prefix_arn(self) -> str:
        """The ARN pattern of this interpreter in every generation, and of nothing else.

        CloudFormation updates policies in place before it deletes a replaced interpreter, so
        policies that must reach the old one too name this pattern. For an import it is the ARN.
        """

    @property
    @abstractmethod
    def code_interpreter_name(self) -> str | None:
        """The name; `None` where it cannot be known (an import by an ARN that is a token)."""

    @property
    @abstractmethod
    def session_timeout(self) -> Duration:
        """How long a session should live; callers find it, in seconds, in `environment`.

        The service has no such setting on the interpreter: each caller passes it when it starts
        a session.
        """

    @property
    @abstractmethod
    def execution_role(self) -> iam.IRole | None:
        """The role whose credentials code in a session has; `None`: no role, or not known."""

    @property
    @abstractmethod
    def connections(self) -> ec2.Connections:
        """The security groups of an interpreter in a VPC.

        Raises:
            ValueError: The interpreter is not in a VPC, or its groups are not known.
        """

    @property
    def subnets(self) -> Sequence[ec2.ISubnet]:
        """The subnets of an interpreter in a VPC; none: it is in none, or they are not known."""
        return ()

    @property
    def owner(self) -> Stack | None:
        """The stack whose id is the interpreter's tag `OWNER_TAG`; `None` where there is no tag."""
        return None

    @property
    def is_system(self) -> bool:
        """Whether this is the service's own interpreter, which other teams may use as well."""
        return False
