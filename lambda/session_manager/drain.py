"""Custom resource: stop every session of an interpreter before CloudFormation deletes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .clients import session_client
from .cloudformation import TIME_TO_ANSWER, Answer, Context, Request, RequestFailedError, respond
from .draining import Drained, drain
from .failures import CallFailedError
from .fate import stays
from .inputs import is_custom_id, positive, text
from .log import log
from .metrics import emit
from .pacing import CLOCK, Clock, Deadline, Pace
from .sessions import Caller, Sessions
from .settings import rates

LONGEST_DRAIN = 840.0
# A policy that was attached a moment ago may not count everywhere yet.
PATIENCE_ON_CREATE = 120.0
PATIENCE_ON_DELETE = 30.0


@dataclass(frozen=True)
class Settings:
    """The properties of the custom resource, of this version or an older one."""

    interpreter_id: str
    interpreter_arn: str
    name: str
    region: str | None
    block: bool
    timeout: float

    @classmethod
    def read(cls, properties: Mapping[str, Any]) -> Settings:
        """Read the properties. CloudFormation makes strings of numbers; any may be missing."""
        interpreter_id = text(properties.get("InterpreterId"))
        return cls(
            interpreter_id=interpreter_id,
            interpreter_arn=text(properties.get("InterpreterArn")),
            name=text(properties.get("Name")) or interpreter_id,
            region=text(properties.get("Region")) or None,
            block=text(properties.get("OnFailure")) == "BLOCK",
            timeout=min(positive(properties.get("TimeoutSeconds")) or LONGEST_DRAIN, LONGEST_DRAIN),
        )


def handler(event: object, context: Context) -> None:
    """Entry point of the function."""
    respond(event, context, handle)


def handle(request: Request, context: Context, clock: Clock = CLOCK) -> Answer:
    """Do what CloudFormation asks for.

    Create proves that the list can be read. Update only answers the present interpreter's id:
    where it changed, CloudFormation sends a Delete for the old one when the update is certain.
    """
    settings = Settings.read(request.properties)
    if request.type == "Delete":
        return _delete(request, settings, context, clock)
    if not is_custom_id(settings.interpreter_id):
        raise RequestFailedError(
            f"InterpreterId must be the id of a custom code interpreter, such as name-0123456789, "
            f"got {settings.interpreter_id[:100]!r}"
        )
    data = {
        "CodeInterpreterId": settings.interpreter_id,
        "CodeInterpreterArn": settings.interpreter_arn,
    }
    if request.type == "Create":
        deadline = Deadline(min(PATIENCE_ON_CREATE, _left(context)), clock)
        data["ReadySessions"] = str(_count(settings, deadline, clock))
    return Answer(settings.interpreter_id, data)


def _left(context: Context) -> float:
    return context.get_remaining_time_in_millis() / 1000 - TIME_TO_ANSWER


def _delete(request: Request, settings: Settings, context: Context, clock: Clock) -> Answer:
    interpreter_id = request.physical_id
    nothing = Answer(interpreter_id or "nothing", {"StoppedSessions": "0", "LeftSessions": "0"})
    if not is_custom_id(interpreter_id):
        # CloudFormation made this id up because a Create was never answered.
        return nothing
    if stays(
        request.stack_id,
        interpreter_id,
        settings.region,
        logical_id=request.logical_id,
        clock=clock,
    ):
        log("the interpreter stays, no session is stopped", interpreter=interpreter_id)
        return nothing
    deadline = Deadline(min(settings.timeout, _left(context)), clock)
    sessions = _sessions(interpreter_id, settings, clock)
    result = drain(sessions, deadline, patience=PATIENCE_ON_DELETE, rates=rates())
    failures = 0 if result.complete else 1
    emit({"DrainedSessions": result.stopped, "DrainFailures": failures}, name=settings.name)
    left = "unknown" if result.left is None else str(result.left)
    data = {"StoppedSessions": str(result.stopped), "LeftSessions": left}
    log("drained", level="INFO" if result.complete else "ERROR", interpreter=interpreter_id, **data)
    if result.complete or not settings.block:
        return Answer(interpreter_id, data)
    return Answer(interpreter_id, data, failure=_way_out(interpreter_id, result))


def _way_out(interpreter_id: str, result: Drained) -> str:
    return (
        f"{result.left_text} sessions of code interpreter {interpreter_id} are still running; "
        f"{result.stopped} were stopped. Last problem: {result.problem[:500] or 'none'}. "
        "Stop what starts sessions (`aws bedrock-agentcore list-code-interpreter-sessions "
        f"--code-interpreter-identifier {interpreter_id} --status READY` names them), then delete "
        "the stack again. To delete the stack although sessions run, delete it again with this "
        "resource and the interpreter in `--retain-resources`, and the interpreter by hand when "
        "they have ended"
    )


def _count(settings: Settings, deadline: Deadline, clock: Clock) -> int:
    sessions = _sessions(settings.interpreter_id, settings, clock, PATIENCE_ON_CREATE)
    try:
        return len(sessions.ready(deadline))
    except CallFailedError as error:
        raise RequestFailedError(_unreadable(settings.interpreter_id, error)) from error


def _unreadable(interpreter_id: str, error: CallFailedError) -> str:
    return (
        f"the sessions of code interpreter {interpreter_id} cannot be listed, so they could not "
        f"be stopped before it is deleted either ({error.failure.value}): {error}. Check that "
        "the interpreter exists in this account and Region, and that no permissions boundary "
        "or service control policy denies bedrock-agentcore:ListCodeInterpreterSessions"
    )


def _sessions(
    interpreter_id: str, settings: Settings, clock: Clock, patience: float = 0.0
) -> Sessions:
    caller = Caller(Pace(rates().limit, clock), clock, patience)
    return Sessions(session_client(settings.region), interpreter_id, caller)
