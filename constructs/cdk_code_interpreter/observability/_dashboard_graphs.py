"""The graphs of a dashboard: of one interpreter in detail, or of many with one line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..metrics.metrics import GB_HOUR_PRICE, VCPU_HOUR_PRICE
from ..metrics.series import (
    FIVE_MINUTES,
    HOUR,
    MINUTE,
    SESSION_OPERATION,
    Calculation,
    InterpreterSeries,
    Operation,
    Series,
    account_series,
    total,
)

# The service's default quota of active sessions.
_QUOTA = 1000

Source = Series | Calculation
Section = tuple[str, Sequence["Graph"]]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One interpreter of a dashboard.

    Attributes:
        label: What it is called in graphs.
        series: Its metrics.
        alarm_arns: Its alarms, the one that rolls them up first.
        generation: Name of an interpreter of another stack. A reference to it is weak, and is
            read anew only when this stack's own template changes: with this name it does.
    """

    label: str
    series: InterpreterSeries
    generation: str | None = None
    alarm_arns: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Functions:
    """The session functions of the stacks.

    Attributes:
        names: Names of the functions by what they are called in graphs.
        log_groups: Names of their log groups.
        queues: Names of their dead-letter queues by what they are called in graphs.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    log_groups: Sequence[str] = ()
    queues: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the dashboard is: a metric of somewhere else says so."""

    account: str
    region: str


@dataclass(frozen=True, kw_only=True)
class Graph:
    """One graph.

    Attributes:
        title: Its title.
        unit: What its axis counts.
        sources: Its lines.
        limit: A horizontal line, as its label and value.
    """

    title: str
    unit: str
    sources: Sequence[Source]
    limit: tuple[str, float] | None = None


def of_one(subject: Subject) -> Iterator[Section]:
    """Everything about one interpreter."""
    series = subject.series
    yield "Traffic and errors", [_calls(series), _errors(series), _error_rate(series)]
    yield (
        "Latency and sessions' length",
        [
            _percentiles(series, Operation.START_SESSION, "Starting a session"),
            _percentiles(series, Operation.INVOKE, "Running code, until the first token"),
            Graph(
                title="Session duration, average",
                unit="As published (others have read milliseconds)",
                sources=[
                    series.service(
                        "Duration", SESSION_OPERATION, statistic="Average", label="Duration"
                    )
                ],
            ),
        ],
    )
    yield "Sessions", [_sessions(series), _started_and_stopped(series), _oldest(series)]
    yield (
        "Use and estimated cost",
        [
            _use(series),
            Graph(
                title="Estimated cost",
                unit="US dollars per hour",
                sources=[series.cost_per_hour(VCPU_HOUR_PRICE, GB_HOUR_PRICE)],
            ),
            _active_sessions([series]),
        ],
    )


def _calls(series: InterpreterSeries) -> Graph:
    return Graph(
        title="Calls",
        unit="Calls in 5 minutes",
        sources=[
            series.service("Invocations", each, statistic="Sum", label=each.value)
            for each in Operation
        ],
    )


def _errors(series: InterpreterSeries) -> Graph:
    return Graph(
        title="Failed calls, all operations",
        unit="Calls in 5 minutes",
        sources=[
            Calculation(expression=total(using), using=using, label=label)
            for using, label in (
                (series.per_operation("SystemErrors"), "System errors"),
                (series.per_operation("UserErrors"), "User errors"),
                (series.per_operation("Throttles"), "Throttles"),
            )
        ],
    )


def _error_rate(series: InterpreterSeries) -> Graph:
    return Graph(
        title="System errors in proportion",
        unit="Percent of calls",
        sources=[series.error_rate(("SystemErrors",), tuple(Operation))],
    )


def _percentiles(series: InterpreterSeries, operation: Operation, title: str) -> Graph:
    return Graph(
        title=title,
        unit="Milliseconds",
        sources=[
            series.service("Latency", operation, statistic=each, label=each)
            for each in ("p50", "p90", "p99")
        ],
    )


def _sessions(series: InterpreterSeries) -> Graph:
    return Graph(
        title="Sessions that the janitor found",
        unit="Sessions",
        sources=[
            series.own("ActiveSessions", statistic="Maximum", label="Active"),
            series.own("OverAgeSessions", statistic="Maximum", label="Over age"),
        ],
    )


def _started_and_stopped(series: InterpreterSeries) -> Graph:
    started, stopped = (
        series.service("Invocations", operation, statistic="Sum", label=label)
        for operation, label in (
            (Operation.START_SESSION, "Started"),
            (Operation.STOP_SESSION, "Stopped"),
        )
    )
    return Graph(
        title="Started against stopped",
        unit="Sessions in 5 minutes",
        sources=[
            started,
            stopped,
            series.own("SessionsStopped", statistic="Sum", label="of these by the janitor"),
            series.own("StopFailures", statistic="Sum", label="Could not be stopped"),
        ],
    )


def _oldest(series: InterpreterSeries) -> Graph:
    return Graph(
        title="Oldest session",
        unit="Seconds",
        sources=[series.own("OldestSessionAge", statistic="Maximum", label="Age")],
    )


def _use(series: InterpreterSeries) -> Graph:
    return Graph(
        title="Use",
        unit="Hours of a vCPU or a GB, per hour",
        sources=[
            Calculation(expression=total(using), using=using, label=label, period=HOUR)
            for using, label in (
                (series.use("CPUUsed-vCPUHours"), "vCPU hours"),
                (series.use("MemoryUsed-GBHours"), "Memory, GB hours"),
            )
        ],
    )


def _active_sessions(every: Sequence[InterpreterSeries]) -> Graph:
    places = dict.fromkeys((each.account, each.region) for each in every)
    return Graph(
        title="Active sessions of the whole account",
        unit="Sessions",
        sources=[
            account_series(
                account,
                region,
                "ActiveSessionCount",
                statistic="Maximum",
                period=MINUTE,
                label="Active" if len(places) == 1 else f"Active in {region} ({account})",
            )
            for account, region in places
        ],
        limit=("Default quota", _QUOTA),
    )


def of_fleet(subjects: Sequence[Subject]) -> Iterator[Section]:
    """One line for each interpreter."""

    def calls(operation: Operation) -> list[Source]:
        return [
            each.series.service("Invocations", operation, statistic="Sum", label=each.label)
            for each in subjects
        ]

    def summed(name: str) -> list[Source]:
        return [
            Calculation(expression=total(using), using=using, label=each.label)
            for each in subjects
            for using in (each.series.per_operation(name),)
        ]

    def latency(operation: Operation) -> list[Source]:
        return [
            each.series.service("Latency", operation, statistic="p99", label=each.label)
            for each in subjects
        ]

    def own(name: str, statistic: str) -> list[Source]:
        return [each.series.own(name, statistic=statistic, label=each.label) for each in subjects]

    yield (
        "Traffic and errors",
        [
            Graph(title="Code run", unit="Calls in 5 minutes", sources=calls(Operation.INVOKE)),
            Graph(title="System errors", unit="Calls in 5 minutes", sources=summed("SystemErrors")),
            Graph(title="Throttles", unit="Calls in 5 minutes", sources=summed("Throttles")),
        ],
    )
    yield (
        "Latency",
        [
            Graph(
                title="Starting a session, p99",
                unit="Milliseconds",
                sources=latency(Operation.START_SESSION),
            ),
            Graph(
                title="Running code, p99, until the first token",
                unit="Milliseconds",
                sources=latency(Operation.INVOKE),
            ),
            _active_sessions([each.series for each in subjects]),
        ],
    )
    yield (
        "Sessions",
        [
            Graph(
                title="Active sessions", unit="Sessions", sources=own("ActiveSessions", "Maximum")
            ),
            Graph(
                title="Sessions over age",
                unit="Sessions",
                sources=own("OverAgeSessions", "Maximum"),
            ),
            Graph(
                title="Sessions started",
                unit="Sessions in 5 minutes",
                sources=calls(Operation.START_SESSION),
            ),
        ],
    )
    yield (
        "Estimated cost and what could not be stopped",
        [
            Graph(
                title="Estimated cost",
                unit="US dollars per hour",
                sources=[_cost(each) for each in subjects],
            ),
            Graph(
                title="Sessions that the janitor stopped",
                unit="Sessions in 5 minutes",
                sources=own("SessionsStopped", "Sum"),
            ),
            Graph(
                title="Sessions that could not be stopped",
                unit="Sessions in 5 minutes",
                sources=own("StopFailures", "Sum"),
            ),
        ],
    )


def _cost(subject: Subject) -> Calculation:
    cost = subject.series.cost_per_hour(VCPU_HOUR_PRICE, GB_HOUR_PRICE)
    return Calculation(
        expression=cost.expression, using=cost.using, label=subject.label, period=cost.period
    )


def of_functions(functions: Functions, place: Place) -> Iterator[Section]:
    """The session functions of the stacks; nothing where there are none."""
    if not functions.names:
        return

    def of_lambda(name: str, statistic: str) -> list[Source]:
        return [
            _aws("AWS/Lambda", name, {"FunctionName": each}, statistic, label, place)
            for label, each in functions.names.items()
        ]

    letters = [
        _aws(
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            {"QueueName": each},
            "Maximum",
            label,
            place,
        )
        for label, each in functions.queues.items()
    ]
    failures = Graph(
        title="Failed runs and dead letters",
        unit="Runs in 5 minutes, letters",
        sources=[*of_lambda("Errors", "Sum"), *letters],
    )
    yield (
        "Session functions: drain, janitor, canary",
        [
            Graph(title="Runs", unit="Runs in 5 minutes", sources=of_lambda("Invocations", "Sum")),
            failures,
            Graph(
                title="Longest run", unit="Milliseconds", sources=of_lambda("Duration", "Maximum")
            ),
        ],
    )


def _aws(
    namespace: str,
    name: str,
    dimensions: Mapping[str, str],
    statistic: str,
    label: str,
    place: Place,
) -> Series:
    return Series(
        namespace=namespace,
        name=name,
        dimensions=dimensions,
        statistic=statistic,
        period=FIVE_MINUTES,
        label=label,
        account=place.account,
        region=place.region,
    )
