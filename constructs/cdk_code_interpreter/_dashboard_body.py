"""What a dashboard shows, as its JSON.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ._series import (
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
from .metrics import GB_HOUR_PRICE, VCPU_HOUR_PRICE

COLUMNS = 24
_GRAPH_WIDTH = 8
_GRAPH_HEIGHT = 6
# The most that the console shows in one widget.
_ALARMS_PER_WIDGET = 100
# The service's default quota of active sessions.
_QUOTA = 1000

Source = Series | Calculation
Widget = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One interpreter of a dashboard.

    Attributes:
        label: What it is called in graphs.
        series: Its metrics.
        alarm_arns: Its alarms.
        composite_arn: The alarm that rolls them up. `None`: there is none.
        generation: Name of an interpreter of another stack. A reference to it is weak, and is
            read anew only when this stack's own template changes: with this name it does.
    """

    label: str
    series: InterpreterSeries
    generation: str | None = None
    alarm_arns: Sequence[str] = ()
    composite_arn: str | None = None


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


def widgets(
    title: str,
    subjects: Sequence[Subject],
    shared_alarm_arns: Sequence[str],
    functions: Functions,
    place: Place,
) -> list[Widget]:
    """Every widget of a dashboard, each in its place.

    Args:
        title: The dashboard's title.
        subjects: The interpreters: one in detail, or several with one line each.
        shared_alarm_arns: Alarms that are no interpreter's own.
        functions: The session functions.
        place: Where the dashboard is.
    """
    page = _Page(place)
    page.text(_header(title, subjects), height=2)
    alarms = [*_alarms_of(subjects), *shared_alarm_arns]
    for first in range(0, len(alarms), _ALARMS_PER_WIDGET):
        page.alarms("Alarms", alarms[first : first + _ALARMS_PER_WIDGET])
    sections = _one(subjects[0]) if len(subjects) == 1 else _fleet(subjects)
    for heading, graphs in (*sections, *_function_sections(functions, place)):
        page.section(heading, graphs)
    if functions.log_groups:
        page.log("What the session functions did and could not do", functions.log_groups)
    return page.widgets


def count_metrics(widget: Widget) -> int:
    """How many metrics a widget counts for: hidden ones and expressions too."""
    return len(widget["properties"].get("metrics", ()))


def _header(title: str, subjects: Sequence[Subject]) -> str:
    names = ", ".join(each.label for each in subjects[:10])
    more = f" and {len(subjects) - 10} more" if len(subjects) > 10 else ""
    # An empty link: in the template, but nowhere to be seen.
    generations = "".join(f"[](#{each.generation})" for each in subjects if each.generation)
    return (
        f"# {title}\nCode interpreters: {names}{more}. Use and cost come up to an hour late; cost "
        f"is an estimate.{generations}"
    )


def _alarms_of(subjects: Sequence[Subject]) -> list[str]:
    if len(subjects) == 1:
        (only,) = subjects
        composite = [] if only.composite_arn is None else [only.composite_arn]
        return [*composite, *only.alarm_arns]
    return [each.composite_arn for each in subjects if each.composite_arn is not None]


def _one(subject: Subject) -> Iterator[tuple[str, Sequence[Graph]]]:
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


def _fleet(subjects: Sequence[Subject]) -> Iterator[tuple[str, Sequence[Graph]]]:
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


def _function_sections(functions: Functions, place: Place) -> Iterator[tuple[str, Sequence[Graph]]]:
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


class _Page:
    """Puts widgets below one another."""

    def __init__(self, place: Place) -> None:
        self.widgets: list[Widget] = []
        self._place = place
        self._y = 0

    def text(self, markdown: str, *, height: int) -> None:
        self._add("text", COLUMNS, height, {"markdown": markdown})

    def alarms(self, title: str, arns: Sequence[str]) -> None:
        height = 2 + (len(arns) + 5) // 6
        self._add("alarm", COLUMNS, height, {"title": title, "alarms": list(arns)})

    def log(self, title: str, groups: Sequence[str]) -> None:
        sources = " | ".join(f"SOURCE '{each}'" for each in groups)
        query = (
            f"{sources} | fields @timestamp, level, message, interpreter, why"
            "\n| filter ispresent(level)\n| sort @timestamp desc\n| limit 50"
        )
        properties = {
            "title": title,
            "query": query,
            "view": "table",
            "region": self._place.region,
        }
        self._add("log", COLUMNS, _GRAPH_HEIGHT, properties)

    def section(self, heading: str, graphs: Sequence[Graph]) -> None:
        self.text(f"## {heading}", height=1)
        for first in range(0, len(graphs), COLUMNS // _GRAPH_WIDTH):
            row = graphs[first : first + COLUMNS // _GRAPH_WIDTH]
            for column, graph in enumerate(row):
                self.widgets.append(
                    _widget(
                        "metric",
                        (column * _GRAPH_WIDTH, self._y, _GRAPH_WIDTH, _GRAPH_HEIGHT),
                        _graph_properties(graph, self._place),
                    )
                )
            self._y += _GRAPH_HEIGHT

    def _add(self, kind: str, width: int, height: int, properties: dict[str, Any]) -> None:
        self.widgets.append(_widget(kind, (0, self._y, width, height), properties))
        self._y += height


def _widget(kind: str, box: tuple[int, int, int, int], properties: dict[str, Any]) -> Widget:
    x, y, width, height = box
    return {
        "type": kind,
        "x": x,
        "y": y,
        "width": width,
        "height": height,
        "properties": properties,
    }


def _graph_properties(graph: Graph, place: Place) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "title": graph.title,
        "view": "timeSeries",
        "stacked": False,
        "region": place.region,
        "yAxis": {"left": {"label": graph.unit, "min": 0, "showUnits": False}},
        "metrics": [
            row
            for number, source in enumerate(graph.sources)
            for row in _rows(source, f"s{number}", place)
        ],
    }
    if graph.limit is not None:
        label, value = graph.limit
        properties["annotations"] = {"horizontal": [{"label": label, "value": value}]}
    return properties


def _rows(source: Source, prefix: str, place: Place) -> Iterator[list[Any]]:
    if isinstance(source, Series):
        yield _row(source, place, label=source.label)
        return
    ids = {name: f"{prefix}_{name}" for name in source.using}
    pattern = re.compile("|".join(rf"\b{name}\b" for name in ids))
    for name, each in source.inputs().items():
        yield _row(each, place, id=ids[name], visible=False)
    yield [
        {
            "expression": pattern.sub(lambda found: ids[found[0]], source.expression),
            "id": prefix,
            "label": source.label,
            "period": source.period,
            **_elsewhere(next(iter(source.using.values())), place, expression=True),
        }
    ]


def _row(series: Series, place: Place, **options: Any) -> list[Any]:
    dimensions = [part for pair in series.dimensions.items() for part in pair]
    return [
        series.namespace,
        series.name,
        *dimensions,
        {
            "stat": series.statistic,
            "period": series.period,
            **options,
            **_elsewhere(series, place),
        },
    ]


def _elsewhere(series: Series, place: Place, *, expression: bool = False) -> dict[str, str]:
    found = {}
    if series.region != place.region:
        found["region"] = series.region
    if series.account != place.account and not expression:
        found["accountId"] = series.account
    return found
