"""The graphs of a dashboard's JSON, as queries for GetMetricData.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_DEFAULT_PERIOD = 300


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a graph: its times in seconds since the epoch, and its values."""

    label: str
    times: Sequence[float]
    values: Sequence[float]


def queries_of(properties: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The metric data queries of a graph; what it hides returns no data."""
    return list(_queries(properties))


def _queries(properties: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    before: list[str] = []
    for number, row in enumerate(properties.get("metrics") or ()):
        *fields, options = row if isinstance(row[-1], dict) else [*row, {}]
        identifier = options.get("id") or f"row{number}"
        shown = options.get("visible", True)
        if "expression" in options:
            yield {
                "Id": identifier,
                "Expression": options["expression"],
                "Label": options.get("label") or options["expression"],
                "ReturnData": shown,
            }
            continue
        # A dot stands for the field above it.
        before = [before[at] if each == "." else each for at, each in enumerate(fields)]
        namespace, name, *dimensions = before
        yield {
            "Id": identifier,
            "Label": options.get("label") or name,
            "ReturnData": shown,
            "MetricStat": {
                "Metric": {
                    "Namespace": namespace,
                    "MetricName": name,
                    "Dimensions": [
                        {"Name": key, "Value": value}
                        for key, value in zip(dimensions[::2], dimensions[1::2], strict=True)
                    ],
                },
                "Period": options.get("period") or properties.get("period") or _DEFAULT_PERIOD,
                "Stat": options.get("stat") or properties.get("stat") or "Average",
            },
            **({"AccountId": options["accountId"]} if "accountId" in options else {}),
        }


def lines_of(
    cloudwatch: Any, properties: Mapping[str, Any], *, start: float, end: float
) -> list[Line]:
    """What a graph shows.

    Args:
        cloudwatch: A boto3 client.
        properties: The widget's properties.
        start: The beginning of the time that is shown, in seconds since the epoch.
        end: Its end.
    """
    found: list[Line] = []
    following: dict[str, str] = {}
    while True:
        answer = cloudwatch.get_metric_data(
            StartTime=start,
            EndTime=end,
            ScanBy="TimestampAscending",
            MetricDataQueries=queries_of(properties),
            **following,
        )
        found += [
            Line(
                label=each["Label"],
                times=[at.timestamp() for at in each["Timestamps"]],
                values=each["Values"],
            )
            for each in answer["MetricDataResults"]
        ]
        if not answer.get("NextToken"):
            return found
        following = {"NextToken": answer["NextToken"]}
