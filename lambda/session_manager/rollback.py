"""What the rollback of an update or a creation must leave alone.

A drain that was added by an update is deleted when the update fails, although its interpreter was
there before and stays. An interpreter that is younger than the update goes with it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .clients import control_client, stack_client
from .failures import CallFailedError
from .log import log
from .pacing import CLOCK, REQUESTS_PER_SECOND, Clock, Deadline, Pace
from .sessions import Caller

LONGEST_LOOK = 60.0
ATTEMPTS = 6


def outlives_rollback(
    stack_id: str, interpreter_id: str, region: str | None, clock: Clock = CLOCK
) -> bool:
    """Whether a stack rolls back to a time at which the interpreter was there already.

    False where this cannot be seen: then the sessions are stopped, as for every deletion.

    Args:
        stack_id: The stack of the drain.
        interpreter_id: The interpreter whose sessions would be stopped.
        region: The interpreter's region. `None`: the function's own.
        clock: The time, and the waiting.
    """
    # A pace of its own: CloudFormation's throttling says nothing about the sessions' service.
    # A permission may still have to spread: the policy came with the update that is taken back.
    caller = Caller(Pace(REQUESTS_PER_SECOND, clock), clock, patience=LONGEST_LOOK)
    deadline = Deadline(LONGEST_LOOK, clock)
    try:
        answer = caller.call(
            lambda: stack_client().describe_stacks(StackName=stack_id), deadline, ATTEMPTS
        )
        stack = answer["Stacks"][0]
        if "ROLLBACK" not in stack["StackStatus"]:
            return False
        interpreter = caller.call(
            lambda: control_client(region).get_code_interpreter(codeInterpreterId=interpreter_id),
            deadline,
            ATTEMPTS,
        )
    except CallFailedError as error:
        log("whether the stack rolls back cannot be seen", level="WARNING", why=str(error))
        return False
    return interpreter["createdAt"] < _operation_began(stack)


def _operation_began(stack: dict[str, Any]) -> datetime:
    """When the update began that is rolled back, or the creation of a stack never updated."""
    began: datetime = stack.get("LastUpdatedTime") or stack["CreationTime"]
    return began
