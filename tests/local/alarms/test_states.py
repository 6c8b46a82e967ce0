"""The states of the documentation's own tables.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import pytest

from agentcore_local.alarms.states import Rule, next_state

PRESENT = "the present state"
MISSING, IGNORE, BREACHING, NOT_BREACHING = "missing", "ignore", "breaching", "notBreaching"
TREATMENTS = (MISSING, IGNORE, BREACHING, NOT_BREACHING)

# Data points with the newest last: 0 is within the threshold, X breaches it, - is missing.
THREE_OF_THREE = {
    "0-X-X": ("OK", "OK", "OK", "OK"),
    "0----": ("OK", "OK", "OK", "OK"),
    "-----": ("INSUFFICIENT_DATA", PRESENT, "ALARM", "OK"),
    "0XX-X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "--X--": ("ALARM", PRESENT, "ALARM", "OK"),
}
TWO_OF_THREE = {
    "0-X-X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "00X0X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "0-X--": ("OK", "OK", "ALARM", "OK"),
    "----0": ("OK", "OK", "ALARM", "OK"),
    "---X-": ("ALARM", PRESENT, "ALARM", "OK"),
}


@pytest.mark.parametrize("treatment", TREATMENTS)
@pytest.mark.parametrize(
    ("datapoints", "points", "states"),
    [
        *((3, points, states) for points, states in THREE_OF_THREE.items()),
        *((2, points, states) for points, states in TWO_OF_THREE.items()),
    ],
)
def test_missing_data_is_treated_as_documented(
    datapoints: int, points: str, states: tuple[str, ...], treatment: str
) -> None:
    rule = Rule(
        comparison="GreaterThanThreshold",
        threshold=0.5,
        periods=3,
        datapoints=datapoints,
        missing=treatment,
    )
    values = [{"0": 0.0, "X": 1.0, "-": None}[each] for each in reversed(points)]
    state, reason = next_state(rule, values, PRESENT)
    assert state == states[TREATMENTS.index(treatment)]
    assert reason


@pytest.mark.parametrize(
    ("comparison", "raised_by"),
    [
        ("GreaterThanThreshold", {2.0}),
        ("GreaterThanOrEqualToThreshold", {1.0, 2.0}),
        ("LessThanThreshold", {0.0}),
        ("LessThanOrEqualToThreshold", {0.0, 1.0}),
    ],
)
def test_comparisons(comparison: str, raised_by: set[float]) -> None:
    rule = Rule(comparison=comparison, threshold=1.0, periods=1, datapoints=1)
    raised = {each for each in (0.0, 1.0, 2.0) if next_state(rule, [each], "OK")[0] == "ALARM"}
    assert raised == raised_by
