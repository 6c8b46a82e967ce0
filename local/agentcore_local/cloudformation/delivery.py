"""Asynchronous invocation of a custom resource's function, with Lambda's own rules.

At least once; a function error is retried twice; a throttled event waits in the queue and costs no
retry; what fails for good goes to the dead-letter queue or the failure destination.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from typing import Any

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation import faults
from agentcore_local.cloudformation.custom_resource_requests import Request

logger = logging.getLogger(__name__)

_THROTTLED_WAIT_SECONDS = 0.5


def deliver(function: Any, configuration: Any, event: dict[str, Any], request: Request) -> None:
    """Start the function with an event, without waiting for it."""
    record = ministack.functions._execution_record_for_config(function, configuration)
    for _ in range(faults.settings.deliveries(request.request_type, request.logical_id)):
        context = contextvars.copy_context()
        threading.Thread(
            target=context.run,
            args=(_run_with_retries, record, event, request),
            name=f"custom-resource-{request.logical_id}",
            daemon=True,
        ).start()


def _run_with_retries(record: dict[str, Any], event: dict[str, Any], request: Request) -> None:
    settings = _event_invoke_settings(record)
    retries = settings.get("MaximumRetryAttempts")
    delays = faults.settings.retry_delays[: 2 if retries is None else int(retries)]
    result = _run_when_not_throttled(record, event, request)
    for delay in delays:
        if not result.get("error"):
            return
        time.sleep(delay)
        result = _run_when_not_throttled(record, event, request)
    if result.get("error"):
        _give_up(record, settings, event, result)


def _run_when_not_throttled(
    record: dict[str, Any], event: dict[str, Any], request: Request
) -> dict[str, Any]:
    while True:
        request.deliveries += 1
        result: dict[str, Any] = ministack.functions._execute_function_with_config_scope(
            record, event
        )
        if not result.get("throttle"):
            return result
        request.deliveries -= 1
        time.sleep(_THROTTLED_WAIT_SECONDS)


def _event_invoke_settings(record: dict[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = (
        record.get("event_invoke_config")
        or (record.get("event_invoke_configs") or {}).get("$LATEST")
        or {}
    )
    return settings


def _give_up(
    record: dict[str, Any],
    settings: dict[str, Any],
    event: dict[str, Any],
    result: dict[str, Any],
) -> None:
    configuration = record["config"]
    destination = (settings.get("DestinationConfig") or {}).get("OnFailure", {}).get("Destination")
    target = destination or (configuration.get("DeadLetterConfig") or {}).get("TargetArn")
    name = configuration.get("FunctionName", "")
    logger.warning("function %s failed for good: %s", name, result.get("body"))
    if target:
        ministack.functions._route_async_failure(target, name, event, result)
