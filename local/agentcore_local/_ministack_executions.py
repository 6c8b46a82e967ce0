"""The one module that knows MiniStack's private names of what runs functions, and when.

Typed as Any on purpose: MiniStack ships no types, and its private names promise none.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from agentcore_local._ministack_cloudwatch import checked_service, cloudwatch
from agentcore_local.clock import Clock

_NAMES = {
    "eventbridge": ("_dispatch_to_lambda",),
    "lambda_svc": (
        "_emit_lambda_logs",
        "_emit_lambda_metrics",
        "_execute_function",
        "_execution_record_for_config",
        "_function_config_scope_mismatch",
        "_get_func_record_for_ref",
        "function_policy_for_arn",
        "invoke_async_with_retry",
    ),
    "scheduler": ("_schedule_last_fired", "_schedules", "_tick_schedules"),
    "sqs": ("_queues",),
}
_RATE = "rate("

_eventbridge: Any = checked_service("eventbridge", _NAMES["eventbridge"])
_functions: Any = checked_service("lambda_svc", _NAMES["lambda_svc"])
_scheduler: Any = checked_service("scheduler", _NAMES["scheduler"])
_sqs: Any = checked_service("sqs", _NAMES["sqs"])

ExecutionEnded = Callable[[str, bool, float], None]


class _MovedTime(ModuleType):
    """The module `time`, by a clock that tests can move."""

    def __init__(self, clock: Clock) -> None:
        super().__init__("time")
        self._clock = clock

    def time(self) -> float:
        return self._clock.now()

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


def follow(clock: Clock) -> None:
    """Let alarms, metrics and schedules go by a clock that tests can move.

    Functions run in processes of their own, and by the real time.
    """
    for module in (cloudwatch, _scheduler):
        module.time = _MovedTime(clock)


def on_log(wrote: Callable[[str], None]) -> None:
    """Learn of what functions write to their logs; before roles decide whether they may."""
    write = _functions._emit_lambda_logs

    def write_and_tell(
        function: Any, request_id: str, text: str, *rest: Any, **options: Any
    ) -> None:
        write(function, request_id, text, *rest, **options)
        wrote(text or "")

    _functions._emit_lambda_logs = write_and_tell


def on_execution(ended: ExecutionEnded) -> None:
    """Learn of every execution of a function: its name, whether it failed, milliseconds.

    MiniStack's own metrics of functions are left out: they are there when a function is invoked,
    not when it ran, and say nothing of one that a schedule invoked.
    """
    execute, publish = _functions._execute_function, _functions._emit_lambda_metrics

    def execute_and_tell(function: Any, event: Any) -> Any:
        config = function.get("config") or function
        if _functions._function_config_scope_mismatch(config):
            return execute(function, event)  # it comes back here, in the function's own account
        began = time.perf_counter()
        result = execute(function, event)
        if not result.get("throttle"):
            milliseconds = (time.perf_counter() - began) * 1000
            ended(config.get("FunctionName", "unknown"), bool(result.get("error")), milliseconds)
        return result

    def published(name: str, duration_ms: float, error: bool, throttle: bool) -> None:
        if throttle:
            publish(name, duration_ms, error, throttle)

    _functions._execute_function = execute_and_tell
    _functions._emit_lambda_metrics = published


class Dispatched:
    """Invocations that nobody waits for: of schedules, rules and alarms."""

    def __init__(self) -> None:
        self._pending: dict[int, object] = {}

    def install(self) -> None:
        """Let schedules and rules invoke functions with Lambda's retries and dead letters."""
        execute = _functions._execute_function

        def executed(function: Any, event: Any) -> Any:
            try:
                return execute(function, event)
            finally:
                self._pending.pop(id(event), None)

        _functions._execute_function = executed
        _eventbridge._dispatch_to_lambda = self.dispatch

    def dispatch(self, function_arn: str, payload: str) -> None:
        """Invoke a function and do not wait for it."""
        function, config, _name = _functions._get_func_record_for_ref(function_arn)
        if not function or not config:
            return
        event = json.loads(payload)
        # By identity, and kept, so that no other object gets the same one.
        self._pending[id(event)] = event
        # A function learns by which alias it was invoked:
        # https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
        invoked = {**config, "FunctionArn": function_arn}
        record = _functions._execution_record_for_config(function, invoked)
        _functions.invoke_async_with_retry(record, event)

    @property
    def pending(self) -> bool:
        """Whether some have not run once."""
        return bool(self._pending)


def may_invoke(function_arn: str, *, service: str, source_arn: str) -> bool:
    """Whether a function's own policy lets a service invoke it on behalf of a resource."""
    from ministack.core import iam_evaluator, responses

    found = _functions.function_policy_for_arn(function_arn)
    if found is None:
        return False
    context = iam_evaluator.EvalContext(
        principal_arn=service,
        principal_type="AWSService",
        principal_account="",
        action="lambda:InvokeFunction",
        resource_arn=function_arn,
        region=responses.get_region(),
        service_context={
            "aws:sourcearn": source_arn,
            "aws:sourceaccount": responses.get_account_id(),
        },
    )
    decision = iam_evaluator.evaluate_resource_policy(found[0], context, service=service)
    return bool(decision.decision == "Allow")


def mend_schedules() -> None:
    """Let a schedule on a rate that has no start date tick at once, and each tick happen once.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#rate-based
    """
    tick, one_at_a_time = _scheduler._tick_schedules, threading.Lock()

    def tick_at_once() -> None:
        with one_at_a_time:
            for key, schedule in list(_scheduler._schedules._data.items()):
                expression = str(schedule.get("ScheduleExpression", ""))
                if expression.startswith(_RATE) and not schedule.get("StartDate"):
                    _scheduler._schedule_last_fired.setdefault(key, 0.0)
            tick()

    _scheduler._tick_schedules = tick_at_once


def tick_schedules() -> None:
    """Let the schedules tick that are due."""
    _scheduler._tick_schedules()


def has_schedules() -> bool:
    """Whether there is any schedule."""
    return bool(_scheduler._schedules._data)


def queue_depths() -> Iterator[tuple[str, str, str, int]]:
    """Account, region, name and number of messages of every queue."""
    for (account, region, url), queue in list(_sqs._queues._data.items()):
        yield account, region, str(url).rsplit("/", 1)[-1], len(queue["messages"])
