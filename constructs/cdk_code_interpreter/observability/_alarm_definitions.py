"""Which alarms there are: what each reads, when it is raised, what it means, what to do first."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..metrics.metrics import GB_HOUR_PRICE, VCPU_HOUR_PRICE
from ..metrics.series import (
    HOUR,
    Calculation,
    InterpreterSeries,
    Operation,
    Series,
    total,
)
from .alarm_thresholds import (
    LONGEST_EVALUATION_SECONDS,
    AlarmThresholds,
    Limit,
    Threshold,
    Unset,
)

if TYPE_CHECKING:
    from aws_cdk import Duration

    from .._arguments.limits import Findings

START_LATENCY_MILLISECONDS = 10_000.0
INVOKE_LATENCY_MILLISECONDS = 60_000.0


class Missing(enum.Enum):
    """What an alarm makes of a period without data."""

    NOT_BREACHING = "notBreaching"
    IGNORE = "ignore"


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One alarm.

    Attributes:
        construct_id: The alarm's id; in lower case with hyphens, the runbook's anchor.
        threshold: The field of `AlarmThresholds` that it is set by.
        source: What it reads.
        value: The value from which on a data point counts.
        datapoints: How many data points must count.
        periods: Among how many.
        missing: What a period without data means, and why.
        meaning: What it means when it is raised.
        first: What to do first.
        below: Whether data points count below the value instead.
        per_hour: Whether the value is one for an hour, whatever the period.
        shortest_window: Seconds that it must look at, since what it reads comes late.
        comes_every: Seconds between two data points; 0 where the service decides.
    """

    construct_id: str
    threshold: str
    source: Series | Calculation
    value: float
    datapoints: int = 1
    periods: int = 1
    missing: Missing = Missing.NOT_BREACHING
    meaning: str
    first: str
    below: bool = False
    per_hour: bool = False
    shortest_window: int = 0
    comes_every: int = 0

    @property
    def anchor(self) -> str:
        """The runbook's anchor."""
        words = "".join(
            f"-{each.lower()}" if each.isupper() else each for each in self.construct_id
        )
        return f"runbook{words}"


def limited(definition: Definition, limit: Limit) -> Definition | None:
    """The definition with a user's threshold; `None` where there is to be no such alarm."""
    if limit is None:
        return None
    if isinstance(limit, Unset):
        return definition
    if not isinstance(limit, Threshold):
        return replace(definition, value=float(limit))
    periods = limit.evaluation_periods or definition.periods
    usual = definition.datapoints if limit.evaluation_periods is None else periods
    source = definition.source
    if limit.period is not None:
        seconds = int(limit.period.to_seconds())
        if definition.per_hour and isinstance(source, Calculation):
            source = replace(source, expression=f"({source.expression}) / {seconds / HOUR:g}")
        source = replace(source, period=seconds)
    return replace(
        definition,
        value=float(limit.value),
        datapoints=limit.datapoints_to_alarm or usual,
        periods=periods,
        source=source,
    )


def check_windows(findings: Findings, wanted: Iterable[Definition]) -> None:
    """Refuse what CloudWatch cannot evaluate, once defaults and the user's words are put together.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
    """
    for each in wanted:
        seconds = each.source.period * each.periods
        if seconds > LONGEST_EVALUATION_SECONDS:
            findings.add(
                f"{each.threshold} would look at {seconds / 3600:g} hours ({each.periods} periods "
                f"of {each.source.period} seconds), but CloudWatch evaluates at most a day; use a "
                f"shorter schedule or period, or {each.threshold}=None for no such alarm"
            )
        if seconds < each.shortest_window:
            findings.add(
                f"{each.threshold} would look at {seconds:g} seconds ({each.periods} periods of "
                f"{each.source.period}), but use is published up to an hour late; let it look at "
                f"{each.shortest_window} seconds or more"
            )
        if each.datapoints > 1 and each.source.period < each.comes_every:
            findings.add(
                f"{each.threshold} needs {each.datapoints} periods of {each.source.period} seconds "
                f"with data, which comes every {each.comes_every} seconds, and could never be "
                "raised; use a period that is not shorter, or one data point"
            )
        if each.datapoints > each.periods:
            findings.add(
                f"{each.threshold} needs {each.datapoints} data points but looks at "
                f"{each.periods}; say evaluation_periods={each.datapoints} or more, or lower "
                "datapoints_to_alarm"
            )


def chosen(definitions: Sequence[Definition], thresholds: AlarmThresholds) -> Iterator[Definition]:
    """Those that there are to be, with the user's thresholds."""
    for each in definitions:
        found = limited(each, getattr(thresholds, each.threshold))
        if found is not None:
            yield found


def of_service(series: InterpreterSeries, thresholds: AlarmThresholds) -> Iterator[Definition]:
    """What every interpreter has, from the metrics that the service publishes."""
    every = tuple(Operation)
    throttles = series.per_operation("Throttles")
    definitions = [
        Definition(
            construct_id="SystemErrors",
            threshold="system_error_rate",
            source=series.error_rate(("SystemErrors",), every),
            value=5.0,
            datapoints=2,
            periods=3,
            # Without calls nothing fails.
            meaning="Calls of the code interpreter fail inside the service (HTTP 5xx).",
            first="See the AWS Health Dashboard, then which operation fails on the dashboard; let "
            "callers retry with backoff.",
        ),
        Definition(
            construct_id="Throttles",
            threshold="throttles",
            source=Calculation(
                expression=total(throttles), using=throttles, label="Throttled calls"
            ),
            value=10.0,
            datapoints=2,
            periods=3,
            # Only a refused call is published.
            meaning="The service refuses calls (HTTP 429): the account's requests a second are "
            "used up.",
            first="Find who calls most (dashboard, traffic); let it reuse sessions and back off, "
            "or have the quota raised.",
        ),
        Definition(
            construct_id="SessionStarts",
            threshold="session_starts",
            source=series.service(
                "Invocations", Operation.START_SESSION, statistic="Sum", label="Sessions started"
            ),
            value=300.0,
            # Without calls nothing is started.
            meaning="Very many sessions are started: an agent loops, or never reuses a session.",
            first="Compare started with stopped sessions on the dashboard; stop the agent, or "
            "stop all sessions with the janitor's kill switch.",
        ),
    ]
    yield from chosen(definitions, thresholds)
    yield from _latency(series, thresholds)
    cost = Definition(
        construct_id="Cost",
        threshold="cost_per_hour",
        source=series.cost_per_hour(VCPU_HOUR_PRICE, GB_HOUR_PRICE),
        value=10.0,
        # Use is published up to an hour late: the latest hour is often still empty.
        periods=3,
        per_hour=True,
        shortest_window=2 * HOUR,
        meaning="Sessions of this interpreter cost more per hour than expected (estimate).",
        first="See sessions and their age on the dashboard; stop what nobody needs.",
    )
    yield from chosen([cost], thresholds)


def _latency(series: InterpreterSeries, thresholds: AlarmThresholds) -> Iterator[Definition]:
    """One alarm for both operations: each as a multiple of its own limit."""
    limits = {
        Operation.START_SESSION: _milliseconds(
            thresholds.start_latency, START_LATENCY_MILLISECONDS
        ),
        Operation.INVOKE: _milliseconds(thresholds.invoke_latency, INVOKE_LATENCY_MILLISECONDS),
    }
    parts = {
        f"{operation.name.partition('_')[0].lower()}": (operation, limit)
        for operation, limit in limits.items()
        if limit is not None
    }
    if not parts:
        return
    using = {
        name: series.service("Latency", operation, statistic="p99")
        for name, (operation, _) in parts.items()
    }
    ratios = ", ".join(f"{name} / {limit:g}" for name, (_, limit) in parts.items())
    words = " and ".join(
        f"{operation.value} over {limit / 1000:g} s" for operation, limit in parts.values()
    )
    yield Definition(
        construct_id="Latency",
        threshold="invoke_latency",
        source=Calculation(
            expression=f"MAX([{ratios}])", using=using, label="p99 latency / its limit"
        ),
        value=1.0,
        datapoints=3,
        periods=3,
        # Without calls nothing is slow.
        meaning=f"The slowest calls take too long (99th percentile; {words}).",
        first="See on the dashboard which operation is slow. Start: the service or your VPC. "
        "Invoke: often the code itself.",
    )


def _milliseconds(limit: Duration | Unset | None, default: float) -> float | None:
    if limit is None:
        return None
    return default if isinstance(limit, Unset) else float(limit.to_milliseconds())


def of_sessions(series: InterpreterSeries, thresholds: AlarmThresholds) -> Iterator[Definition]:
    """What an interpreter with a drain or a janitor has."""
    failures = {
        "stops": series.own("StopFailures", statistic="Sum", label="Sessions not stopped"),
        "drains": series.own("DrainFailures", statistic="Sum", label="Drains that gave up"),
    }
    definition = Definition(
        construct_id="StopFailures",
        threshold="stop_failures",
        source=Calculation(
            expression=total(failures), using=failures, label="Failures to stop sessions"
        ),
        value=1.0,
        # A drain speaks only when it runs; a silent janitor has an alarm of its own.
        meaning="Sessions could not be stopped: they live on, and cost, until they time out.",
        first="Read the session functions' errors (dashboard, log lines): a denied permission or "
        "throttling; then stop the sessions by hand.",
    )
    yield from chosen([definition], thresholds)


def of_janitor(
    series: InterpreterSeries, thresholds: AlarmThresholds, interval: int
) -> Iterator[Definition]:
    """What an interpreter with a janitor has.

    Args:
        series: The interpreter's metrics.
        thresholds: When alarms are raised.
        interval: Seconds between two of the janitor's schedules.
    """
    over_age = {
        "found": series.own("OverAgeSessions", statistic="Minimum", label="Sessions over age"),
        "stopped": series.own("SessionsStopped", statistic="Maximum", label="Sessions stopped"),
    }
    definition = Definition(
        construct_id="OverAgeSessions",
        threshold="over_age_sessions",
        # The janitor counts before it stops. What remains is the least that any of three ticks
        # found, less the most that any of them stopped.
        source=Calculation(
            expression="found - stopped",
            using=over_age,
            label="Sessions over age, not stopped",
            period=3 * interval,
        ),
        value=1.0,
        comes_every=interval,
        # A silent janitor has an alarm of its own.
        meaning="Sessions are older than the policy allows and stay: the janitor is in shadow "
        "mode, or cannot stop them.",
        first="Read the janitor's log for the sessions and their agent; switch enforcement on, or "
        "stop them by hand.",
    )
    yield from chosen([definition], thresholds)
    schedules = thresholds.janitor_silent
    if schedules is None:
        return
    sweeps = series.own("ActiveSessions", statistic="SampleCount", label="Sweeps")
    count = 3 if isinstance(schedules, Unset) else schedules
    yield Definition(
        construct_id="JanitorSilent",
        threshold="janitor_silent",
        # FILL makes breaching data of the silence after a tick. Before the first tick there is
        # nothing to fill, and a new alarm stays as it is instead of being raised by a deployment.
        source=Calculation(
            expression="FILL(sweeps, 0)",
            using={"sweeps": sweeps},
            label="Sweeps",
            period=interval,
        ),
        value=1.0,
        below=True,
        datapoints=count,
        periods=count,
        missing=Missing.IGNORE,
        meaning="The janitor has said nothing for several schedules: no session is watched.",
        first="See whether its schedule exists and is enabled, and whether its function fails.",
    )


def of_canary(
    series: InterpreterSeries, thresholds: AlarmThresholds, interval: int
) -> Iterator[Definition]:
    """What an interpreter with a canary has.

    Args:
        series: The interpreter's metrics.
        thresholds: When alarms are raised.
        interval: Seconds between two of the canary's schedules.
    """
    failures = thresholds.canary_failures
    if failures is None:
        return
    count = 2 if isinstance(failures, Unset) else failures
    yield Definition(
        construct_id="CanaryFailing",
        threshold="canary_failures",
        # A canary that says nothing has not shown that the interpreter works; a new one has not
        # had the time to (see the silent janitor).
        source=Calculation(
            expression="FILL(passed, 0)",
            using={
                "passed": series.own("CanarySuccess", statistic="Minimum", label="Canary passed")
            },
            label="Canary passed",
            period=interval,
        ),
        value=1.0,
        below=True,
        datapoints=count,
        periods=count,
        missing=Missing.IGNORE,
        meaning="The canary could not use the interpreter, or did not run.",
        first="Read the canary's log for the tool that fails; try the same call by hand.",
    )
