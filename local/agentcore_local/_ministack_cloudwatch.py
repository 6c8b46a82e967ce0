"""The one module that knows the private state of MiniStack's CloudWatch, and what feeds it.

Typed as Any on purpose: MiniStack ships no types, and its private names promise none.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

from agentcore_local import _ministack
from agentcore_local.clock import Clock

_NAMES = {
    "cloudwatch": (
        "_alarms",
        "_calc_stats",
        "_cbor_metric_data_result",
        "_cbor_ok",
        "_composite_alarms",
        "_dims_key",
        "_dispatch_alarm_actions",
        "_error",
        "_evaluate_alarm",
        "_evaluate_parent_alarms",
        "_get_metric_data",
        "_json_ok",
        "_metrics",
        "_parse_ts",
        "_put_metric_alarm",
        "_record_history",
        "_stat_value",
        "_ts_iso",
        "_xml",
    ),
    "cloudformation.provisioners": ("_cw_metric_alarm_record",),
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
    "kms": ("key_policy_for_arn",),
    "scheduler": ("_schedule_last_fired", "_schedules", "_tick_schedules"),
    "sns": ("_topic_by_arn_any_scope", "topic_policy_allows"),
    "sqs": ("_queues",),
}
_RATE = "rate("
_CLOUDWATCH = "cloudwatch.amazonaws.com"

logger = logging.getLogger(__name__)


def _module(name: str) -> Any:
    module = import_module(f"ministack.services.{name}")
    missing = sorted(each for each in _NAMES[name] if not hasattr(module, each))
    if missing:
        raise RuntimeError(
            f"the local AWS hooks private names of ministack {_ministack.PINNED}, and "
            f"{module.__name__} has no {', '.join(missing)}; run: pip install "
            f"ministack=={_ministack.PINNED}"
        )
    return module


cloudwatch: Any = _module("cloudwatch")
_provisioners: Any = _module("cloudformation.provisioners")
_eventbridge: Any = _module("eventbridge")
_functions: Any = _module("lambda_svc")
_scheduler: Any = _module("scheduler")
_kms: Any = _module("kms")
_sns: Any = _module("sns")
_sqs: Any = _module("sqs")

Alarm = MutableMapping[str, Any]
Answer = tuple[int, Mapping[str, str], bytes]
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


def take_over_alarms() -> None:
    """Stop MiniStack's own evaluation of alarms."""
    cloudwatch._evaluate_alarm = lambda alarm: None
    cloudwatch._evaluate_all_alarms = lambda: None


def accept_alarms(
    check: Callable[[Mapping[str, Any]], None],
    request_of: Callable[[str, Mapping[str, Any]], dict[str, Any]],
) -> None:
    """Take alarms on metric maths too, from requests and from templates.

    Args:
        check: Raises ValueError for an alarm that CloudWatch would refuse.
        request_of: Makes typed parameters of an operation's query-protocol parameters or of a
            template's properties.
    """
    put, record = cloudwatch._put_metric_alarm, _provisioners._cw_metric_alarm_record

    def put_checked(
        params: Any, data: Any, is_cbor: bool, is_json: bool = False
    ) -> tuple[int, Mapping[str, str], bytes]:
        request = data if is_cbor or is_json else request_of("PutMetricAlarm", params)
        try:
            check(request)
        except ValueError as refused:
            error: Answer = cloudwatch._error(
                "ValidationError", str(refused), 400, use_json=is_json, use_cbor=is_cbor
            )
            return error
        answer: Answer = put(params, data, is_cbor, is_json)
        if answer[0] == 200:
            _keep_metrics(cloudwatch._alarms[request["AlarmName"]], request)
        return answer

    def record_checked(name: str, properties: Mapping[str, Any]) -> Alarm:
        request = {**request_of("PutMetricAlarm", properties), "AlarmName": name}
        check(request)
        # MiniStack's own reader knows single metrics only.
        stand_in = {"MetricName": "metric maths", "Namespace": "metric maths"}
        single = {key: value for key, value in properties.items() if key != "Metrics"}
        alarm: Alarm = record(name, {**stand_in, **single} if request.get("Metrics") else single)
        _keep_metrics(alarm, request)
        return alarm

    cloudwatch._put_metric_alarm = put_checked
    _provisioners._cw_metric_alarm_record = record_checked


def _keep_metrics(alarm: Alarm, request: Mapping[str, Any]) -> None:
    if not request.get("Metrics"):
        return
    for name in ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period"):
        alarm[name] = None
    alarm["Dimensions"] = []
    alarm["Metrics"] = list(request["Metrics"])


def answer_metric_data(
    answer: Callable[[Mapping[str, Any]], Sequence[Mapping[str, Any]]],
    request_of: Callable[[str, Mapping[str, Any]], dict[str, Any]],
) -> None:
    """Answer GetMetricData.

    Args:
        answer: Gives the results of a request, with times in seconds since the epoch; raises
            ValueError for a request that CloudWatch would refuse.
        request_of: See `accept_alarms`.
    """

    def get_metric_data(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        request = data if is_cbor or is_json else request_of("GetMetricData", params)
        times = {each: cloudwatch._parse_ts(request[each]) for each in ("StartTime", "EndTime")}
        try:
            found = answer({**request, **times})
        except ValueError as refused:
            return cloudwatch._error(
                "ValidationError", str(refused), 400, use_json=is_json, use_cbor=is_cbor
            )
        results = [
            {**each, "Timestamps": [cloudwatch._ts_iso(at) for at in each["Timestamps"]]}
            for each in found
        ]
        if is_cbor:
            cbor = [cloudwatch._cbor_metric_data_result(each) for each in results]
            return cloudwatch._cbor_ok({"MetricDataResults": cbor})
        if is_json:
            return cloudwatch._json_ok({"MetricDataResults": results})
        return _xml_results(results)

    cloudwatch._get_metric_data = get_metric_data


def _xml_results(results: Iterable[Mapping[str, Any]]) -> Any:
    def members(values: Iterable[object]) -> str:
        return "".join(f"<member>{each}</member>" for each in values)

    found = members(
        f"<Id>{each['Id']}</Id><Label>{each['Label']}</Label>"
        f"<StatusCode>{each['StatusCode']}</StatusCode>"
        f"<Timestamps>{members(each['Timestamps'])}</Timestamps>"
        f"<Values>{members(each['Values'])}</Values>"
        for each in results
    )
    inner = f"<MetricDataResults>{found}</MetricDataResults>"
    body = f"<GetMetricDataResult>{inner}</GetMetricDataResult>"
    return cloudwatch._xml(200, "GetMetricDataResponse", body)


def points(namespace: str, name: str, dimensions: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """What was published for a metric in the present account and region."""
    key = (namespace, name, cloudwatch._dims_key(dict(dimensions)))
    return list(cloudwatch._metrics.get(key) or ())


def statistic(of: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """A statistic of some points; none where there are none."""
    if not of:
        return None
    value: float | None = cloudwatch._stat_value(cloudwatch._calc_stats(of), name, of)
    return value


def has_alarms() -> bool:
    """Whether there is any alarm."""
    return bool(cloudwatch._alarms._data)


def alarm_scopes() -> set[tuple[str, str]]:
    """The accounts and regions that have alarms."""
    return {(account, region) for account, region, _name in list(cloudwatch._alarms._data)}


def metric_alarms() -> list[Alarm]:
    """The alarms on metrics in the present account and region."""
    return list(cloudwatch._alarms.values())


def alarm_states() -> dict[str, str]:
    """The states of all alarms in the present account and region, by name."""
    every = [*cloudwatch._alarms.values(), *cloudwatch._composite_alarms.values()]
    return {each["AlarmName"]: each["StateValue"] for each in every}


def guard_notifications() -> None:
    """Let alarms notify topics only as the topics' and their keys' policies allow.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    dispatch = cloudwatch._dispatch_alarm_actions

    def dispatch_as_allowed(alarm: Alarm, before: str, after: str, reason: str) -> None:
        kinds = ("AlarmActions", "OKActions", "InsufficientDataActions")
        allowed = {
            kind: [each for each in alarm.get(kind) or () if _may_notify(each, alarm["AlarmArn"])]
            for kind in kinds
        }
        dispatch({**alarm, **allowed}, before, after, reason)

    cloudwatch._dispatch_alarm_actions = dispatch_as_allowed


def _may_notify(topic_arn: str, alarm_arn: str) -> bool:
    if ":sns:" not in topic_arn:
        return True
    from ministack.core import iam_evaluator

    # CloudWatch calls over TLS, and from nowhere that a policy could name.
    iam_evaluator.pin_request_origin("127.0.0.1", True)
    account = alarm_arn.split(":")[4]
    problem = None
    if not _sns.topic_policy_allows(topic_arn, _CLOUDWATCH, alarm_arn, account):
        problem = "the topic's policy does not allow SNS:Publish"
    elif not _key_allows(topic_arn, account):
        problem = "the policy of the topic's key does not allow kms:GenerateDataKey"
    if problem is not None:
        logger.warning("%s cannot notify %s: %s for %s", alarm_arn, topic_arn, problem, _CLOUDWATCH)
    return problem is None


def _key_allows(topic_arn: str, account: str) -> bool:
    from ministack import app as ministack_app
    from ministack.core import iam_evaluator

    topic = _sns._topic_by_arn_any_scope(topic_arn) or {}
    key = topic.get("attributes", {}).get("KmsMasterKeyId")
    if not key or not ministack_app.AUTH:
        return True
    # The key that AWS manages for SNS has a policy that nobody can change.
    found = None if key.startswith("alias/aws/") else _kms.key_policy_for_arn(key)
    if found is None:
        return False
    return all(
        iam_evaluator.evaluate_resource_policy(
            found[0],
            iam_evaluator.EvalContext(
                principal_arn=_CLOUDWATCH,
                principal_type="AWSService",
                principal_account="",
                action=action,
                resource_arn="*",
                region=topic_arn.split(":")[3],
                service_context={"aws:sourceaccount": account},
            ),
            service=_CLOUDWATCH,
        ).decision
        == "Allow"
        for action in ("kms:GenerateDataKey", "kms:Decrypt")
    )


def set_state(alarm: Alarm, state: str, reason: str, now: float) -> None:
    """Put an alarm in another state, and do what it does then."""
    before = alarm["StateValue"]
    alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(now))
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


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
