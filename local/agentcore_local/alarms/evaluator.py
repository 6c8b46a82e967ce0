"""Evaluates the alarms of every account and region, and publishes what only CloudWatch sees."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from agentcore_local import _ministack
from agentcore_local import _ministack_cloudwatch as ministack
from agentcore_local import _ministack_executions as executions
from agentcore_local.alarms.embedded_metrics import data_in
from agentcore_local.alarms.queries import Grid, Metric, Queries
from agentcore_local.alarms.states import ALARM, EXTRA_DATA_POINTS, Rule, next_state
from agentcore_local.alarms.values import ExpressionError, Series
from agentcore_local.clock import Clock

logger = logging.getLogger(__name__)

_MINUTE = 60
_STATE_ACTIONS = {ALARM: "AlarmActions", "OK": "OKActions"}
_ALARM_PRINCIPAL = "lambda.alarms.cloudwatch.amazonaws.com"
_MOST_DATA_POINTS = 100_800


class Evaluator:
    """Metrics and alarms of the local AWS.

    Args:
        clock: The time of this AWS.
        dispatched: Invokes the functions that alarms name as their actions.
    """

    def __init__(self, clock: Clock, dispatched: executions.Dispatched) -> None:
        self._clock = clock
        self._dispatched = dispatched
        self._filled_queues: set[tuple[str, str, str]] = set()

    def evaluate(self) -> dict[str, str]:
        """Evaluate every alarm on the minutes that are over.

        Returns:
            The state of each alarm by its name.
        """
        now = self._clock.now()
        self._publish_queues(now)
        states: dict[str, str] = {}
        for account, region in sorted(ministack.alarm_scopes()):
            with _ministack.in_account(account, region):
                for alarm in ministack.metric_alarms():
                    self._evaluate(alarm, now)
                states |= ministack.alarm_states()
        return states

    def metric_data(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Answer a GetMetricData request of the present account and region.

        Raises:
            ExpressionError: An expression cannot be evaluated.
        """
        start, end = request["StartTime"], request["EndTime"]

        def grid_of(period: int) -> Grid:
            first = start // period * period
            length = max(0, int(-(-(end - first) // period)))
            return Grid(first, period, min(length, _MOST_DATA_POINTS))

        results = Queries(request["MetricDataQueries"], read=_read, grid_of=grid_of).results()
        newest_first = request.get("ScanBy", "TimestampDescending") == "TimestampDescending"
        return [
            _answered(result.id, result.label, result.grid, series, newest_first=newest_first)
            for result in results
            for series in result.series
        ]

    def record_execution(self, name: str, failed: bool, milliseconds: float) -> None:
        """Publish what Lambda publishes of an execution."""
        now = self._clock.now()
        dimensions = {"FunctionName": name}
        for metric, value, unit in (
            ("Invocations", 1.0, "Count"),
            ("Errors", float(failed), "Count"),
            ("Duration", milliseconds, "Milliseconds"),
        ):
            _put("AWS/Lambda", metric, value, unit, dimensions, now)

    def record_log(self, text: str) -> None:
        """Publish the metrics in a function's log."""
        for line in text.splitlines():
            for datum in data_in(line):
                # A function goes by the real time, wherever the clock of this AWS was moved to.
                _put(
                    datum.namespace,
                    datum.name,
                    datum.value,
                    datum.unit,
                    datum.dimensions,
                    datum.timestamp + self._clock.ahead_seconds,
                )

    def _publish_queues(self, now: float) -> None:
        """What SQS publishes of queues that are in use."""
        filled = set()
        for account, region, name, count in executions.queue_depths():
            key = account, region, name
            if count:
                filled.add(key)
            if count or key in self._filled_queues:
                metric = "ApproximateNumberOfMessagesVisible"
                with _ministack.in_account(account, region):
                    _put("AWS/SQS", metric, count, "Count", {"QueueName": name}, now - _MINUTE)
        self._filled_queues = filled

    def _evaluate(self, alarm: ministack.Alarm, now: float) -> None:
        rule = Rule(
            comparison=alarm["ComparisonOperator"],
            threshold=float(alarm["Threshold"]),
            periods=int(alarm["EvaluationPeriods"]),
            datapoints=int(alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"]),
            missing=alarm.get("TreatMissingData") or "missing",
        )
        try:
            points = _data_points(alarm, now, rule.periods + EXTRA_DATA_POINTS)
        except ExpressionError as error:
            logger.warning("the alarm %s cannot be evaluated: %s", alarm["AlarmName"], error)
            return
        state, reason = next_state(rule, points, alarm["StateValue"])
        if state == alarm["StateValue"]:
            return
        before = alarm["StateValue"]
        ministack.set_state(alarm, state, reason, now)
        self._invoke_functions(alarm, before, now)

    def _invoke_functions(self, alarm: ministack.Alarm, before: str, now: float) -> None:
        """Invoke the functions among an alarm's actions, as their own policies allow.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html
        """
        actions = alarm.get(_STATE_ACTIONS.get(alarm["StateValue"], ""), ())
        if not alarm.get("ActionsEnabled", True):
            return
        for arn in actions or ():
            if ":lambda:" not in arn:
                continue
            source = alarm["AlarmArn"]
            if not executions.may_invoke(arn, service=_ALARM_PRINCIPAL, source_arn=source):
                logger.warning("the alarm %s may not invoke %s", alarm["AlarmName"], arn)
                continue
            self._dispatched.dispatch(arn, json.dumps(_alarm_event(alarm, before, now)))


def _data_points(alarm: ministack.Alarm, now: float, count: int) -> Series:
    """The newest data points of an alarm, the newest first.

    The periods end with the last whole minute: each minute, an alarm looks at as many periods
    back from there.
    """
    end = now // _MINUTE * _MINUTE
    # A copy under one id, so that a single metric and metric math are read alike.
    queries = alarm.get("Metrics") or [_query_of(alarm)]
    found = Queries(
        queries, read=_read, grid_of=lambda period: Grid(end - count * period, period, count)
    ).results()
    (result,) = found
    if len(result.series) != 1:
        raise ExpressionError("an alarm needs one series, not several")
    return list(reversed(result.series[0]))


def _query_of(alarm: ministack.Alarm) -> dict[str, Any]:
    return {
        "Id": "m1",
        "MetricStat": {
            "Metric": {
                "Namespace": alarm["Namespace"],
                "MetricName": alarm["MetricName"],
                "Dimensions": alarm.get("Dimensions") or [],
            },
            "Period": alarm["Period"],
            "Stat": alarm.get("ExtendedStatistic") or alarm["Statistic"],
            "Unit": alarm.get("Unit"),
        },
    }


def _read(metric: Metric, grid: Grid) -> Series:
    """One value for each period of a grid, in the present account or the metric's own."""
    if metric.account is None:
        points = ministack.points(metric.namespace, metric.name, metric.dimensions)
    else:
        _account, region = _ministack.request_account_and_region()
        with _ministack.in_account(metric.account, region):
            points = ministack.points(metric.namespace, metric.name, metric.dimensions)
    periods: list[list[Mapping[str, Any]]] = [[] for _ in range(grid.length)]
    for point in points:
        if metric.unit is not None and point["Unit"] != metric.unit:
            continue
        number = int((point["Timestamp"] - grid.start) // grid.period)
        if 0 <= number < grid.length:
            periods[number].append(point)
    return [ministack.statistic(each, metric.statistic) for each in periods]


def _answered(
    identifier: str, label: str, grid: Grid, series: Series, *, newest_first: bool
) -> dict[str, Any]:
    found = [
        (at, value) for at, value in zip(grid.starts(), series, strict=True) if value is not None
    ]
    if newest_first:
        found.reverse()
    return {
        "Id": identifier,
        "Label": label,
        "Timestamps": [at for at, _ in found],
        "Values": [value for _, value in found],
        "StatusCode": "Complete",
    }


def _put(
    namespace: str,
    name: str,
    value: float,
    unit: str,
    dimensions: Mapping[str, str],
    timestamp: float,
) -> None:
    _ministack.put_metric_datum(
        namespace, name, value=value, unit=unit, dimensions=dimensions, timestamp=timestamp
    )


def _alarm_event(alarm: ministack.Alarm, before: str, now: float) -> dict[str, Any]:
    """What a function gets from an alarm.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html
    """
    account, region = _ministack.request_account_and_region()
    return {
        "source": "aws.cloudwatch",
        "alarmArn": alarm["AlarmArn"],
        "accountId": account,
        "region": region,
        "time": now,
        "alarmData": {
            "alarmName": alarm["AlarmName"],
            "state": {"value": alarm["StateValue"], "reason": alarm["StateReason"]},
            "previousState": {"value": before},
            "configuration": {"description": alarm.get("AlarmDescription", "")},
        },
    }
