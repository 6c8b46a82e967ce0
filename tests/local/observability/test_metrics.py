"""Every metric that a dashboard or an alarm reads is there after real traffic.

The queries are the deployed template's own: a wrong dimension, name or expression finds nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from agentcore_local import LocalAws
from agentcore_local.picture.graphs import lines_of

from .observed import Observed, deployed


@pytest.fixture(scope="module", params=["id", "arn"])
def busy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Observed]:
    """The stack after some traffic, with either value that usage metrics may have."""
    with LocalAws(behavior={"usage_resource": request.param}) as aws:
        observed = deployed(aws, tmp_path_factory.mktemp("busy"))
        make_traffic(observed)
        yield observed


def make_traffic(observed: Observed) -> None:
    """Every kind of call, and every kind of failure."""
    kept, ended = observed.start(2)
    observed.run(kept)
    for fault in ("server_error", "throttle"):
        # Not once only: the canary calls now and then too, and would use it up.
        observed.aws.inject(fault, operation="InvokeCodeInterpreter")
        with pytest.raises(ClientError):
            observed.run(kept)
        observed.aws.clear_faults()
    with pytest.raises(ClientError):
        observed.run("nosuchsession")
    observed.data.stop_code_interpreter_session(
        codeInterpreterIdentifier=observed.interpreter, sessionId=ended
    )
    observed.aws.client("sqs").send_message(
        QueueUrl=observed.resource("AWS::SQS::Queue", "DeadLetters"), MessageBody="a letter"
    )
    observed.change_schedule("Canary")
    observed.advance(20)


def graphs(observed: Observed) -> list[dict[str, Any]]:
    body = observed.cloudwatch.get_dashboard(DashboardName="observed")["DashboardBody"]
    return [each["properties"] for each in json.loads(body)["widgets"] if each["type"] == "metric"]


def test_every_line_of_the_dashboard_has_data(busy: Observed) -> None:
    now = busy.now()
    found = {
        (graph["title"], line.label): len(line.values)
        for graph in graphs(busy)
        for line in lines_of(busy.cloudwatch, graph, start=now - 7200, end=now)
    }
    assert len(found) > 25
    assert [line for line, count in found.items() if not count] == []


def test_every_alarm_reads_data(busy: Observed) -> None:
    now = busy.now()
    found = {}
    for name, alarm in busy.alarms().items():
        if "AlarmRule" in alarm:
            continue
        queries = alarm.get("Metrics") or [single(alarm)]
        (result,) = busy.cloudwatch.get_metric_data(
            StartTime=now - 7200, EndTime=now, MetricDataQueries=queries
        )["MetricDataResults"]
        found[name] = len(result["Values"])
    assert len(found) == 13
    assert [name for name, count in found.items() if not count] == []


def single(alarm: dict[str, Any]) -> dict[str, Any]:
    return {
        "Id": "m1",
        "MetricStat": {
            "Metric": {each: alarm[each] for each in ("Namespace", "MetricName", "Dimensions")},
            "Period": alarm["Period"],
            "Stat": alarm.get("ExtendedStatistic") or alarm["Statistic"],
        },
    }


def test_cost_is_what_use_costs(busy: Observed) -> None:
    now = busy.now()
    lines = {
        (graph["title"], line.label): sum(line.values)
        for graph in graphs(busy)
        if graph["title"] in ("Use", "Estimated cost")
        for line in lines_of(busy.cloudwatch, graph, start=now - 7200, end=now)
    }
    use = lines["Use", "vCPU hours"], lines["Use", "Memory, GB hours"]
    assert use[1] > 0
    cost = lines["Estimated cost", "Estimated cost per hour (USD)"]
    assert cost == pytest.approx(0.0895 * use[0] + 0.00945 * use[1])
