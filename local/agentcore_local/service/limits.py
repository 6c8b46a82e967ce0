"""The account's quotas and the rate of requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from agentcore_local.service.errors import quota_exceeded, throttled

DOCUMENTED_RATES: Mapping[str, float] = {
    "CreateCodeInterpreter": 5,
    "DeleteCodeInterpreter": 5,
    "GetCodeInterpreter": 30,
    "ListCodeInterpreters": 30,
    "StartCodeInterpreterSession": 30,
    "GetCodeInterpreterSession": 30,
    "ListCodeInterpreterSessions": 30,
    "StopCodeInterpreterSession": 30,
    "InvokeCodeInterpreter": 30,
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Quotas of an account in a region, with the values that AWS documents as defaults.

    https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/bedrock-agentcore-limits.html

    Attributes:
        active_sessions: READY sessions.
        code_interpreters: Custom interpreters.
        requests_per_second: Requests by operation; an operation that is not named has no limit.
        payload_bytes: The largest request, and the largest file that travels in one.
        invoke_seconds: How long one Invoke may take.
        command_seconds: How long a command may take that runs as a task.
        record_seconds: For how long the record of an ended session is kept.
    """

    active_sessions: int = 1000
    code_interpreters: int = 1000
    requests_per_second: Mapping[str, float] = field(default_factory=lambda: DOCUMENTED_RATES)
    payload_bytes: int = 100_000_000
    invoke_seconds: float = 15 * 60
    command_seconds: float = 8 * 3600
    record_seconds: float = 30 * 24 * 3600


class RateLimiter:
    """A token bucket per account, region and operation; a bucket holds one second's requests."""

    def __init__(
        self, rates: Mapping[str, float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rates = rates
        self._clock = clock
        self._buckets: dict[tuple[str, str, str], tuple[float, float]] = {}

    def take(self, account: str, region: str, operation: str) -> None:
        """Count one request.

        Raises:
            ServiceError: A ThrottlingException: the bucket is empty.
        """
        rate = self._rates.get(operation)
        if rate is None:
            return
        now = self._clock()
        key = (account, region, operation)
        most = max(1.0, rate)  # or a rate below one would let nothing through
        tokens, since = self._buckets.get(key, (most, now))
        tokens = min(most, tokens + (now - since) * rate)
        enough = tokens >= 1
        self._buckets[key] = (tokens - 1 if enough else tokens, now)
        if not enough:
            raise throttled(f"Rate exceeded: {operation} allows {rate:g} requests a second")


def check_quota(count: int, limit: int, what: str) -> None:
    """Raise a ServiceQuotaExceededException if one more would be too many."""
    if count >= limit:
        raise quota_exceeded(f"The account's quota of {limit} {what} is used up")
