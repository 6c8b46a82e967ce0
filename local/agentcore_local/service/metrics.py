"""What the service records in CloudWatch.

Names, dimensions and units as documented:
https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/observability-tool-metrics.html
"""

from __future__ import annotations

from agentcore_local.service.backend import Backend
from agentcore_local.service.errors import ServiceError

NAMESPACE = "AWS/Bedrock-AgentCore"
SERVICE = "AgentCore.CodeInterpreter"
SESSION_OPERATION = "CodeInterpreterSession"

MEASURED_OPERATIONS = frozenset(
    {"StartCodeInterpreterSession", "InvokeCodeInterpreter", "StopCodeInterpreterSession"}
)


class Metrics:
    """Records the metrics of one account in one region."""

    def __init__(self, backend: Backend, account: str, region: str) -> None:
        self._backend = backend
        self._account = account
        self._region = region

    def call(
        self, arn: str, operation: str, *, error: ServiceError | None, milliseconds: float
    ) -> None:
        """Record one call, from the request to the first byte of its answer."""
        if operation not in MEASURED_OPERATIONS:
            return
        dimensions = {"Resource": arn, "Operation": operation}
        self._put("Invocations", 1, "Count", dimensions)
        self._put("Latency", milliseconds, "Milliseconds", dimensions)
        if error is not None:
            self._put(_error_metric(error), 1, "Count", dimensions)

    def session_ended(self, arn: str, seconds: float) -> None:
        """Record how long a session was."""
        dimensions = {"Resource": arn, "Operation": SESSION_OPERATION}
        self._put("Duration", seconds * 1000, "Milliseconds", dimensions)

    def usage(self, resource: str, *, cpu_seconds: float, gigabyte_seconds: float) -> None:
        """Record what sessions of an interpreter have used since the last time."""
        for dimensions in ({"Service": SERVICE}, {"Service": SERVICE, "Resource": resource}):
            self._put("CPUUsed-vCPUHours", cpu_seconds / 3600, "None", dimensions)
            self._put("MemoryUsed-GBHours", gigabyte_seconds / 3600, "None", dimensions)

    def active_sessions(self, count: int, timestamp: float) -> None:
        """Record how many sessions were READY at a time."""
        self._put("ActiveSessionCount", count, "Count", {"Service": SERVICE}, timestamp)

    def _put(
        self,
        name: str,
        value: float,
        unit: str,
        dimensions: dict[str, str],
        timestamp: float | None = None,
    ) -> None:
        self._backend.put_metric(
            account=self._account,
            region=self._region,
            namespace=NAMESPACE,
            name=name,
            value=value,
            unit=unit,
            dimensions=dimensions,
            timestamp=self._backend.now() if timestamp is None else timestamp,
        )


def _error_metric(error: ServiceError) -> str:
    if error.http_status == 429:
        return "Throttles"
    return "SystemErrors" if error.http_status >= 500 else "UserErrors"
