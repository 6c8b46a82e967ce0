"""The kill switch against the local service: what it stops, and what it says if it cannot."""

from __future__ import annotations

import pytest

from session_manager import draining, janitor, kill_switch

GENERATIONS = "Sandbox_0123456789"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(draining, "PAUSE", 0.01)
    monkeypatch.setattr(kill_switch, "PATIENCE", 0.1)
    monkeypatch.setattr(kill_switch, "STALL", 0.2)


@pytest.fixture
def stop_all(context):
    def send(interpreter, **more):
        event = {"version": 1, "task": "stop_all", "interpreter_id": interpreter.id}
        return janitor.handler({**event, "name": GENERATIONS, **more}, context)

    return send


@pytest.fixture
def metrics(log_lines):
    def published():
        (line,) = [line for line in log_lines() if "_aws" in line]
        names = [each["Name"] for each in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
        return {name: line[name] for name in names}

    return published


def test_it_stops_a_hundred_sessions_and_none_of_the_neighbors(
    new_interpreter, stop_all, monkeypatch, metrics
):
    monkeypatch.setenv("REQUESTS_PER_SECOND", "500")
    mine, neighbor = new_interpreter("Mine"), new_interpreter("Neighbor")
    mine.start(100)
    neighbor.start(3)
    assert stop_all(mine, name="Mine") == {
        "interpreter_id": mine.id,
        "interpreters": [mine.id],
        "stopped": 100,
        "left": 0,
    }
    assert (mine.ready(), len(neighbor.ready())) == (set(), 3)
    assert metrics() == {"SessionsStopped": 100, "StopFailures": 0}


def test_it_stops_the_sessions_of_every_generation(new_interpreter, stop_all):
    named = new_interpreter(f"{GENERATIONS}_11111111")
    others = [new_interpreter(f"{GENERATIONS}_{revision}") for revision in ("00000000", "22222222")]
    neighbor = new_interpreter("Sandbox_9999999999_00000000")
    for each in (named, *others, neighbor):
        each.start(2)
    result = stop_all(named)
    assert result["stopped"] == 6
    assert set(result["interpreters"]) == {each.id for each in (named, *others)}
    assert [each.ready() for each in (named, *others)] == [set()] * 3
    assert len(neighbor.ready()) == 2


def test_the_present_generation_is_found_where_the_named_one_is_gone(new_interpreter, stop_all):
    """As when another stack still names the interpreter from before its replacement."""
    named, present = (new_interpreter(f"{GENERATIONS}_{each}") for each in ("00000000", "11111111"))
    present.start(2)
    named.delete()
    result = stop_all(named)
    assert (result["stopped"], result["interpreters"]) == (2, [present.id])
    assert present.ready() == set()


@pytest.mark.parametrize("name", [GENERATIONS, ""])
def test_where_there_is_no_such_interpreter_it_fails_and_says_what_to_do(
    new_interpreter, stop_all, metrics, name
):
    named = new_interpreter(f"{GENERATIONS}_00000000")
    named.delete()
    with pytest.raises(RuntimeError, match=rf"no code interpreter {named.id} .*deploy the stack"):
        stop_all(named, name=name)
    assert metrics() == {"SessionsStopped": 0, "StopFailures": 1}


def test_one_generations_failure_does_not_stop_the_other(aws, new_interpreter, stop_all, metrics):
    failing, other = (new_interpreter(f"{GENERATIONS}_{each}") for each in ("00000000", "11111111"))
    failing.start(2)
    other.start(1)
    aws.inject("deny", operation="Stop*", resource=failing.id)
    with pytest.raises(RuntimeError, match=f"^1 sessions .* 2 sessions are left in {failing.id}"):
        stop_all(failing)
    assert other.ready() == set()
    assert metrics() == {"SessionsStopped": 1, "StopFailures": 2}


def test_generations_that_cannot_be_listed_are_a_failure_after_the_named_one_is_stopped(
    aws, interpreter, stop_all, metrics
):
    interpreter.start(2)
    aws.inject("deny", operation="ListCodeInterpreters")
    with pytest.raises(RuntimeError, match=r"^2 sessions .* other replacements is not known"):
        stop_all(interpreter)
    assert interpreter.ready() == set()
    assert metrics() == {"SessionsStopped": 2, "StopFailures": 1}


def test_it_says_so_where_nobody_knows_how_many_sessions_are_left(
    aws, interpreter, stop_all, log_lines
):
    interpreter.start(2)
    aws.inject("deny", operation="ListCodeInterpreterSessions")
    with pytest.raises(RuntimeError, match="an unknown number of sessions are left"):
        stop_all(interpreter)
    (line,) = [each for each in log_lines() if each.get("message") == "stopped every session"]
    assert (line["level"], line["left"]) == ("ERROR", None)


def alarm(value):
    return {
        "source": "aws.cloudwatch",
        "alarmArn": "arn:aws:cloudwatch:us-east-1:111122223333:alarm:burst",
        "alarmData": {"alarmName": "burst", "state": {"value": value}},
    }


def test_an_alarm_stops_the_sessions_of_the_interpreter_that_its_alias_names(interpreter, context):
    interpreter.start(2)
    context.invoked_function_arn += f":{interpreter.id}"
    janitor.handler(alarm("ALARM"), context)
    assert interpreter.ready() == set()


def test_an_alarm_that_calms_down_stops_nothing(interpreter, context):
    interpreter.start(2)
    context.invoked_function_arn += f":{interpreter.id}"
    assert janitor.handler(alarm("OK"), context)["stopped"] == 0
    assert len(interpreter.ready()) == 2


def test_one_that_fails_says_so_and_is_tried_again(aws, interpreter, stop_all):
    interpreter.start(2)
    aws.inject("deny", operation="Stop*")
    with pytest.raises(RuntimeError, match="2 sessions are left"):
        stop_all(interpreter)


ELSEWHERE = "arn:aws:cloudformation:us-east-1:111122223333:stack/Second/9z8y7x6w"


@pytest.mark.parametrize("owner", [ELSEWHERE, None], ids=["another launch", "without the tag"])
def test_it_touches_nothing_that_is_not_proved_to_be_its_own(new_interpreter, stop_all, owner):
    named = new_interpreter(f"{GENERATIONS}_11111111")
    alike = new_interpreter(f"{GENERATIONS}_00000000", owner=owner)
    named.start(1)
    sessions = set(alike.start(2))
    result = stop_all(named)
    assert (alike.ready(), named.ready()) == (sessions, set())
    assert result["interpreters"] == [named.id]
    assert result.get("untouched") == (None if owner else [alike.id])


def test_tags_that_cannot_be_read_are_a_failure_after_the_named_one_is_stopped(
    aws, new_interpreter, stop_all
):
    named, alike = (new_interpreter(f"{GENERATIONS}_{each}") for each in ("1" * 8, "0" * 8))
    named.start(1)
    sessions = set(alike.start(2))
    aws.inject("deny", operation="ListTagsForResource")
    with pytest.raises(RuntimeError, match=f"^1 sessions .*the tags of {alike.id} cannot be read"):
        stop_all(named)
    assert (alike.ready(), named.ready()) == (sessions, set())


def test_it_gives_up_where_nothing_can_be_stopped(aws, interpreter, stop_all):
    interpreter.start(2)
    aws.inject("stop_fails")
    with pytest.raises(
        RuntimeError, match=f"^0 sessions .* 2 sessions are left in {interpreter.id}"
    ):
        stop_all(interpreter)
