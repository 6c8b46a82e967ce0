"""Removes everything whose name begins with the prefix of a run, also after a failure."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from agentcore_local.conformance.laboratory import ROLE_PATH, error_of, status_of, wait_until
from agentcore_local.conformance.targets import Target

_READY = "READY"


def clean_up(target: Target, prefix: str) -> list[str]:
    """Remove what a run made; what could not be removed is returned, with the reason.

    It looks for names instead of remembering what was made: so it is right also for a run that
    was killed, and may be repeated.
    """
    left: list[str] = []
    for kind, find, remove in (
        ("stack", _stacks, _remove_stack),
        ("delivery source", _delivery_sources, _remove_delivery_source),
        ("code interpreter", _interpreters, _remove_interpreter),
        ("function", _functions, _remove_function),
        ("role", _roles, _remove_role),
        ("log group", _log_groups, _remove_log_group),
    ):
        left += _remove_all(target, prefix, kind, find, remove)
    return left


Finder = Callable[[Target, str], Iterator[str]]
Remover = Callable[[Target, str], None]


def _remove_all(target: Target, prefix: str, kind: str, find: Finder, remove: Remover) -> list[str]:
    try:
        names = list(find(target, prefix))
    except (ClientError, BotoCoreError) as error:
        return [f"{kind}s cannot be listed, look for {prefix} yourself: {error}"]
    left = []
    for name in names:
        try:
            remove(target, name)
        except (ClientError, BotoCoreError, RuntimeError) as error:
            left.append(f"{kind} {name}: {error}")
    return left


def _pages(client: Any, operation: str, key: str, **options: Any) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator(operation).paginate(**options):
        yield from page[key]


def _stacks(target: Target, prefix: str) -> Iterator[str]:
    client = target.client("cloudformation")
    for stack in _pages(client, "describe_stacks", "Stacks"):
        if stack["StackName"].startswith(stack_prefix(prefix)):
            yield stack["StackName"]


def stack_prefix(prefix: str) -> str:
    """What a run's stacks are named after; their names have no underscores."""
    return prefix.replace("_", "-")


def _remove_stack(target: Target, name: str) -> None:
    client = target.client("cloudformation")
    client.delete_stack(StackName=name)
    client.get_waiter("stack_delete_complete").wait(StackName=name)


def _delivery_sources(target: Target, prefix: str) -> Iterator[str]:
    client = target.client("logs")
    for source in _pages(client, "describe_delivery_sources", "deliverySources"):
        if source["name"].startswith(prefix):
            yield source["name"]


def _remove_delivery_source(target: Target, name: str) -> None:
    target.client("logs").delete_delivery_source(name=name)


def _interpreters(target: Target, prefix: str) -> Iterator[str]:
    client = target.client("bedrock-agentcore-control")
    key = "codeInterpreterSummaries"
    for found in _pages(client, "list_code_interpreters", key, type="CUSTOM"):
        if found["name"].startswith(prefix) and found["status"] not in ("DELETING", "DELETED"):
            yield found["codeInterpreterId"]


def _remove_interpreter(target: Target, identifier: str) -> None:
    control, data = target.client("bedrock-agentcore-control"), target.client("bedrock-agentcore")

    def removed() -> bool:
        for session in _ready_sessions(data, identifier):
            with contextlib.suppress(ClientError):
                data.stop_code_interpreter_session(
                    codeInterpreterIdentifier=identifier, sessionId=session
                )
        try:
            control.delete_code_interpreter(codeInterpreterId=identifier)
        except ClientError as error:
            if error_of(error) != "ConflictException":
                raise
            return False
        return True

    def ended() -> bool:
        return status_of(control, identifier) != "DELETING"

    wait_until(removed, f"{identifier} has sessions that do not end")
    wait_until(ended, f"{identifier} is DELETING")
    if (status := status_of(control, identifier)) not in ("gone", "DELETED"):
        raise RuntimeError(f"it is {status}")


def _ready_sessions(data: Any, identifier: str) -> list[str]:
    # The SDK has no paginator for this operation.
    sessions: list[str] = []
    token: str | None = None
    while True:
        page = data.list_code_interpreter_sessions(
            codeInterpreterIdentifier=identifier,
            status=_READY,
            maxResults=100,
            **({"nextToken": token} if token else {}),
        )
        sessions += [item["sessionId"] for item in page["items"]]
        token = page.get("nextToken")
        if not token:
            return sessions


def _functions(target: Target, prefix: str) -> Iterator[str]:
    for found in _pages(target.client("lambda"), "list_functions", "Functions"):
        if found["FunctionName"].startswith(prefix):
            yield found["FunctionName"]


def _remove_function(target: Target, name: str) -> None:
    target.client("lambda").delete_function(FunctionName=name)


def _roles(target: Target, prefix: str) -> Iterator[str]:
    for role in _pages(target.client("iam"), "list_roles", "Roles", PathPrefix=ROLE_PATH):
        if role["RoleName"].startswith(prefix):
            yield role["RoleName"]


def _remove_role(target: Target, name: str) -> None:
    iam = target.client("iam")
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=name)


def _log_groups(target: Target, prefix: str) -> Iterator[str]:
    client = target.client("logs")
    begin = f"/aws/lambda/{prefix}"
    for group in _pages(client, "describe_log_groups", "logGroups", logGroupNamePrefix=begin):
        yield group["logGroupName"]


def _remove_log_group(target: Target, name: str) -> None:
    target.client("logs").delete_log_group(logGroupName=name)
