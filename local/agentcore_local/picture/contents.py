"""What a dashboard shows: its widgets, with the data that they ask for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from agentcore_local.picture.graphs import Line, lines_of

Client: TypeAlias = Callable[[str], Any]

_DEFAULT_HOURS = 3.0
_START = re.compile(r"-PT?(\d+)([MHDW])")
_UNIT_HOURS = {"M": 1 / 60, "H": 1.0, "D": 24.0, "W": 168.0}
_MOST_LOG_LINES = 50
# CloudFormation's names: the stack's, the logical id with its digest, and something random.
_GENERATED = re.compile(r".+-(?P<id>[A-Za-z0-9]+?)(?:[0-9A-F]{8})?-[A-Za-z0-9]{6,}")
_BEFORE_ALARMS = re.compile(r"^.*Alarms(?=[A-Z])")
_EMPTY_LINK = re.compile(r"\[\]\([^)]*\)")


@dataclass(frozen=True, kw_only=True)
class Box:
    """Where a widget is: columns and rows of a grid of 24 columns."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Text:
    """A text in Markdown."""

    box: Box
    markdown: str


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """An alarm: its name, what it is called here, its state and why it is in it."""

    name: str
    label: str
    state: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Alarms:
    """The states of alarms."""

    box: Box
    title: str
    alarms: Sequence[Alarm]


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A graph: its lines, what its axis counts, and its horizontal lines by their labels."""

    box: Box
    title: str
    unit: str
    lines: Sequence[Line]
    limits: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class LogTable:
    """The latest lines of some logs."""

    box: Box
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


Widget: TypeAlias = Text | Alarms | Graph | LogTable


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """A dashboard and the time that it shows, in seconds since the epoch."""

    name: str
    start: float
    end: float
    widgets: Sequence[Widget]


def read_dashboard(client: Client, name: str, *, now: float, hours: float | None) -> Dashboard:
    """Read a dashboard and everything that it shows; see `draw_dashboard`."""
    client = cache(client)
    cloudwatch = client("cloudwatch")
    whole_name = _found(cloudwatch, name)
    body = json.loads(cloudwatch.get_dashboard(DashboardName=whole_name)["DashboardBody"])
    start = now - 3600 * (hours or _hours(body.get("start", "")))
    widgets = [
        widget
        for each in body.get("widgets", [])
        for widget in _widget(client, each, start=start, end=now)
    ]
    return Dashboard(name=whole_name, start=start, end=now, widgets=widgets)


def _found(cloudwatch: Any, name: str) -> str:
    names = [
        each["DashboardName"]
        for page in cloudwatch.get_paginator("list_dashboards").paginate()
        for each in page["DashboardEntries"]
    ]
    if name in names:
        return name
    beginning = [each for each in names if each.startswith(name)]
    if len(beginning) == 1:
        return str(beginning[0])
    listed = ", ".join(sorted(names)) or "none"
    raise ValueError(f"there is no dashboard {name!r}; there are: {listed}")


def _hours(start: str) -> float:
    found = _START.fullmatch(start)
    return float(found[1]) * _UNIT_HOURS[found[2]] if found else _DEFAULT_HOURS


def _widget(
    client: Client, widget: Mapping[str, Any], *, start: float, end: float
) -> Iterator[Widget]:
    box = Box(**{each: int(widget[each]) for each in ("x", "y", "width", "height")})
    properties = widget["properties"]
    title = properties.get("title", "")
    if widget["type"] == "text":
        yield Text(box=box, markdown=_EMPTY_LINK.sub("", properties["markdown"]))
    elif widget["type"] == "alarm":
        yield Alarms(box=box, title=title, alarms=_alarms(client, properties["alarms"]))
    elif widget["type"] == "metric":
        yield Graph(
            box=box,
            title=title,
            unit=properties.get("yAxis", {}).get("left", {}).get("label", ""),
            lines=lines_of(client("cloudwatch"), properties, start=start, end=end),
            limits={
                each.get("label", ""): float(each["value"])
                for each in properties.get("annotations", {}).get("horizontal", ())
            },
        )
    elif widget["type"] == "log":
        columns = _columns(properties["query"])
        rows = _log_rows(client("logs"), properties["query"], columns, start=start, end=end)
        yield LogTable(box=box, title=title, columns=columns, rows=rows)


def _alarms(client: Client, arns: Sequence[str]) -> list[Alarm]:
    names = [each.split(":alarm:", 1)[-1] for each in arns]
    answer = client("cloudwatch").describe_alarms(
        AlarmNames=names, AlarmTypes=["MetricAlarm", "CompositeAlarm"], MaxRecords=100
    )
    found = {
        each["AlarmName"]: each for each in (*answer["MetricAlarms"], *answer["CompositeAlarms"])
    }
    labels = _labels([name for name in names if name in found])
    return [
        Alarm(
            name=name,
            label=label,
            state=found[name]["StateValue"],
            reason=found[name].get("StateReason", ""),
        )
        for name, label in labels.items()
    ]


def _labels(names: Sequence[str]) -> dict[str, str]:
    """What alarms are called here: as short as tells one from another."""
    generated = {name: _GENERATED.fullmatch(name) for name in names}
    ids = {name: found["id"] if found else name for name, found in generated.items()}
    short = {name: _BEFORE_ALARMS.sub("", each) for name, each in ids.items()}
    return short if len(set(short.values())) == len(short) else ids


def _columns(query: str) -> list[str]:
    fields = re.search(r"\bfields\s+([^|\n]+)", query)
    return [each.strip() for each in fields[1].split(",")] if fields else ["@message"]


def _log_rows(
    logs: Any, query: str, columns: Sequence[str], *, start: float, end: float
) -> list[list[str]]:
    """The latest lines that have a level, as the query asks for."""
    events: list[tuple[float, Mapping[str, Any]]] = []
    for group in re.findall(r"SOURCE '([^']+)'", query):
        events += _events(logs, group)
    # Log lines have the real time, wherever the clock of this AWS was moved to.
    latest = sorted(events, key=lambda each: each[0], reverse=True)[:_MOST_LOG_LINES]
    return [[_field(at, record, column) for column in columns] for at, record in latest]


def _events(logs: Any, group: str) -> Iterator[tuple[float, Mapping[str, Any]]]:
    try:
        events = logs.filter_log_events(logGroupName=group, limit=1000)["events"]
    except logs.exceptions.ResourceNotFoundException:
        return
    for event in events:
        try:
            record = json.loads(event["message"])
        except ValueError:
            continue
        if isinstance(record, dict) and "level" in record:
            yield event["timestamp"] / 1000, record


def _field(at: float, record: Mapping[str, Any], column: str) -> str:
    if column == "@timestamp":
        from datetime import UTC, datetime

        return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")
    return str(record.get(column, ""))
