"""What CloudWatch refuses."""

from __future__ import annotations

from typing import Any

import pytest

from agentcore_local.alarms.requests import check_alarm, parameters_of

RULE = {
    "AlarmName": "a",
    "ComparisonOperator": "GreaterThanThreshold",
    "Threshold": 1.0,
    "EvaluationPeriods": 1,
}
STAT = {"Metric": {"Namespace": "N", "MetricName": "x"}, "Period": 60, "Stat": "Sum"}
SINGLE = {**RULE, "Namespace": "N", "MetricName": "x", "Period": 60, "Statistic": "Sum"}
METRIC_MATH = {
    **RULE,
    "Metrics": [
        {"Id": "m", "MetricStat": STAT, "ReturnData": False},
        {"Id": "e", "Expression": "m * 2"},
    ],
}


def test_both_kinds_of_alarm_are_taken() -> None:
    check_alarm(SINGLE)
    check_alarm(METRIC_MATH)


def with_queries(*queries: dict[str, Any]) -> dict[str, Any]:
    return {**RULE, "Metrics": list(queries)}


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (RULE, "either MetricName or Metrics"),
        ({**SINGLE, **METRIC_MATH}, "either MetricName or Metrics"),
        ({**SINGLE, "Namespace": ""}, "needs a Namespace"),
        ({**SINGLE, "Period": 90}, "90 seconds is none of"),
        ({**SINGLE, "Period": None}, "needs a Period"),
        ({**SINGLE, "Statistic": "Total"}, "'Total' is no statistic"),
        ({**SINGLE, "ExtendedStatistic": "p99"}, "either Statistic or ExtendedStatistic"),
        ({**SINGLE, "EvaluationPeriods": 1441}, "across more than a day"),
        ({**SINGLE, "EvaluationPeriods": 0}, "needs EvaluationPeriods"),
        ({**SINGLE, "DatapointsToAlarm": 2}, "1 to EvaluationPeriods"),
        ({**SINGLE, "ComparisonOperator": "Above"}, "ComparisonOperator must be one of"),
        ({**SINGLE, "Threshold": None}, "needs a Threshold"),
        ({**SINGLE, "TreatMissingData": "bad"}, "must not be 'bad'"),
        ({**SINGLE, "AlarmDescription": "x" * 1025}, "at most 1024 characters"),
        ({**SINGLE, "OKActions": ["arn"] * 6}, "OKActions must be at most 5"),
        (with_queries({"Id": "m", "MetricStat": STAT, "ReturnData": False}), "exactly one"),
        (with_queries(*({"Id": "m", "MetricStat": STAT},) * 2), "must differ"),
        (with_queries({"Id": "M", "MetricStat": STAT}), "begin with a small letter"),
        (with_queries({"Id": "m"}), "either Expression or MetricStat"),
        (with_queries({"Id": "e", "Expression": "n + 1"}), "names n, which is not one"),
        (with_queries({"Id": "e", "Expression": "SEARCH('x')"}), "SEARCH is not supported"),
        (
            with_queries(
                *({"Id": f"m{n}", "MetricStat": STAT, "ReturnData": n == 0} for n in range(11))
            ),
            "at most 10",
        ),
    ],
)
def test_an_alarm_that_cannot_be_is_refused(request_: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_alarm(request_)


def test_query_parameters_become_typed() -> None:
    given = {
        "AlarmName": ["a"],
        "Threshold": ["1.5"],
        "EvaluationPeriods": ["3"],
        "ActionsEnabled": ["false"],
        "AlarmActions.member.1": ["arn:1"],
        "AlarmActions.member.2": ["arn:2"],
        "Metrics.member.1.Id": ["m"],
        "Metrics.member.1.MetricStat.Period": ["60"],
        "Metrics.member.1.ReturnData": ["true"],
        "Action": ["PutMetricAlarm"],
    }
    assert parameters_of("PutMetricAlarm", given) == {
        "AlarmName": "a",
        "Threshold": 1.5,
        "EvaluationPeriods": 3,
        "ActionsEnabled": False,
        "AlarmActions": ["arn:1", "arn:2"],
        "Metrics": [{"Id": "m", "MetricStat": {"Period": 60}, "ReturnData": True}],
    }


def test_properties_of_templates_become_typed() -> None:
    given = {
        "Threshold": "1",
        "AlarmActions": ["arn:1"],
        "Metrics": [{"Id": "m", "MetricStat": {"Period": "60"}}],
    }
    assert parameters_of("PutMetricAlarm", given) == {
        "Threshold": 1.0,
        "AlarmActions": ["arn:1"],
        "Metrics": [{"Id": "m", "MetricStat": {"Period": 60}}],
    }
