"""Alarms on sessions that are too old, in a local AWS in which there are no others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agentcore_local import LocalAws

from .observed import Observed, deployed


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    """The stack, with two sessions that are over age and a janitor that only counts them."""
    with LocalAws() as aws:
        observed = deployed(aws, tmp_path_factory.mktemp("aged"))
        observed.start(2)
        observed.advance(1)
        yield observed


def test_sessions_that_cannot_be_stopped_raise_an_alarm_until_they_can(aged: Observed) -> None:
    name = aged.alarms()["StopFailures"]["AlarmName"]
    aged.aws.inject("deny", operation="StopCodeInterpreterSession")
    event = aged.event_of("Janitor")
    event["policy"]["enforcement"] = "ENFORCE"
    aged.invoke("Janitor", event)
    aged.advance(2)
    assert aged.state("StopFailures") == "ALARM"
    assert (name, "ALARM") in aged.notifications()
    aged.aws.clear_faults()
    aged.advance(10)
    assert aged.state("StopFailures") == "OK"
    assert (name, "OK") in aged.notifications()


def test_sessions_over_age_raise_an_alarm_until_they_are_stopped(aged: Observed) -> None:
    name = aged.alarms()["OverAgeSessions"]["AlarmName"]
    aged.advance(20)
    assert aged.state("OverAgeSessions") == "ALARM"
    aged.notifications()
    event = aged.event_of("Janitor")
    event["policy"]["enforcement"] = "ENFORCE"
    aged.invoke("Janitor", event)
    aged.advance(20)
    assert aged.state("OverAgeSessions") == "OK"
    assert (name, "OK") in aged.notifications()


def test_a_janitor_that_stops_what_it_finds_raises_none(aged: Observed) -> None:
    """With a leaking agent each sweep finds sessions over age, and stops them."""
    series = {"SessionsStopped": 0.0, "OverAgeSessions": 0.0}
    queries = [
        {
            "Id": name.lower(),
            "MetricStat": {
                "Metric": {
                    "Namespace": "CdkCodeInterpreter",
                    "MetricName": name,
                    "Dimensions": [
                        {"Name": "CodeInterpreterName", "Value": aged.event_of("Janitor")["name"]}
                    ],
                },
                "Period": 60,
                "Stat": "Maximum",
            },
        }
        for name in series
    ]
    answer = aged.cloudwatch.get_metric_data(
        StartTime=aged.now() - 3600, EndTime=aged.now(), MetricDataQueries=queries
    )
    highest = {each["Id"]: max(each["Values"]) for each in answer["MetricDataResults"]}
    assert highest == {"sessionsstopped": 2.0, "overagesessions": 2.0}
