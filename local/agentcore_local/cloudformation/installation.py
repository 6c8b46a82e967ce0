"""Puts this engine in the place of MiniStack's."""

from __future__ import annotations

import functools
from typing import Any

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation import references
from agentcore_local.cloudformation.custom_resource_requests import requests
from agentcore_local.cloudformation.custom_resources import CustomResources
from agentcore_local.cloudformation.deletion import delete_stack
from agentcore_local.cloudformation.deployment import (
    continue_update_rollback,
    deploy_stack,
    roll_back_failed_stack,
)
from agentcore_local.cloudformation.events import STACK_TYPE
from agentcore_local.cloudformation.exports import delete_refusal
from agentcore_local.cloudformation.nested_stacks import NestedStacks
from agentcore_local.cloudformation.resource_kinds import register_kind

_INTERRUPTIBLE = ("CREATE_IN_PROGRESS", "REVIEW_IN_PROGRESS")
_ANSWER_PATH = "/_ministack/cfn-response/"


@functools.cache
def install() -> None:
    """Let every stack operation of this process run on this engine. Once is enough."""
    for module in (ministack.stacks, ministack.handlers, ministack.changesets):
        module._deploy_stack_async = deploy_stack
    for module in (ministack.stacks, ministack.handlers):
        module._delete_stack_async = delete_stack
        module._roll_back_operation = roll_back_failed_stack
        module._continue_update_rollback_async = continue_update_rollback
    register_kind("Custom::", CustomResources())
    register_kind("AWS::CloudFormation::CustomResource", CustomResources())
    register_kind(STACK_TYPE, NestedStacks())
    references.install()
    _guard_creation()
    _guard_deletion()
    _take_answers()


def _guard_creation() -> None:
    """A stack that was rolled back keeps its name until it is deleted."""
    create = ministack.handlers._ACTION_HANDLERS["CreateStack"]

    def create_unless_there(parameters: Any) -> Any:
        name = ministack.handlers._p(parameters, "StackName")
        stack = ministack.package._stacks.get(name) if name else None
        if stack is not None and stack.get("StackStatus") == "ROLLBACK_COMPLETE":
            return ministack.handlers._error(
                "AlreadyExistsException", f"Stack [{name}] already exists"
            )
        return create(parameters)

    ministack.handlers._ACTION_HANDLERS["CreateStack"] = create_unless_there


def _guard_deletion() -> None:
    delete = ministack.handlers._ACTION_HANDLERS["DeleteStack"]

    def delete_unless_in_use(parameters: Any) -> Any:
        name = ministack.handlers._p(parameters, "StackName")
        stack = ministack.handlers._resolve_stack(name) if name else None
        status = "" if stack is None else stack.get("StackStatus", "")
        if status == "DELETE_IN_PROGRESS":
            return ministack.handlers._xml(200, "DeleteStackResponse", "")
        if stack is not None and status != "DELETE_COMPLETE":
            refusal = _busy(stack, status) or delete_refusal(stack)
            if refusal:
                return ministack.handlers._error("ValidationError", refusal)
        answer = delete(parameters)
        if stack is not None and answer[0] == 200 and status not in ("", "DELETE_COMPLETE"):
            # At once, so that whoever asks next sees a stack that is being deleted.
            stack["StackStatus"] = "DELETE_IN_PROGRESS"
        return answer

    ministack.handlers._ACTION_HANDLERS["DeleteStack"] = delete_unless_in_use


def _busy(stack: Any, status: str) -> str | None:
    """A stack may be deleted while it is being created, but not in the middle of an update."""
    if not status.endswith("_IN_PROGRESS") or status in _INTERRUPTIBLE:
        return None
    return f"Stack [{stack['StackName']}] is in {status} state and can not be deleted."


def _take_answers() -> None:
    original = ministack.app._handle_post_body_shortcuts

    async def take(
        method: str, path: str, headers: Any, body: bytes, query: Any, request_id: str
    ) -> Any:
        if method == "PUT" and path.startswith(_ANSWER_PATH):
            known = requests.answer(path.removeprefix(_ANSWER_PATH), body)
            return (200, {}, b"") if known else (403, {}, b"Request has expired")
        return await original(method, path, headers, body, query, request_id)

    ministack.app._handle_post_body_shortcuts = take
