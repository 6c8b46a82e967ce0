"""The account's quotas and the rate of requests."""

from __future__ import annotations

from typing import Any

import pytest

from agentcore_local.service.errors import ServiceError
from agentcore_local.service.limits import Limits, RateLimiter

SYSTEM = "aws.codeinterpreter.v1"


def test_the_limits_are_the_documented_ones_by_default() -> None:
    limits = Limits()
    assert (limits.active_sessions, limits.code_interpreters) == (1000, 1000)
    assert limits.requests_per_second["CreateCodeInterpreter"] == 5
    assert limits.requests_per_second["InvokeCodeInterpreter"] == 30
    assert limits.payload_bytes == 100_000_000
    assert limits.invoke_seconds == 900
    assert limits.command_seconds == 8 * 3600


def test_more_active_sessions_than_the_quota_are_refused_until_one_ends(start_local: Any) -> None:
    local = start_local(limits=Limits(requests_per_second={}, active_sessions=3))
    custom = local.create("quota")
    sessions = [local.session(), local.session(custom), local.session()]
    start = local.data.start_code_interpreter_session
    code, status, _ = local.error(start, codeInterpreterIdentifier=SYSTEM)
    assert (code, status) == ("ServiceQuotaExceededException", 402)
    other_account = local.client("bedrock-agentcore", key="AKIA444455556666")
    other_account.start_code_interpreter_session(codeInterpreterIdentifier=SYSTEM)
    sessions[0].stop()
    start(codeInterpreterIdentifier=SYSTEM, sessionTimeoutSeconds=60)
    assert local.error(start, codeInterpreterIdentifier=SYSTEM)[1] == 402
    local.backend.clock_offset += 61
    start(codeInterpreterIdentifier=SYSTEM)


def test_more_interpreters_than_the_quota_are_refused(start_local: Any) -> None:
    local = start_local(limits=Limits(requests_per_second={}, code_interpreters=1))
    local.create("first")
    create = local.control.create_code_interpreter
    params = {"name": "second", "networkConfiguration": {"networkMode": "SANDBOX"}}
    assert local.error(create, **params)[:2] == ("ServiceQuotaExceededException", 402)


def test_too_many_requests_are_throttled_per_operation(start_local: Any) -> None:
    rates = {"GetCodeInterpreter": 0.001, "ListCodeInterpreters": 2}
    local = start_local(limits=Limits(requests_per_second=rates))
    get = local.control.get_code_interpreter
    get(codeInterpreterId=SYSTEM)
    code, status, _ = local.error(get, codeInterpreterId=SYSTEM)
    assert (code, status) == ("ThrottlingException", 429)
    local.control.list_code_interpreters()


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_holds_one_second_of_requests_and_refills_steadily() -> None:
    clock = Clock()
    limiter = RateLimiter({"Op": 30}, clock)

    def allowed() -> int:
        for count in range(1000):
            try:
                limiter.take("account", "region", "Op")
            except ServiceError:
                return count
        return 1000

    assert allowed() == 30
    clock.now += 0.5
    assert allowed() == 15
    clock.now += 3600
    assert allowed() == 30
    limiter.take("other account", "region", "Op")
    limiter.take("account", "other region", "Op")


def test_a_rate_below_one_lets_one_request_through_at_a_time() -> None:
    clock = Clock()
    limiter = RateLimiter({"Op": 0.5}, clock)
    for _ in range(3):
        limiter.take("account", "region", "Op")
        with pytest.raises(ServiceError):
            limiter.take("account", "region", "Op")
        clock.now += 2


@pytest.mark.parametrize("operation", ["TagResource", "unknown"])
def test_an_operation_without_a_documented_rate_is_not_limited(operation: str) -> None:
    limiter = RateLimiter(Limits().requests_per_second, Clock())
    for _ in range(1000):
        limiter.take("account", "region", operation)
