"""Queries that name one another."""

from __future__ import annotations

from typing import Any

import pytest

from agentcore_local.alarms.queries import Grid, Metric, Queries
from agentcore_local.alarms.values import ExpressionError, Series


def metric(identifier: str, period: int = 60, **options: Any) -> dict[str, Any]:
    stat = {"Metric": {"Namespace": "N", "MetricName": identifier}, "Period": period, "Stat": "Sum"}
    return {"Id": identifier, "MetricStat": stat, **options}


def expression(identifier: str, text: str, **options: Any) -> dict[str, Any]:
    return {"Id": identifier, "Expression": text, **options}


def ones(metric: Metric, grid: Grid) -> Series:
    return [1.0] * grid.length


def results(*queries: dict[str, Any]) -> list[Any]:
    return Queries(queries, read=ones, grid_of=lambda period: Grid(0, period, 3)).results()


def test_only_what_is_to_be_returned_is_returned() -> None:
    (found,) = results(metric("m", ReturnData=False), expression("e", "m * 2"))
    assert (found.id, found.series[0]) == ("e", [2.0, 2.0, 2.0])


def test_expressions_may_name_expressions_that_come_later() -> None:
    first, *_ = results(expression("e1", "e2 + 1"), expression("e2", "m * 2"), metric("m"))
    assert first.series[0] == [3.0, 3.0, 3.0]


@pytest.mark.parametrize(
    ("queries", "said"),
    [
        ([expression("e", "e + 1")], "names itself"),
        ([expression("e", "m + 1")], "names m, which is no query"),
        ([expression("e", "SEARCH('x', 'Sum')")], "SEARCH is not known here"),
        ([metric("a", 60), metric("b", 300), expression("e", "a + b")], "must have one period"),
        (
            [metric("m"), expression("e", "[m, m]"), expression("f", "e + 1")],
            "an array of series",
        ),
    ],
)
def test_what_cannot_be_evaluated_is_refused(queries: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(ExpressionError, match=said):
        results(*queries)
