"""Prove that an interpreter works: at a deployment (custom resource) and on a schedule."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .checks import (
    CHECKS,
    PATIENCE_WITH_POLICIES,
    SESSION_SECONDS,
    Check,
    Result,
    Session,
    commands_check,
    run_checks,
)
from .clients import stack_client, tool_client
from .cloudformation import Answer, Context, Request, RequestFailedError, respond
from .failures import CallFailedError
from .inputs import Target, read_check, read_target, texts
from .log import log
from .metrics import emit
from .pacing import REQUESTS_PER_SECOND, Deadline, Pace
from .sessions import Caller

# A call may hang for 63 s, then the session is stopped (30 s), then CloudFormation is answered.
TIME_TO_END = 150.0
TIME_TO_STOP = 30.0
PATIENCE = 120.0
STATUS_ATTEMPTS = 4


def handler(event: object, context: Context) -> None:
    """Entry point of the function: a request of CloudFormation, or a tick of a schedule."""
    if isinstance(event, dict) and ("ResponseURL" in event or "RequestType" in event):
        respond(event, context, smoke_test)
    else:
        canary(event, context)


def canary(event: object, context: Context) -> None:
    """Check an interpreter and publish how it went. A failure is a metric, not an error.

    Raises:
        ValueError: The event names no interpreter.
    """
    check = read_check(event)
    results = _results(check.target, commands_check(check.commands), context)
    for each in results:
        success = 0 if each.problem else 1
        values = {"CanarySuccess": success, "CanaryDuration": each.milliseconds}
        emit(values, name=check.target.name, tool=each.name)
    problems = _problems(results)
    total = sum(each.milliseconds for each in results)
    overall = {"CanarySuccess": 0 if problems else 1, "CanaryDuration": total}
    emit(overall, name=check.target.name)


def smoke_test(request: Request, context: Context) -> Answer:
    """Fail the deployment of an interpreter that does not work.

    A failed update is replayed with the old properties. A cause that both share would then end in
    UPDATE_ROLLBACK_FAILED, so nothing is tested while the stack rolls back.

    Raises:
        CheckFailedError: A tool does not work.
    """
    if request.type == "Delete":
        return Answer(request.physical_id or request.stable_id)
    status = _stack_status(request.stack_id) if request.type == "Update" else ""
    if "ROLLBACK" in status:
        log("the stack rolls back, nothing is tested", status=status)
        return Answer(request.stable_id, {"Tested": "no"})
    target = read_target(
        {
            "interpreter_id": request.properties.get("InterpreterId"),
            "region": request.properties.get("Region"),
        }
    )
    commands = texts(request.properties.get("Commands"))
    checks = commands_check(commands, patience=PATIENCE_WITH_POLICIES)
    results = _results(target, checks, context)
    problems = _problems(results)
    if problems:
        raise RequestFailedError(
            f"code interpreter {target.interpreter_id} does not work: {problems}. "
            "Mend what the text names (often the execution role or the network), then deploy again"
        )
    return Answer(request.stable_id, {"Tested": "yes"})


def _results(target: Target, of_user: Sequence[Check], context: Context) -> list[Result]:
    seconds = context.get_remaining_time_in_millis() / 1000 - TIME_TO_END
    caller = Caller(Pace(REQUESTS_PER_SECOND), patience=PATIENCE)
    client = tool_client(target.region)
    lifetime = SESSION_SECONDS
    if of_user:  # their commands may take as long as there is time
        lifetime = max(lifetime, math.ceil(seconds + TIME_TO_STOP))
    session = Session(client, target.interpreter_id, caller, seconds, TIME_TO_STOP, lifetime)
    results = run_checks(session, [*CHECKS, *of_user])
    for each in results:
        log(
            "check",
            level="ERROR" if each.problem else "INFO",
            interpreter=target.interpreter_id,
            check=each.name,
            milliseconds=round(each.milliseconds),
            # Says what a tool answered to our own check, never what a user's code did.
            problem=each.problem,
        )
    return results


def _problems(results: Sequence[Result]) -> str:
    return "; ".join(f"{each.name}: {each.problem}" for each in results if each.problem)


def _stack_status(stack_id: str) -> str:
    """The status of the stack, empty where it cannot be read: then the interpreter is tested."""
    caller = Caller(Pace(REQUESTS_PER_SECOND))
    try:
        answer = caller.call(
            lambda: stack_client().describe_stacks(StackName=stack_id),
            Deadline(TIME_TO_STOP),
            STATUS_ATTEMPTS,
        )
    except CallFailedError as error:
        log("the stack's status cannot be read", level="WARNING", why=str(error))
        return ""
    status: str = answer["Stacks"][0]["StackStatus"]
    return status
