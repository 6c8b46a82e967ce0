"""Stops all sessions of an interpreter before CloudFormation deletes or replaces it."""

from __future__ import annotations

import enum
import functools
from typing import TYPE_CHECKING

from aws_cdk import CfnResource

from .._arguments.limits import LONGEST_DRAIN_SECONDS, Findings, check_drain_timeout
from .._arguments.types import DURATION, INTERPRETER, check_kinds, one_of
from .._cdk.construct_tree import Component, path_of, stack_of
from .._cdk.durations import seconds_of
from .._replacements import name_across_replacements, refer_weakly
from .session_manager import SessionManager, check_reach, region_of

if TYPE_CHECKING:
    from aws_cdk import Duration
    from constructs import Construct

    from ..interface import ICodeInterpreter

RESOURCE_TYPE = "Custom::CodeInterpreterSessionDrain"
# Three deliveries of one event, 15 minutes each, and the pauses between them.
SERVICE_TIMEOUT_SECONDS = 3_600
_ACTIONS = (
    "GetCodeInterpreter",
    "ListCodeInterpreterSessions",
    "StopCodeInterpreterSession",
)


class OnDrainFailure(enum.Enum):
    """What happens if sessions cannot be stopped in time."""

    CONTINUE = "CONTINUE"
    """The deletion goes on; a metric and the log tell how many sessions were left."""
    BLOCK = "BLOCK"
    """The deletion fails, with the number of sessions and the way out as the reason."""


class SessionDrain(Component):
    """A custom resource that stops every session before its interpreter is deleted.

    The service asks that all sessions are stopped first
    (https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/code-interpreter-delete.html),
    and CloudFormation does not stop any. On a replacement, the old interpreter's sessions are
    stopped when the update is certain; the new one's live on.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        interpreter: ICodeInterpreter,
        on_failure: OnDrainFailure = OnDrainFailure.CONTINUE,
        timeout: Duration | None = None,
    ) -> None:
        """Define the drain.

        Args:
            scope: Where to define it, in the stack of the interpreter.
            construct_id: Its id in that scope.
            interpreter: The interpreter; `CodeInterpreter` has a drain already.
            on_failure: What happens if sessions are left. Default: the deletion goes on.
            timeout: How long to try, 1 to 14 minutes. Default: 14 minutes.

        Raises:
            ValueError: The interpreter is the system's, or another account's, or another stack's,
                or the timeout is out of range.
        """
        _check(scope, construct_id, interpreter, on_failure, timeout)
        super().__init__(scope, construct_id)
        manager = SessionManager.of(scope)
        manager.share_pace(interpreter)
        policy = manager.drain.allow(_ACTIONS, interpreter.prefix_arn)
        region = region_of(interpreter, scope).get("region")
        self._resource = CfnResource(
            self,
            "Resource",
            type=RESOURCE_TYPE,
            properties={
                "ServiceToken": manager.drain.function_arn,
                "ServiceTimeout": SERVICE_TIMEOUT_SECONDS,
                "Version": "1",
                "InterpreterId": interpreter.undrained_code_interpreter_id,
                "InterpreterArn": interpreter.undrained_code_interpreter_arn,
                "Name": name_across_replacements(interpreter),
                "OnFailure": on_failure.value,
                "TimeoutSeconds": str(_seconds(timeout)),
                **({"Region": region} if region else {}),
            },
        )
        # CloudFormation deletes in the opposite order: the drain runs while it is still allowed to.
        if policy is not None:
            self._resource.add_resource_dependency(policy)
        refer_weakly(self._resource, stack_of(self))

    @functools.cached_property
    def code_interpreter_id(self) -> str:
        """The id, as the drain answers it: who uses it is deleted before the drain runs."""
        return self._resource.get_att("CodeInterpreterId").to_string()

    @functools.cached_property
    def code_interpreter_arn(self) -> str:
        """The ARN, as the drain answers it: who uses it is deleted before the drain runs."""
        return self._resource.get_att("CodeInterpreterArn").to_string()


def _seconds(timeout: Duration | None) -> int:
    return LONGEST_DRAIN_SECONDS if timeout is None else int(seconds_of(timeout))


def _check(
    scope: Construct,
    construct_id: str,
    interpreter: ICodeInterpreter,
    on_failure: OnDrainFailure,
    timeout: Duration | None,
) -> None:
    check_kinds(
        scope,
        construct_id,
        interpreter=(interpreter, INTERPRETER),
        on_failure=(on_failure, one_of(OnDrainFailure)),
        timeout=(timeout, DURATION.or_none),
    )
    findings = Findings(scope, construct_id)
    if interpreter.is_system:
        findings.add(
            "the system interpreter is never deleted, and its sessions may be other teams': it "
            "takes no drain; leave it out"
        )
    elif stack_of(scope) != interpreter.stack:
        findings.add(
            f"the interpreter is defined in the stack {path_of(interpreter.stack)!r}, where its "
            f"deletion is decided, not in {path_of(stack_of(scope))!r}; define the drain there"
        )
    if timeout is not None:
        check_drain_timeout(findings, "timeout", timeout)
    findings.raise_if_any()
    check_reach(interpreter, scope, construct_id)
