"""What everything that uses or governs a code interpreter may count on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_cdk import Duration, Stack
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_iam as iam
    from constructs import Construct, Node

    from .exports import ParameterStoreExport
    from .metrics.metrics import CodeInterpreterMetrics
    from .permissions.grants import CodeInterpreterGrants


class ICodeInterpreter(ABC):
    """A code interpreter: one of ours, an L2, an imported one or the system's.

    Constructs that govern an interpreter (drain, janitor, canary, logs, alarms) take this, and
    work the same on each kind. A class that is a construct as well needs
    ``metaclass=jsii.JSIIAbstractClass``, which joins the metaclasses of both bases.

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
    def is_system(self) -> bool:
        """Whether this is the service's own interpreter, which other teams may use as well."""
        return False

    @property
    def grants(self) -> CodeInterpreterGrants:
        """Permissions for callers and operators of this interpreter."""
        from .permissions.grants import CodeInterpreterGrants

        return CodeInterpreterGrants(self)

    @property
    def metrics(self) -> CodeInterpreterMetrics:
        """CloudWatch metrics of this interpreter."""
        from .metrics.metrics import CodeInterpreterMetrics

        return CodeInterpreterMetrics(self)

    @property
    def environment(self) -> Mapping[str, str]:
        """What a caller needs, as environment variables for a function or an agent runtime.

        `CODE_INTERPRETER_ID`, `CODE_INTERPRETER_ARN`, `CODE_INTERPRETER_REGION`,
        `CODE_INTERPRETER_SESSION_TIMEOUT_SECONDS` and, where it is known,
        `CODE_INTERPRETER_NAME`. The name changes with each replacement and is written into
        the caller's own template, so a caller in another stack is redeployed with the new id.
        """
        from .exports import environment_of

        return environment_of(self)

    def export_to_parameter_store(
        self, scope: Construct, construct_id: str, *, path: str
    ) -> ParameterStoreExport:
        """Write what a caller needs to Systems Manager parameters, for callers of other apps.

        Args:
            scope: Where to create the parameters.
            construct_id: Their id in that scope.
            path: Hierarchy of the parameters, such as ``/analytics/sandbox``; the entries below
                it are ``id``, ``arn``, ``region``, ``session-timeout-seconds`` and, where it is
                known, ``name``.

        Returns:
            The parameters, with a `grant_read`.

        Raises:
            ValueError: The path is not a parameter hierarchy.
        """
        from .exports import ParameterStoreExport

        return ParameterStoreExport(scope, construct_id, interpreter=self, path=path)

    def add_outputs(self, *, prefix: str | None = None) -> None:
        """Add outputs with the id, ARN and, where it is known, name to the interpreter's stack.

        Args:
            prefix: Put before ``Id``, ``Arn`` and ``Name``. Default: the construct's ids below the
                stack.
        """
        from .exports import add_outputs

        add_outputs(self, prefix=prefix)
