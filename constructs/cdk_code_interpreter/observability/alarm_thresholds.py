"""When alarms are raised."""

from __future__ import annotations

import enum
import math
from dataclasses import KW_ONLY, dataclass, fields
from typing import TYPE_CHECKING, TypeAlias

from .._arguments.types import DURATION, WHOLE_NUMBER, instance_of, is_number_token

if TYPE_CHECKING:
    from aws_cdk import Duration

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
LONGEST_EVALUATION_SECONDS = 86_400
_LATENCIES = ("start_latency", "invoke_latency")
_LEAST_SCHEDULES = {"janitor_silent": 3, "canary_failures": 2}
_UNKNOWN = (
    "{} needs a Duration that is known when the app is synthesized, because it is written into "
    "an expression or decides on periods; pass for example Duration.seconds(10)"
)


class Unset(enum.Enum):
    """Says that an alarm keeps its default."""

    DEFAULT = "default"


DEFAULT = Unset.DEFAULT


@dataclass(frozen=True)
class Threshold:
    """A threshold, and for how long it must be crossed.

    Attributes:
        value: The value from which on a data point counts, in the alarm's own unit.
        datapoints_to_alarm: How many of the last `evaluation_periods` data points must count.
            Default: the alarm's own; with `evaluation_periods` given, all of them.
        evaluation_periods: How many data points are looked at. Default: the alarm's own.
        period: What one data point covers, in whole minutes. Default: the alarm's own.
    """

    value: float
    _: KW_ONLY
    datapoints_to_alarm: int | None = None
    evaluation_periods: int | None = None
    period: Duration | None = None


Limit: TypeAlias = Threshold | float | Unset | None


@dataclass(frozen=True, kw_only=True)
class AlarmThresholds:
    """When alarms of a code interpreter are raised.

    Of each: a number replaces the default and keeps its periods, a `Threshold` says periods too,
    and `None` leaves the alarm out. Defaults on calls and sessions follow from the quotas of an
    account: https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/bedrock-agentcore-limits.html

    Attributes:
        system_error_rate: Percentage of calls that failed inside the service. Default: 5, in 2 of
            3 periods of 5 minutes.
        throttles: Refused calls (HTTP 429) of all operations. Default: 10, in 2 of 3 periods of 5
            minutes.
        start_latency: 99th percentile of the time until a session is started. Default: 10
            seconds, in 3 periods of 5 minutes.
        invoke_latency: 99th percentile of the time until the first token of a tool's answer, the
            run time of code without output included. Default: 60 seconds, in 3 periods of 5
            minutes.
        session_starts: Sessions started. Default: 300, in one period of 5 minutes.
        over_age_sessions: Sessions that are older than the janitor's policy allows and that it
            did not stop. Default: 1, throughout three of its schedules.
        stop_failures: Sessions that the janitor could not stop, and drains that gave up. Default:
            1, in one period of 5 minutes.
        janitor_silent: Schedules without a word of the janitor, at least 3. Default: 3.
        canary_failures: Runs of the canary that failed, or did not take place, one after the
            other, at least 2: two runs are not always a schedule apart, so one period can be empty.
            Default: 2.
        cost_per_hour: Estimated US dollars per hour of this interpreter. Default: no such alarm.
        active_sessions: Active sessions of the whole account. Default: 800, which is 80 % of the
            service's default quota, in 3 of 5 minutes.
        account_cost_per_hour: Estimated US dollars per hour of all code interpreters of the
            account. Default: 50.
        function_errors: Failed invocations of the stack's session functions. Default: 1, in one
            period of 5 minutes.
        dead_letters: Events in the dead-letter queue of the stack's session functions. Default:
            1, in one period of 5 minutes.

    Raises:
        ValueError: A threshold can never be met, always is, or cannot be evaluated.
    """

    system_error_rate: Limit = DEFAULT
    throttles: Limit = DEFAULT
    start_latency: Duration | Unset | None = DEFAULT
    invoke_latency: Duration | Unset | None = DEFAULT
    session_starts: Limit = DEFAULT
    over_age_sessions: Limit = DEFAULT
    stop_failures: Limit = DEFAULT
    janitor_silent: int | Unset | None = DEFAULT
    canary_failures: int | Unset | None = DEFAULT
    cost_per_hour: Limit = None
    active_sessions: Limit = DEFAULT
    account_cost_per_hour: Limit = DEFAULT
    function_errors: Limit = DEFAULT
    dead_letters: Limit = DEFAULT

    def __post_init__(self) -> None:
        problems = [
            problem
            for each in fields(self)
            for problem in _problems(each.name, getattr(self, each.name))
        ]
        if problems:
            listed = "".join(f"\n- {problem}" for problem in problems)
            raise ValueError(f"AlarmThresholds: {len(problems)} values are wrong:{listed}")

    def is_explicit(self, name: str) -> bool:
        """Whether somebody asked for this alarm, where it is one of the defaults."""
        return getattr(self, name) not in (DEFAULT, None)


THRESHOLDS = instance_of(AlarmThresholds, "AlarmThresholds, such as AlarmThresholds(throttles=50)")


def _problems(name: str, limit: Limit | Duration) -> list[str]:
    if limit is None or isinstance(limit, Unset):
        return []
    if name in _LATENCIES:
        return _latency_problems(name, limit)
    if name in _LEAST_SCHEDULES:
        least = _LEAST_SCHEDULES[name]
        if isinstance(limit, int) and not isinstance(limit, bool) and limit >= least:
            return []
        return [f"{name} counts schedules and must be a whole number from {least} on, got {limit}"]
    if isinstance(limit, Threshold):
        return [*_value_problems(name, limit.value), *_window_problems(name, limit)]
    return _value_problems(name, limit)


def _latency_problems(name: str, limit: object) -> list[str]:
    from aws_cdk import Duration

    if not isinstance(limit, Duration):
        return [f"{name} must be a Duration, such as Duration.seconds(10), got {limit!r}"]
    if limit.is_unresolved():
        return [_UNKNOWN.format(name)]
    if limit.to_milliseconds() <= 0:
        return [f"{name} must be longer than nothing, got {limit}; None leaves the alarm out"]
    return []


def _value_problems(name: str, value: object) -> list[str]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return [f"{name} must be a number or a Threshold, got {value!r}"]
    if is_number_token(value):
        return []
    if name == "system_error_rate" and value > 100:
        return [f"{name} is a percentage and must be at most 100, got {value!r}"]
    if value == math.inf:
        return [f"{name} must be a number that can be reached, got inf; None leaves the alarm out"]
    if not value > 0:
        return [f"{name} must be above 0, got {value!r}; None leaves the alarm out"]
    return []


def _window_problems(name: str, limit: Threshold) -> list[str]:
    if limit.period is not None and not DURATION.accepts(limit.period):
        return [f"{name} must have {DURATION.words} as period, got {limit.period!r}"]
    problems = []
    counts = (limit.datapoints_to_alarm, limit.evaluation_periods)
    if any(each is not None and not WHOLE_NUMBER.accepts(each) for each in counts):
        return [f"{name} must have whole numbers of data points and periods, got {counts!r}"]
    if any(each is not None and each < 1 for each in counts):
        problems.append(f"{name} must have datapoints_to_alarm and evaluation_periods above 0")
    datapoints, periods = counts
    if datapoints is not None and periods is not None and datapoints > periods:
        problems.append(
            f"{name} needs {datapoints} data points but looks at {periods}; raise "
            "evaluation_periods, or lower datapoints_to_alarm"
        )
    if limit.period is not None and limit.period.is_unresolved():
        problems.append(_UNKNOWN.format(name))
    elif limit.period is not None:
        problems += _period_problems(name, limit.period.to_seconds(), periods or 1)
    return problems


def _period_problems(name: str, seconds: float, periods: int) -> list[str]:
    if seconds < 60 or seconds % 60:
        return [f"{name} must have a period of whole minutes, got {seconds:g} seconds"]
    if seconds * periods > LONGEST_EVALUATION_SECONDS:
        return [
            f"{name} looks at {periods} periods of {seconds:g} seconds, but CloudWatch evaluates "
            "at most a day; shorten the period, or look at fewer"
        ]
    return []
