"""Embedded metrics, held against CloudWatch's specification and botocore's model."""

import json
import time

import botocore.session
import pytest

from session_manager.metrics import NAMESPACE, UNITS, emf_line, emit


def test_units_are_those_that_cloudwatch_knows():
    model = botocore.session.get_session().get_service_model("cloudwatch")
    known = model.shape_for("StandardUnit").enum
    assert set(UNITS.values()) <= set(known)


@pytest.mark.parametrize("tool", [None, "python"])
def test_a_line_holds_what_its_directive_names(log_lines, tool):
    before = int(time.time() * 1000)
    emit({"CanarySuccess": 1, "CanaryDuration": 12.5}, name="Sandbox_0123456789", tool=tool)
    (line,) = log_lines()
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert before <= line["_aws"]["Timestamp"] <= int(time.time() * 1000)
    assert directive["Namespace"] == NAMESPACE
    (dimensions,) = directive["Dimensions"]
    expected = {"CodeInterpreterName": "Sandbox_0123456789"} | ({"Tool": tool} if tool else {})
    assert {name: line[name] for name in dimensions} == expected
    values = {each["Name"]: (line[each["Name"]], each["Unit"]) for each in directive["Metrics"]}
    assert values == {"CanarySuccess": (1, "Count"), "CanaryDuration": (12.5, "Milliseconds")}


def test_a_metric_that_was_never_declared_is_refused():
    with pytest.raises(KeyError):
        emf_line({"Surprise": 1}, {}, timestamp_ms=0)


def test_a_line_is_one_line():
    line = emf_line({"ActiveSessions": 3}, {"CodeInterpreterName": "a\nb"}, timestamp_ms=7)
    assert "\n" not in line
    assert json.loads(line)["_aws"]["Timestamp"] == 7
