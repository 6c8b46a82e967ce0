"""Metric data queries: what alarms read, and what GetMetricData answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentcore_local.alarms.metric_math import Inputs, evaluate, names_in
from agentcore_local.alarms.values import ExpressionError, Series


@dataclass(frozen=True)
class Grid:
    """Periods one after the other, the oldest first.

    Attributes:
        start: The beginning of the first, in seconds since the epoch.
        period: Seconds of each.
        length: How many there are.
    """

    start: float
    period: int
    length: int

    def starts(self) -> list[float]:
        """The beginnings of the periods."""
        return [self.start + number * self.period for number in range(self.length)]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric of one statistic.

    Attributes:
        namespace: Its namespace.
        name: Its name.
        dimensions: All of its dimensions: with fewer it is another metric.
        statistic: Such as `Sum` or `p99`.
        unit: Only data that was published with this unit. `None`: with any.
        account: The account that it is in. `None`: the caller's.
    """

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    statistic: str
    unit: str | None = None
    account: str | None = None


Read = Callable[[Metric, Grid], Series]
"""Reads a metric: one value for each period of a grid."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a query gives: several series where it is an array."""

    id: str
    label: str
    grid: Grid
    series: Sequence[Series]


class Queries:
    """Evaluates metric data queries together: expressions name the others by their ids.

    Args:
        queries: As PutMetricAlarm and GetMetricData take them.
        read: Reads a metric.
        grid_of: Gives the grid for a period.
        fill_without_data: See `metric_math.Inputs`.
    """

    def __init__(
        self,
        queries: Sequence[Mapping[str, Any]],
        *,
        read: Read,
        grid_of: Callable[[int], Grid],
        fill_without_data: bool = False,
    ) -> None:
        self._queries = {each["Id"]: each for each in queries}
        self._read = read
        self._grid_of = grid_of
        self._fill_without_data = fill_without_data
        self._results: dict[str, Result] = {}

    def results(self) -> list[Result]:
        """What the queries give whose data is returned.

        Raises:
            ExpressionError: An expression cannot be evaluated.
        """
        return [
            self.result(identifier)
            for identifier, query in self._queries.items()
            if query.get("ReturnData", True)
        ]

    def result(self, identifier: str, within: frozenset[str] = frozenset()) -> Result:
        """What one query gives."""
        if identifier in within:
            raise ExpressionError(f"the expression {identifier!r} names itself")
        if identifier not in self._results:
            self._results[identifier] = self._evaluate(identifier, within | {identifier})
        return self._results[identifier]

    def _evaluate(self, identifier: str, within: frozenset[str]) -> Result:
        query = self._queries[identifier]
        label = query.get("Label") or identifier
        if "MetricStat" in query:
            metric, period = metric_of(query)
            grid = self._grid_of(period)
            values = self._read(metric, grid)
            return Result(id=identifier, label=label, grid=grid, series=[values])
        return self._calculate(identifier, query, label, within)

    def _calculate(
        self, identifier: str, query: Mapping[str, Any], label: str, within: frozenset[str]
    ) -> Result:
        expression = query["Expression"]
        if expression.lstrip().upper().startswith(("SEARCH", "SELECT")):
            raise ExpressionError(f"{expression.split('(')[0]} is not known here")
        named = sorted(names_in(expression))
        if missing := [each for each in named if each not in self._queries]:
            raise ExpressionError(f"{expression!r} names {', '.join(missing)}, which is no query")
        inputs = {each: self.result(each, within) for each in named}
        grids = {each.grid for each in inputs.values()}
        if len(grids) != 1:
            raise ExpressionError(
                f"the metrics of {expression!r} must have one period here, got "
                f"{sorted(each.period for each in grids)}"
            )
        (grid,) = grids
        series = {name: _only(each, name) for name, each in inputs.items()}
        found = evaluate(
            expression,
            Inputs(
                series=series,
                length=grid.length,
                periods={name: each.grid.period for name, each in inputs.items()},
                fill_without_data=self._fill_without_data,
            ),
        )
        return Result(id=identifier, label=label, grid=grid, series=found)


def metric_of(query: Mapping[str, Any]) -> tuple[Metric, int]:
    """The metric of a query and its period in seconds."""
    statistic = query["MetricStat"]
    metric = statistic["Metric"]
    return (
        Metric(
            namespace=metric["Namespace"],
            name=metric["MetricName"],
            dimensions={each["Name"]: each["Value"] for each in metric.get("Dimensions") or ()},
            statistic=statistic["Stat"],
            unit=statistic.get("Unit"),
            account=query.get("AccountId"),
        ),
        int(statistic["Period"]),
    )


def _only(result: Result, name: str) -> Series:
    if len(result.series) != 1:
        raise ExpressionError(f"{name!r} is an array of series, one is needed here")
    return result.series[0]
