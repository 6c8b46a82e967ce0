"""Requests of CloudWatch: typed parameters, and what the service refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from agentcore_local.alarms.metric_math import names_in
from agentcore_local.alarms.states import comparisons

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html and
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
_LONGEST_EVALUATION_SECONDS = 86_400
_MOST_QUERIES = 10
_MOST_ACTIONS = 5
_LONGEST_DESCRIPTION = 1024
_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")
_STATISTIC = re.compile(r"SampleCount|Average|Sum|Minimum|Maximum|(p|tm|tc|ts|wm)\d+(\.\d+)?|IQM")
_HIGH_RESOLUTION = (1, 5, 10, 20, 30)


@cache
def _input_shape(operation: str) -> Any:
    import botocore.session

    model = botocore.session.Session().get_service_model("cloudwatch")
    return model.operation_model(operation).input_shape


def parameters_of(operation: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Typed parameters of an operation.

    Args:
        operation: The operation's name.
        given: Parameters in the query protocol, each a list with one text
            (``Metrics.member.1.Id``), or a template's properties, whose numbers may be texts.
    """
    nested: dict[str, Any] = {}
    for name, value in given.items():
        _put(nested, name.split("."), value[0] if _is_query_value(name, value) else value)
    typed: dict[str, Any] = _typed(nested, _input_shape(operation))
    return typed


def _is_query_value(name: str, value: Any) -> bool:
    single = isinstance(value, list) and len(value) == 1 and isinstance(value[0], str)
    return single and ("." in name or not name.endswith(("Actions", "Names")))


def _put(into: dict[str, Any], path: Sequence[str], value: Any) -> None:
    first, *rest = path
    if rest:
        _put(into.setdefault(first, {}), rest, value)
    else:
        into[first] = value


def _typed(value: Any, shape: Any) -> Any:
    if shape.type_name == "structure" and isinstance(value, dict):
        return {
            name: _typed(each, shape.members[name])
            for name, each in value.items()
            if name in shape.members
        }
    if shape.type_name == "list":
        if isinstance(value, dict):  # the query protocol's member.1, member.2, ...
            members = value.get("member", {})
            value = [members[number] for number in sorted(members, key=int)]
        return [_typed(each, shape.member) for each in value]
    return _scalar(value, shape.type_name)


def _scalar(value: Any, kind: str) -> Any:
    if kind in ("integer", "long"):
        return int(value)
    if kind in ("double", "float"):
        return float(value)
    if kind == "boolean":
        return value if isinstance(value, bool) else str(value).lower() == "true"
    return value


def check_alarm(request: Mapping[str, Any]) -> None:
    """Refuse an alarm that CloudWatch would refuse.

    Raises:
        ValueError: What is wrong with it.
    """
    queries = request.get("Metrics") or []
    single = bool(request.get("MetricName"))
    problems = [
        *_kind_problems(single, queries),
        *(_single_problems(request) if single else []),
        *(_query_problems(queries) if queries else []),
        *_rule_problems(request),
        *_size_problems(request),
        *_evaluation_problems(request, queries),
    ]
    if problems:
        raise ValueError("; ".join(problems))


def _kind_problems(single: bool, queries: Sequence[Any]) -> list[str]:
    if single == bool(queries):
        return ["an alarm needs either MetricName or Metrics"]
    return []


def _single_problems(request: Mapping[str, Any]) -> list[str]:
    problems = []
    if not request.get("Namespace"):
        problems.append("an alarm with MetricName needs a Namespace")
    if not request.get("Period"):
        problems.append("an alarm with MetricName needs a Period")
    statistics = [request.get(each) for each in ("Statistic", "ExtendedStatistic")]
    found = [each for each in statistics if each]
    if len(found) != 1:
        problems.append("an alarm with MetricName needs either Statistic or ExtendedStatistic")
    problems += [f"{each!r} is no statistic" for each in found if not _STATISTIC.fullmatch(each)]
    return problems


def _query_problems(queries: Sequence[Mapping[str, Any]]) -> list[str]:
    ids = [each.get("Id", "") for each in queries]
    returned = [each["Id"] for each in queries if each.get("ReturnData", True)]
    problems = []
    if len(queries) > _MOST_QUERIES:
        problems.append(f"Metrics must be at most {_MOST_QUERIES}, got {len(queries)}")
    if len(set(ids)) != len(ids):
        problems.append("the Ids of Metrics must differ")
    if len(returned) != 1:
        problems.append(f"exactly one of Metrics must return data, got {returned}")
    for query in queries:
        problems += _one_query_problems(query, ids)
    return problems


def _one_query_problems(query: Mapping[str, Any], ids: Sequence[str]) -> list[str]:
    identifier = query.get("Id", "")
    problems = []
    if not _ID.fullmatch(identifier):
        problems.append(f"the Id {identifier!r} must begin with a small letter")
    if ("Expression" in query) == ("MetricStat" in query):
        problems.append(f"{identifier} needs either Expression or MetricStat")
    if "MetricStat" in query:
        statistic = query["MetricStat"].get("Stat", "")
        if not _STATISTIC.fullmatch(statistic):
            problems.append(f"{statistic!r} is no statistic")
        return problems
    expression = query.get("Expression", "")
    if "SEARCH(" in expression.upper():
        problems.append("SEARCH is not supported on Metric Alarms")
    problems += [
        f"{identifier} names {each}, which is not one of Metrics"
        for each in sorted(names_in(expression) - set(ids))
    ]
    return problems


def _rule_problems(request: Mapping[str, Any]) -> list[str]:
    problems = []
    if request.get("ComparisonOperator") not in comparisons():
        problems.append(f"ComparisonOperator must be one of {', '.join(comparisons())} here")
    if request.get("Threshold") is None:
        problems.append("an alarm needs a Threshold")
    periods, datapoints = request.get("EvaluationPeriods"), request.get("DatapointsToAlarm")
    if not periods:
        problems.append("an alarm needs EvaluationPeriods")
    elif datapoints is not None and not 1 <= datapoints <= periods:
        problems.append("DatapointsToAlarm must be 1 to EvaluationPeriods")
    treated = request.get("TreatMissingData") or "missing"
    if treated not in ("breaching", "notBreaching", "ignore", "missing"):
        problems.append(f"TreatMissingData must not be {treated!r}")
    return problems


def _size_problems(request: Mapping[str, Any]) -> list[str]:
    problems = []
    if len(request.get("AlarmDescription") or "") > _LONGEST_DESCRIPTION:
        problems.append(f"AlarmDescription must have at most {_LONGEST_DESCRIPTION} characters")
    for kind in ("AlarmActions", "OKActions", "InsufficientDataActions"):
        if len(request.get(kind) or ()) > _MOST_ACTIONS:
            problems.append(f"{kind} must be at most {_MOST_ACTIONS}")
    return problems


def _evaluation_problems(
    request: Mapping[str, Any], queries: Sequence[Mapping[str, Any]]
) -> list[str]:
    periods = [int(request["Period"])] if request.get("Period") else []
    periods += [int(each["MetricStat"]["Period"]) for each in queries if "MetricStat" in each]
    problems = [
        f"a period of {each} seconds is none of 10, 20, 30 and the multiples of 60"
        for each in periods
        if each not in _HIGH_RESOLUTION and (each < 60 or each % 60)
    ]
    longest = max(periods, default=0) * int(request.get("EvaluationPeriods") or 1)
    if longest > _LONGEST_EVALUATION_SECONDS:
        problems.append("Metrics cannot be checked across more than a day")
    return problems
