"""What is observed stays over a replacement, and nothing is left after a deletion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agentcore_local import LocalAws

from .observed import Observed, deployed, template_of


def groups(aws: LocalAws) -> set[str]:
    pages = aws.client("logs").get_paginator("describe_log_groups").paginate()
    return {each["logGroupName"] for page in pages for each in page["logGroups"]}


def vended(aws: LocalAws) -> set[str]:
    return {each for each in groups(aws) if each.startswith("/aws/vendedlogs/")}


def deliveries(aws: LocalAws) -> dict[str, list[Any]]:
    logs = aws.client("logs")
    return {
        "sources": logs.describe_delivery_sources()["deliverySources"],
        "destinations": logs.describe_delivery_destinations()["deliveryDestinations"],
        "deliveries": logs.describe_deliveries()["deliveries"],
    }


def test_a_replacement_keeps_logs_and_metrics_and_a_deletion_leaves_nothing(
    tmp_path: Path,
) -> None:
    with LocalAws() as aws:
        observed = deployed(aws, tmp_path / "one")
        before = observed.interpreter, vended(aws), deliveries(aws)
        assert len(before[1]) == 2
        assert {name: len(each) for name, each in before[2].items()} == {
            "sources": 3,
            "destinations": 3,
            "deliveries": 3,
        }
        keep_a_record(aws, before[1])

        observed.update(template_of(tmp_path / "two", description="two"))

        check_replaced(observed, *before)
        observed.stacks.delete_stack(StackName="Observed")
        observed.stacks.get_waiter("stack_delete_complete").wait(
            StackName="Observed", WaiterConfig={"Delay": 0.2, "MaxAttempts": 600}
        )
        assert not any(deliveries(aws).values())
        assert not vended(aws)
        cloudwatch = aws.client("cloudwatch")
        assert cloudwatch.list_dashboards()["DashboardEntries"] == []
        left = cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        assert (left["MetricAlarms"], left["CompositeAlarms"]) == ([], [])


def keep_a_record(aws: LocalAws, names: set[str]) -> None:
    logs = aws.client("logs")
    for name in names:
        logs.create_log_stream(logGroupName=name, logStreamName="before")
        logs.put_log_events(
            logGroupName=name,
            logStreamName="before",
            logEvents=[{"timestamp": 1_800_000_000_000, "message": "before"}],
        )


def check_replaced(
    observed: Observed, interpreter: str, names: set[str], connected: dict[str, list[Any]]
) -> None:
    assert observed.interpreter != interpreter
    assert vended(observed.aws) == names
    logs = observed.aws.client("logs")
    for name in names:
        events = logs.get_log_events(logGroupName=name, logStreamName="before")["events"]
        assert [each["message"] for each in events] == ["before"]
    after = deliveries(observed.aws)
    assert {each["name"] for each in after["destinations"]} == {
        each["name"] for each in connected["destinations"]
    }
    for source in after["sources"]:
        assert source["resourceArns"][0].endswith(observed.interpreter)
    assert len(after["sources"]) == 3
    # Dashboard and alarms are about the new interpreter.
    body = observed.cloudwatch.get_dashboard(DashboardName="observed")["DashboardBody"]
    assert observed.interpreter in body
    assert interpreter not in body
    assert interpreter not in json.dumps(observed.alarms(), default=str)
