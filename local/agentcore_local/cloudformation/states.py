"""What a stack's state forbids.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html says what
can be done in which state. The sentences are those that AWS answers, as far as users report them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UPDATABLE = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
)
_PAUSED = ("CREATE_FAILED", "UPDATE_FAILED")
_DELETABLE_IN_PROGRESS = ("CREATE_IN_PROGRESS", "REVIEW_IN_PROGRESS")


def update_refusal(stack: Mapping[str, Any], *, api: str, disable_rollback: bool) -> str | None:
    """Why a stack may not be updated now, or None.

    A stack that failed with rollback disabled is updated on AWS if rollback is disabled again,
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html.
    That is refused here too: a resource whose create failed would count as made.

    Args:
        stack: the stack's record.
        api: the operation as AWS's message calls it, such as `update-stack`.
        disable_rollback: whether the request disables the rollback.
    """
    status = stack.get("StackStatus", "")
    if status in UPDATABLE:
        return None
    if status not in _PAUSED:
        return f"Stack:{stack['StackId']} is in {status} state and can not be updated."
    if disable_rollback:
        return (
            f"The local AWS does not continue a stack in {status} state; roll it back with the "
            "rollback-stack API, or delete it."
        )
    return (
        f"This stack is currently in a non-terminal [{status}] state. To update the stack from "
        f"this state, please use the disable-rollback parameter with {api} API. To rollback to "
        "the last known good state, use the rollback-stack API"
    )


def change_set_refusal(stack: Mapping[str, Any], kind: str) -> str | None:
    """Why no change set may be made for a stack that is there, or None.

    One may be made for a stack that failed with rollback disabled: what counts is how it is
    executed.

    Args:
        stack: the stack's record.
        kind: `UPDATE` or `IMPORT`.
    """
    status = stack.get("StackStatus")
    if status in _PAUSED or (kind == "IMPORT" and status == "REVIEW_IN_PROGRESS"):
        return None
    return update_refusal(stack, api="", disable_rollback=False)


def delete_refusal(stack: Mapping[str, Any]) -> str | None:
    """Why a stack may not be deleted now, or None.

    It may while it is being created, but not in the middle of an update.
    """
    status = stack.get("StackStatus", "")
    if not status.endswith("_IN_PROGRESS") or status in _DELETABLE_IN_PROGRESS:
        return None
    return f"Stack [{stack['StackName']}] is in {status} state and can not be deleted."
