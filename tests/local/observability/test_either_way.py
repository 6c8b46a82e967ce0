"""What CloudWatch's documentation leaves open makes no difference to the alarms.

Open is whether `FILL` fills a series that never had any data. Each alarm's own queries, taken from
a template, are evaluated both ways over data of a made-up kind.
"""

from __future__ import annotations

from typing import Any

import pytest

from agentcore_local.alarms.queries import Grid, Metric, Queries
from agentcore_local.alarms.states import Rule, next_state
from agentcore_local.alarms.values import Series

from .observed import template_of

PERIODS = 5
Published = dict[str, list[float | None]]
QUIET: Published = {}


@pytest.fixture(scope="module")
def alarms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    resources = template_of(tmp_path_factory.mktemp("template"))["Resources"]
    return {
        name[:-8].removeprefix("CodeInterpreterStackAlarms").removeprefix("Alarms"): properties
        for name, resource in resources.items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
        for properties in (resource["Properties"],)
    }


def state_of(
    alarm: dict[str, Any], published: Published, *, fills: bool, before: str = "OK"
) -> str:
    """The state of an alarm when some metrics were published, the newest value last.

    A metric is named, with its operation or the kind of its resource where that matters.
    """

    def read(metric: Metric, grid: Grid) -> Series:
        resource = str(metric.dimensions.get("Resource", ""))
        kind = "arn" if "CodeInterpreterArn" in resource else "id"
        names = (
            metric.name,
            f"{metric.name} {metric.dimensions.get('Operation', '')}",
            f"{metric.name} by {kind}",
        )
        found = [published[each] for each in names if each in published]
        return found[0] if found else [None] * grid.length

    (result,) = Queries(
        alarm["Metrics"],
        read=read,
        grid_of=lambda period: Grid(0, period, PERIODS),
        fill_without_data=fills,
    ).results()
    rule = Rule(
        comparison=alarm["ComparisonOperator"],
        threshold=float(alarm["Threshold"]),
        periods=alarm["EvaluationPeriods"],
        datapoints=alarm["DatapointsToAlarm"],
        missing=alarm["TreatMissingData"],
    )
    newest_first = list(reversed(result.series[0]))[: rule.periods + 2]
    return next_state(rule, newest_first, before)[0]


INVOKE = "InvokeCodeInterpreter"
ALWAYS: list[float | None] = [1.0] * PERIODS
GONE: list[float | None] = [1.0, 1.0, None, None, None]
CASES: list[tuple[str, Published, str]] = [
    ("SystemErrors", QUIET, "OK"),
    ("SystemErrors", {f"Invocations {INVOKE}": ALWAYS}, "OK"),
    (
        "SystemErrors",
        {f"Invocations {INVOKE}": ALWAYS, f"SystemErrors {INVOKE}": [None, None, None, 1, 1]},
        "ALARM",
    ),
    ("Throttles", QUIET, "OK"),
    ("Throttles", {f"Throttles {INVOKE}": [None, None, None, 10, 10]}, "ALARM"),
    ("Latency", {"Latency InvokeCodeInterpreter": [60_000.0] * PERIODS}, "ALARM"),
    ("Latency", {"Latency StartCodeInterpreterSession": [1.0] * PERIODS}, "OK"),
    ("StopFailures", QUIET, "OK"),
    ("StopFailures", {"DrainFailures": [None, None, None, None, 1.0]}, "ALARM"),
    ("Cost", QUIET, "OK"),
    (
        "Cost",
        {"CPUUsed-vCPUHours by id": ALWAYS, "MemoryUsed-GBHours by id": ALWAYS},
        "ALARM",
    ),
    (
        "Cost",
        {"CPUUsed-vCPUHours by arn": ALWAYS, "MemoryUsed-GBHours by arn": ALWAYS},
        "ALARM",
    ),
    ("JanitorSilent", {"ActiveSessions": ALWAYS}, "OK"),
    ("JanitorSilent", {"ActiveSessions": [1.0, 1.0, 1.0, None, None]}, "OK"),
    ("JanitorSilent", {"ActiveSessions": GONE}, "ALARM"),
    ("CanaryFailing", {"CanarySuccess": ALWAYS}, "OK"),
    ("CanaryFailing", {"CanarySuccess": [1.0, 1.0, 1.0, 0.0, 0.0]}, "ALARM"),
    ("CanaryFailing", {"CanarySuccess": [1.0, 1.0, 1.0, None, None]}, "ALARM"),
    ("OverAgeSessions", {"OverAgeSessions": ALWAYS, "SessionsStopped": [0.0] * PERIODS}, "ALARM"),
    ("OverAgeSessions", {"OverAgeSessions": ALWAYS, "SessionsStopped": ALWAYS}, "OK"),
    ("FunctionErrors", QUIET, "OK"),
    ("FunctionErrors", {"Errors": ALWAYS}, "ALARM"),
    ("AccountCost", {"CPUUsed-vCPUHours": ALWAYS, "MemoryUsed-GBHours": ALWAYS}, "ALARM"),
]


@pytest.mark.parametrize("fills", [False, True])
@pytest.mark.parametrize(("name", "published", "state"), CASES)
def test_an_alarm_is_in_the_same_state_either_way(
    alarms: dict[str, dict[str, Any]], name: str, published: Published, state: str, fills: bool
) -> None:
    assert state_of(alarms[name], published, fills=fills) == state


@pytest.mark.parametrize("name", ["JanitorSilent", "CanaryFailing"])
def test_a_new_alarm_on_silence_waits_for_the_first_word(
    alarms: dict[str, dict[str, Any]], name: str
) -> None:
    """Where `FILL` leaves what was never there alone, as far as anybody has seen."""
    before = "INSUFFICIENT_DATA"
    assert state_of(alarms[name], QUIET, fills=False, before=before) == before


@pytest.mark.parametrize("name", ["JanitorSilent", "CanaryFailing"])
def test_an_alarm_on_silence_stays_raised_while_it_lasts(
    alarms: dict[str, dict[str, Any]], name: str
) -> None:
    for fills in (False, True):
        assert state_of(alarms[name], QUIET, fills=fills, before="ALARM") == "ALARM"
