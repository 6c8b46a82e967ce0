"""What is recorded in CloudWatch, under the documented names and dimensions."""

from __future__ import annotations

from typing import Any

import pytest

from agentcore_local.service.behavior import ServiceBehavior, UsageResource

NAMESPACE = "AWS/Bedrock-AgentCore"
SERVICE = "AgentCore.CodeInterpreter"
SYSTEM_ARN = "arn:aws:bedrock-agentcore:us-east-1:aws:code-interpreter/aws.codeinterpreter.v1"


def recorded(local: Any, name: str, **dimensions: str) -> list[float]:
    return [
        metric["value"]
        for metric in local.backend.metrics
        if metric["name"] == name
        and metric["dimensions"] == dimensions
        and metric["namespace"] == NAMESPACE
        and (metric["account"], metric["region"]) == ("111122223333", "us-east-1")
    ]


def test_each_call_is_recorded_with_its_resource_and_operation(local: Any) -> None:
    identifier = local.create("measured")
    arn = local.control.get_code_interpreter(codeInterpreterId=identifier)["codeInterpreterArn"]
    local.backend.metrics.clear()
    session = local.session(identifier)
    session.run("1 + 1")
    session.run("1 / 0")  # the user's code fails, the call does not
    session.get()
    session.stop()
    for operation, count in (
        ("StartCodeInterpreterSession", 1),
        ("InvokeCodeInterpreter", 2),
        ("StopCodeInterpreterSession", 1),
    ):
        assert recorded(local, "Invocations", Resource=arn, Operation=operation) == [1] * count
        latencies = recorded(local, "Latency", Resource=arn, Operation=operation)
        assert len(latencies) == count
        assert all(0 < latency < 60_000 for latency in latencies)
    names = {metric["name"] for metric in local.backend.metrics}
    assert not names & {"UserErrors", "SystemErrors", "Throttles"}
    operations = {metric["dimensions"].get("Operation") for metric in local.backend.metrics}
    assert "GetCodeInterpreterSession" not in operations


@pytest.mark.parametrize(
    ("fault", "metric"),
    [("throttle", "Throttles"), ("server_error", "SystemErrors"), ("deny", "UserErrors")],
)
def test_each_kind_of_error_has_its_metric(local: Any, fault: str, metric: str) -> None:
    local.service.faults.inject(fault, count=1)
    local.error(local.session)
    dimensions = {"Resource": SYSTEM_ARN, "Operation": "StartCodeInterpreterSession"}
    for name in ("Throttles", "SystemErrors", "UserErrors"):
        assert recorded(local, name, **dimensions) == ([1] if name == metric else [])
    assert recorded(local, "Invocations", **dimensions) == [1]


def test_a_sessions_duration_is_recorded_when_it_ends(local: Any) -> None:
    stopped, expired = local.session(), local.session(sessionTimeoutSeconds=100)
    local.backend.clock_offset += 60
    stopped.stop()
    local.tick(1000)
    durations = recorded(local, "Duration", Resource=SYSTEM_ARN, Operation="CodeInterpreterSession")
    assert [round(each / 1000) for each in durations] == [60, 100]
    assert expired.get()["status"] == "TERMINATED"


def test_the_active_sessions_of_all_interpreters_are_counted_each_minute(local: Any) -> None:
    local.session(local.create("counted"), sessionTimeoutSeconds=200)
    local.session(sessionTimeoutSeconds=80)
    local.backend.metrics.clear()
    local.tick(300)
    counted = [
        (metric["value"], metric["timestamp"] % 60)
        for metric in local.backend.metrics
        if metric["name"] == "ActiveSessionCount"
    ]
    # Five minutes have passed: two sessions at first, then one, then none.
    counts = [count for count, _ in counted]
    assert len(counts) == 5
    assert counts == sorted(counts, reverse=True)
    assert {counts[0], counts[-1]} == {2, 0}
    assert {second for _, second in counted} == {0}
    assert recorded(local, "ActiveSessionCount", Service=SERVICE) == counts


def test_memory_is_billed_at_its_peak_from_start_to_end_idle_or_not(local: Any) -> None:
    session = local.session(sessionTimeoutSeconds=7200)
    local.backend.clock_offset += 1800
    session.stop()
    (used,) = recorded(local, "MemoryUsed-GBHours", Service=SERVICE)
    assert used == pytest.approx(0.125 / 2, rel=0.01)  # the minimum: nothing ran
    local.backend.metrics.clear()
    session = local.session(sessionTimeoutSeconds=7200)
    session.run("x = bytearray(400_000_000)")
    local.tick(60)
    session.run("del x")
    local.backend.clock_offset += 3540
    session.stop()
    assert sum(recorded(local, "MemoryUsed-GBHours", Service=SERVICE)) > 0.4


def test_processor_time_is_the_operating_systems_figure(local: Any) -> None:
    session = local.session()
    spin = "import time; end = time.process_time() + 0.4\nwhile time.process_time() < end: pass"
    session.run(spin)
    session.invoke("writeFiles", content=[{"path": "spin.py", "text": spin}])
    session.invoke("executeCommand", command="python spin.py")
    session.stop()
    hours = sum(recorded(local, "CPUUsed-vCPUHours", Service=SERVICE))
    assert 0.8 <= hours * 3600 < 5


@pytest.mark.parametrize("by", UsageResource)
def test_usage_is_recorded_for_the_service_and_for_the_interpreter(
    start_local: Any, by: UsageResource
) -> None:
    local = start_local(behavior=ServiceBehavior(usage_resource=by))
    session = local.session()
    local.backend.clock_offset += 60
    session.stop()
    resource = SYSTEM_ARN if by is UsageResource.ARN else "aws.codeinterpreter.v1"
    for name in ("CPUUsed-vCPUHours", "MemoryUsed-GBHours"):
        total = recorded(local, name, Service=SERVICE)
        assert len(total) == 1
        assert recorded(local, name, Service=SERVICE, Resource=resource) == total


def test_what_was_used_is_counted_once(local: Any) -> None:
    session = local.session(sessionTimeoutSeconds=3600)
    for _ in range(10):
        local.tick(60)
    session.stop()
    hours = sum(recorded(local, "MemoryUsed-GBHours", Service=SERVICE))
    assert hours == pytest.approx(0.125 * 600 / 3600, rel=0.01)
