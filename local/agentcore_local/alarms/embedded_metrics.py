"""Metrics in log lines: CloudWatch's embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_MOST_METRICS = 100
_MOST_DIMENSIONS = 30


@dataclass(frozen=True, kw_only=True)
class Datum:
    """One value of one metric."""

    namespace: str
    name: str
    unit: str
    dimensions: Mapping[str, str]
    value: float
    timestamp: float


def data_in(line: str) -> Iterator[Datum]:
    """The values that a log line publishes; none if it is not of the format."""
    if '"_aws"' not in line:
        return
    try:
        record = json.loads(line)
    except ValueError:
        return
    envelope = record.get("_aws") if isinstance(record, dict) else None
    if not isinstance(envelope, dict) or not _is_number(envelope.get("Timestamp")):
        return
    timestamp = envelope["Timestamp"] / 1000
    for directive in envelope.get("CloudWatchMetrics") or ():
        if isinstance(directive, dict) and directive.get("Namespace"):
            yield from _of_directive(record, directive, timestamp)


def _of_directive(
    record: Mapping[str, Any], directive: Mapping[str, Any], timestamp: float
) -> Iterator[Datum]:
    sets = [_dimensions(record, each) for each in directive.get("Dimensions") or [[]]]
    for metric in (directive.get("Metrics") or ())[:_MOST_METRICS]:
        for value in _values(record.get(metric.get("Name"))):
            for dimensions in sets:
                if dimensions is not None:
                    yield Datum(
                        namespace=directive["Namespace"],
                        name=metric["Name"],
                        unit=metric.get("Unit", "None"),
                        dimensions=dimensions,
                        value=value,
                        timestamp=timestamp,
                    )


def _dimensions(record: Mapping[str, Any], names: Sequence[str]) -> dict[str, str] | None:
    """The dimensions of a set; none where one of them has no text."""
    if len(names) > _MOST_DIMENSIONS:
        return None
    found = {name: record.get(name) for name in names}
    if not all(isinstance(each, str) and each for each in found.values()):
        return None
    return {name: str(value) for name, value in found.items()}


def _values(value: Any) -> list[float]:
    values = value if isinstance(value, list) else [value]
    return [float(each) for each in values if _is_number(each)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
