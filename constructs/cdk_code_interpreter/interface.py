"""What everything that uses or governs a code interpreter may count on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .interpreter_reference import ICodeInterpreterRef

if TYPE_CHECKING:
    from constructs import Construct

    from .exports import ParameterStoreExport
    from .metrics.metrics import CodeInterpreterMetrics
    from .permissions.grants import CodeInterpreterGrants


class ICodeInterpreter(ICodeInterpreterRef):
    """A code interpreter: one of ours, an L2, an imported one or the system's.

    Constructs that govern an interpreter (drain, janitor, canary, logs, alarms) take this, and
    work the same on each kind. A class that is a construct as well needs
    ``metaclass=jsii.JSIIAbstractClass``, which joins the metaclasses of both bases.

    https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/code-interpreter-tool.html
    """

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
