"""What a month of the deployed resources costs, from public prices; sessions are not in it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .figures import Figure, counted
from .templates import synthesized

HOURS = 730
MINUTES = HOURS * 60
# US dollars a month, us-east-1, without the free tier:
# https://aws.amazon.com/cloudwatch/pricing/ https://aws.amazon.com/kms/pricing/
# https://aws.amazon.com/privatelink/pricing/ https://aws.amazon.com/eventbridge/pricing/
# https://aws.amazon.com/lambda/pricing/ https://aws.amazon.com/vpc/pricing/
ALARM_METRIC = 0.10
COMPOSITE_ALARM = 0.50
DASHBOARD = 3.00
CUSTOM_METRIC = 0.30
KEY = 1.00
INTERFACE_ENDPOINT = 0.01 * HOURS
NAT_GATEWAY = 0.045 * HOURS
SCHEDULED_INVOCATION = 1.00 / 1e6
REQUEST = 0.20 / 1e6
GIGABYTE_SECOND_ARM = 0.0000133334
LOG_GIGABYTE = 0.50
# What a janitor publishes at each tick, and how long a tick takes: measured in the local AWS, with
# room to spare.
JANITOR_METRICS = 7
TICK_SECONDS = 2
TICK_LOG_BYTES = 2_000

Resource = Mapping[str, Any]


def costs() -> Iterator[Figure]:
    """The first governed interpreter of a stack, and each further one, by profile."""
    with tempfile.TemporaryDirectory() as name:
        for kind in ("bare", "governed", "strict"):
            one, two = (
                sum(_prices(synthesized("governed", count, Path(name), kind)).values())
                for count in (1, 2)
            )
            yield counted(f"monthly cost of a stack with one interpreter, {kind}", one, "$")
            yield counted(f"monthly cost of each further interpreter, {kind}", two - one, "$")


def _prices(template: Mapping[str, Any]) -> dict[str, float]:
    resources = list(template["Resources"].values())
    memory = max(
        (each["Properties"].get("MemorySize", 128) for each in _of(resources, "Lambda::Function")),
        default=128,
    )
    return {
        "alarms": ALARM_METRIC * sum(map(_metrics_of, _of(resources, "CloudWatch::Alarm"))),
        "composite alarms": COMPOSITE_ALARM * len(_of(resources, "CloudWatch::CompositeAlarm")),
        "dashboards": DASHBOARD * len(_of(resources, "CloudWatch::Dashboard")),
        "keys": KEY * len(_of(resources, "KMS::Key")),
        "endpoints": INTERFACE_ENDPOINT * sum(map(_zones_of, _of(resources, "EC2::VPCEndpoint"))),
        "NAT gateways": NAT_GATEWAY * len(_of(resources, "EC2::NatGateway")),
        "janitors": sum(
            _janitor(each, memory / 1024) for each in _of(resources, "Scheduler::Schedule")
        ),
    }


def _of(resources: list[Resource], kind: str) -> list[Resource]:
    return [each for each in resources if each["Type"] == f"AWS::{kind}"]


def _metrics_of(alarm: Resource) -> int:
    """An alarm is billed by the metrics that it reads."""
    queries = alarm["Properties"].get("Metrics", [])
    return max(1, sum("MetricStat" in query for query in queries))


def _zones_of(endpoint: Resource) -> int:
    properties = endpoint["Properties"]
    if properties.get("VpcEndpointType") != "Interface":
        return 0
    return len(properties.get("SubnetIds", [])) or 1


def _janitor(schedule: Resource, gigabytes: float) -> float:
    """One schedule's ticks, the metrics that they publish and the log that they write."""
    number, unit = schedule["Properties"]["ScheduleExpression"][5:-1].split()
    minutes = int(number) * {"m": 1, "h": 60, "d": 1440}[unit[0]]
    ticks = MINUTES / minutes
    each = (
        SCHEDULED_INVOCATION
        + REQUEST
        + gigabytes * TICK_SECONDS * GIGABYTE_SECOND_ARM
        + TICK_LOG_BYTES / 1e9 * LOG_GIGABYTE
    )
    return ticks * each + JANITOR_METRICS * CUSTOM_METRIC
