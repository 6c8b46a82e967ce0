"""Metrics in log lines."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentcore_local.alarms.embedded_metrics import Datum, data_in


def line(record: dict[str, Any], **directive: Any) -> str:
    directives = [{"Namespace": "N", "Dimensions": [["Who"]], "Metrics": [], **directive}]
    return json.dumps({"_aws": {"Timestamp": 1500, "CloudWatchMetrics": directives}, **record})


def test_a_value_is_published_once_for_each_set_of_dimensions() -> None:
    text = line(
        {"Who": "a", "What": "b", "Time": 3},
        Dimensions=[["Who"], ["Who", "What"], []],
        Metrics=[{"Name": "Time", "Unit": "Seconds"}],
    )
    found = list(data_in(text))
    assert [each.dimensions for each in found] == [{"Who": "a"}, {"Who": "a", "What": "b"}, {}]
    assert found[0] == Datum(
        namespace="N",
        name="Time",
        unit="Seconds",
        dimensions={"Who": "a"},
        value=3.0,
        timestamp=1.5,
    )


def test_a_list_is_several_values() -> None:
    text = line({"Who": "a", "Time": [1, 2]}, Metrics=[{"Name": "Time"}])
    assert [(each.value, each.unit) for each in data_in(text)] == [(1.0, "None"), (2.0, "None")]


@pytest.mark.parametrize(
    "text",
    [
        "REPORT RequestId: 1",
        '{"level": "INFO"}',
        '{"_aws": "no"',
        '{"_aws": {}}',
        json.dumps(["_aws"]),
        line({"Time": 1}, Metrics=[{"Name": "Time"}]),  # the dimension has no value
        line({"Who": "a"}, Metrics=[{"Name": "Time"}]),  # the metric has none
        line({"Who": "a", "Time": "1"}, Metrics=[{"Name": "Time"}]),
        line({"Who": "a", "Time": True}, Metrics=[{"Name": "Time"}]),
        line({"Who": "a", "Time": 1}, Metrics=[{"Name": "Time"}], Namespace=""),
    ],
)
def test_what_is_not_of_the_format_publishes_nothing(text: str) -> None:
    assert not list(data_in(text))
