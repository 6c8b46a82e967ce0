"""What a dashboard shows, as its JSON.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from ..metrics.series import Series
from ._dashboard_graphs import (
    Functions,
    Graph,
    Place,
    Source,
    Subject,
    of_fleet,
    of_functions,
    of_one,
)

COLUMNS = 24
_GRAPH_WIDTH = 8
_GRAPH_HEIGHT = 6
# The most that the console shows in one widget.
_ALARMS_PER_WIDGET = 100

Widget = dict[str, Any]


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
    sections = of_one(subjects[0]) if len(subjects) == 1 else of_fleet(subjects)
    for heading, graphs in (*sections, *of_functions(functions, place)):
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
        return list(subjects[0].alarm_arns)
    return [arn for each in subjects for arn in each.alarm_arns[:1]]


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
