"""Puts this engine in the place of MiniStack's."""

from __future__ import annotations

import functools
from typing import Any

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation import change_sets, exports, references, states
from agentcore_local.cloudformation.custom_resource_requests import requests
from agentcore_local.cloudformation.custom_resources import CustomResources
from agentcore_local.cloudformation.deletion import delete_stack
from agentcore_local.cloudformation.deployment import (
    continue_update_rollback,
    deploy_stack,
    roll_back_failed_stack,
)
from agentcore_local.cloudformation.events import STACK_TYPE
from agentcore_local.cloudformation.nested_stacks import NestedStacks
from agentcore_local.cloudformation.resource_kinds import register_kind

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
    change_sets.install()
    _guard_creation()
    _guard_updates()
    _guard_change_sets()
    _guard_deletion()
    _take_answers()


def _guard_creation() -> None:
    """A stack that was rolled back keeps its name until it is deleted."""
    handlers = ministack.handlers
    create = handlers._ACTION_HANDLERS["CreateStack"]

    def create_unless_there(parameters: Any) -> Any:
        return _rolled_back(parameters) or create(parameters)

    handlers._ACTION_HANDLERS["CreateStack"] = create_unless_there


def _rolled_back(parameters: Any) -> Any:
    """The answer to who wants to create a stack that was rolled back, or None."""
    name = ministack.handlers._p(parameters, "StackName")
    stack = ministack.package._stacks.get(name) if name else None
    if stack is None or stack.get("StackStatus") != "ROLLBACK_COMPLETE":
        return None
    return ministack.handlers._error("AlreadyExistsException", f"Stack [{name}] already exists")


def _guard_updates() -> None:
    handlers = ministack.handlers
    update = handlers._ACTION_HANDLERS["UpdateStack"]

    def update_unless_forbidden(parameters: Any) -> Any:
        stack = _stack_of(parameters)
        refusal = stack and states.update_refusal(
            stack, api="update-stack", disable_rollback=_disables_rollback(parameters)
        )
        return _refused(refusal) if refusal else update(parameters)

    handlers._ACTION_HANDLERS["UpdateStack"] = update_unless_forbidden


def _guard_change_sets() -> None:
    handlers = ministack.handlers
    create = handlers._ACTION_HANDLERS["CreateChangeSet"]
    execute = handlers._ACTION_HANDLERS["ExecuteChangeSet"]

    def create_unless_forbidden(parameters: Any) -> Any:
        kind = handlers._p(parameters, "ChangeSetType") or "UPDATE"
        stack = _stack_of(parameters)
        if kind == "CREATE" and (answer := _rolled_back(parameters)):
            return answer
        if kind != "CREATE" and stack and (refusal := states.change_set_refusal(stack, kind)):
            return _refused(refusal)
        answer = create(parameters)
        if answer[0] == 200 and kind == "UPDATE":
            change_sets.accept_unlisted_changes(_change_set_of(parameters))
        return answer

    def execute_unless_forbidden(parameters: Any) -> Any:
        change_set = _change_set_of(parameters) or {}
        stack = ministack.package._stacks.get(change_set.get("StackName"))
        if stack and change_set["ChangeSetType"] == "UPDATE":
            disabled = change_set.get("OnStackFailure") == "DO_NOTHING"
            refusal = states.update_refusal(
                stack,
                api="execute-change-set",
                disable_rollback=disabled or _disables_rollback(parameters),
            )
            if refusal:
                return _refused(refusal)
        return execute(parameters)

    handlers._ACTION_HANDLERS["CreateChangeSet"] = create_unless_forbidden
    handlers._ACTION_HANDLERS["ExecuteChangeSet"] = execute_unless_forbidden


def _stack_of(parameters: Any) -> Any:
    """The stack that a request names and that is there, or None."""
    name = ministack.handlers._p(parameters, "StackName")
    stack = ministack.handlers._resolve_stack(name) if name else None
    return None if not stack or stack.get("StackStatus") == "DELETE_COMPLETE" else stack


def _change_set_of(parameters: Any) -> Any:
    """The change set that a request names, or None."""
    value = ministack.handlers._p
    return change_sets.find(value(parameters, "ChangeSetName"), value(parameters, "StackName"))


def _disables_rollback(parameters: Any) -> bool:
    return str(ministack.handlers._p(parameters, "DisableRollback")).lower() == "true"


def _refused(reason: str) -> Any:
    return ministack.handlers._error("ValidationError", reason)


def _guard_deletion() -> None:
    delete = ministack.handlers._ACTION_HANDLERS["DeleteStack"]

    def delete_unless_in_use(parameters: Any) -> Any:
        stack = _stack_of(parameters)
        if stack is None:
            return delete(parameters)
        if stack["StackStatus"] == "DELETE_IN_PROGRESS":
            return ministack.handlers._xml(200, "DeleteStackResponse", "")
        refusal = states.delete_refusal(stack) or exports.delete_refusal(stack)
        if refusal:
            return _refused(refusal)
        answer = delete(parameters)
        if answer[0] == 200:
            # At once, so that whoever asks next sees a stack that is being deleted.
            stack["StackStatus"] = "DELETE_IN_PROGRESS"
        return answer

    ministack.handlers._ACTION_HANDLERS["DeleteStack"] = delete_unless_in_use


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
