"""Each alarm is raised by what it is about, says so, and is over when that is.

The alarms are those of a deployed stack, with thresholds that a test can cross; what they react to
are calls, faults and schedules, never data that a test has put.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator

import pytest
from botocore.exceptions import ClientError

from .observed import Observed

# These have a module of their own.
OF_OLD_SESSIONS = {"OverAgeSessions", "StopFailures"}


def failing_calls(observed: Observed, fault: str, count: int) -> None:
    """Calls that all fail, in each of two periods of five minutes."""
    session = observed.start()[0]
    observed.aws.inject(fault, operation="InvokeCodeInterpreter")
    for _ in range(2):
        for _ in range(count):
            with pytest.raises(ClientError):
                observed.run(session)
        observed.advance(5)


def slow_starts(observed: Observed) -> None:
    observed.aws.inject("latency", operation="StartCodeInterpreterSession", delay_seconds=0.6)
    for _ in range(3):
        observed.start()
        observed.advance(5)


def letters(observed: Observed) -> None:
    """An event that cannot be handled, tried three times."""
    observed.invoke("Janitor", {"task": "nothing known"}, wait=False)
    queue = observed.resource("AWS::SQS::Queue", "DeadLetters")
    received = observed.aws.client("sqs").receive_message(
        QueueUrl=queue, WaitTimeSeconds=20, VisibilityTimeout=0
    )
    assert len(received["Messages"]) == 1


RAISES: dict[str, Callable[[Observed], object]] = {
    "SystemErrors": lambda observed: failing_calls(observed, "server_error", 2),
    "Throttles": lambda observed: failing_calls(observed, "throttle", 10),
    "Latency": slow_starts,
    "SessionStarts": lambda observed: observed.start(4),
    "JanitorSilent": lambda observed: (
        observed.change_schedule("Janitor", state="DISABLED"),
        observed.advance(25),
    ),
    "CanaryFailing": lambda observed: (
        observed.change_schedule("Canary", commands=["exit 3"]),
        observed.advance(35),
    ),
    "Cost": lambda observed: (observed.start(8), observed.advance(60)),
    "AccountCost": lambda observed: (observed.start(8), observed.advance(60)),
    "ActiveSessions": lambda observed: (observed.start(2), observed.advance(5)),
    "FunctionErrors": lambda observed: observed.invoke("Janitor", {"task": "nothing known"}),
    "DeadLetters": letters,
}


@pytest.fixture
def calm(observed: Observed) -> Iterator[Observed]:
    """The stack with nothing going on, and nothing said that was not read."""
    mend(observed)
    observed.notifications()
    yield observed
    mend(observed)


def mend(observed: Observed, *, canary: bool = False) -> None:
    """End everything that goes wrong, and let alarms on short periods forget it.

    The canary takes some seconds each time, so it runs only where a test is about it.
    """
    observed.aws.clear_faults()
    observed.stop_all()
    observed.change_schedule("Janitor")
    observed.change_schedule("Canary", state="ENABLED" if canary else "DISABLED", commands=[])
    queue = observed.resource("AWS::SQS::Queue", "DeadLetters")
    observed.aws.client("sqs").purge_queue(QueueUrl=queue)
    observed.advance(20)


def test_every_alarm_is_raised_here(observed: Observed) -> None:
    elsewhere = {"Composite", *OF_OLD_SESSIONS}
    assert set(RAISES) | elsewhere == set(observed.alarms())


@pytest.mark.parametrize("alarm", list(RAISES))
def test_an_alarm_is_raised_and_over_and_the_subscriber_hears_of_both(
    calm: Observed, alarm: str
) -> None:
    name = calm.alarms()[alarm]["AlarmName"]
    RAISES[alarm](calm)
    calm.advance(2)
    assert calm.state(alarm) == "ALARM"
    heard = calm.notifications()
    assert (name, "ALARM") in heard
    mend(calm, canary=alarm == "CanaryFailing")
    hours = itertools.count()
    while calm.state(alarm) != "OK":
        assert next(hours) < 5, "it is never over"
        calm.advance(60)
    assert (name, "OK") in calm.notifications()


def test_the_composite_follows_any_alarm(calm: Observed) -> None:
    mend(calm, canary=True)
    calm.advance(20)
    assert calm.state("Composite") == "OK"
    calm.start(4)
    calm.advance(2)
    assert calm.state("Composite") == "ALARM"


def test_an_idle_hour_raises_nothing(calm: Observed) -> None:
    calm.advance(180)
    calm.change_schedule("Canary")
    calm.advance(35)
    calm.notifications()
    calm.advance(60)
    assert [each for each in calm.notifications() if each[1] == "ALARM"] == []
    assert {each["StateValue"] for each in calm.alarms().values()} == {"OK"}


def test_each_notification_says_what_to_do_and_where_the_runbook_is(calm: Observed) -> None:
    calm.start(4)
    calm.advance(2)
    queue, client = calm.outputs["Queue"], calm.aws.client("sqs")
    (message, *_) = client.receive_message(QueueUrl=queue)["Messages"]
    text = json.loads(json.loads(message["Body"])["Message"])["AlarmDescription"]
    assert "First: " in text
    assert "#runbook-" in text
