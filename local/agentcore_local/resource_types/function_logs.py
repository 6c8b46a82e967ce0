"""A function's log: written as far as its role allows, to a group that nobody brings back.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html: the execution role
needs CreateLogGroup, CreateLogStream and PutLogEvents. Without the first one, what a function says
after its group was deleted is lost; with it, the group comes back and outlives its stack.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local._ministack_function_logs import log_group_of
from agentcore_local.resource_types.roles import role_allows


def install() -> None:
    """Let roles decide what is logged."""
    emit = ministack.functions._emit_lambda_logs

    def emit_as_allowed(function: Mapping[str, Any], *arguments: Any, **options: Any) -> None:
        if _may_log(function.get("config") or function):
            emit(function, *arguments, **options)

    ministack.functions._emit_lambda_logs = emit_as_allowed


def _may_log(configuration: Mapping[str, Any]) -> bool:
    name = log_group_of(configuration)
    account, region = ministack.responses.get_account_id(), ministack.responses.get_region()
    group = f"arn:aws:logs:{region}:{account}:log-group:{name}"
    role = configuration.get("Role", "")
    needed = ["logs:CreateLogStream", "logs:PutLogEvents"]
    if name not in ministack.logs._log_groups:
        needed.append("logs:CreateLogGroup")
    # Policies name a group with and without the `:*` of its streams.
    return bool(role) and all(
        any(role_allows(role, action, arn) for arn in (f"{group}:*", group)) for action in needed
    )
