"""Metrics by CloudWatch's embedded metric format: a log line that CloudWatch turns into metrics.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

NAMESPACE = "CdkCodeInterpreter"
NAME_DIMENSION = "CodeInterpreterName"
TOOL_DIMENSION = "Tool"

UNITS: Mapping[str, str] = {
    "ActiveSessions": "Count",
    "OverAgeSessions": "Count",
    "SelectedSessions": "Count",
    "SessionsStopped": "Count",
    "StopFailures": "Count",
    "OldestSessionAge": "Seconds",
    "OrphanInterpreters": "Count",
    "DrainedSessions": "Count",
    "DrainFailures": "Count",
    "CanarySuccess": "Count",
    "CanaryDuration": "Milliseconds",
}


def emf_line(
    values: Mapping[str, float], dimensions: Mapping[str, str], *, timestamp_ms: int
) -> str:
    """The log line for some values of our metrics.

    Args:
        values: Metric name to value; the names are those of `UNITS`.
        dimensions: Dimension name to value; together they are one set, not several.
        timestamp_ms: When the values were taken, in milliseconds since 1970.
    """
    metrics = [{"Name": name, "Unit": UNITS[name]} for name in values]
    directive = {"Namespace": NAMESPACE, "Dimensions": [list(dimensions)], "Metrics": metrics}
    envelope = {"Timestamp": timestamp_ms, "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": envelope, **dimensions, **values})


def emit(values: Mapping[str, float], *, name: str, tool: str | None = None) -> None:
    """Publish some values.

    Args:
        values: Metric name to value.
        name: The interpreter's name, the same in every generation.
        tool: The tool of a canary's check. `None`: the interpreter as a whole.
    """
    dimensions = {NAME_DIMENSION: name}
    if tool is not None:
        dimensions[TOOL_DIMENSION] = tool
    line = emf_line(values, dimensions, timestamp_ms=int(time.time() * 1000))
    print(line)
