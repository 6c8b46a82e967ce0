"""The janitor against the local service: what it counts, what it stops, what it leaves alone."""

from __future__ import annotations

import concurrent.futures
from datetime import timedelta

import pytest

from session_manager import draining, janitor, sessions

SYSTEM = "aws.codeinterpreter.v1"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(draining, "PAUSE", 0.01)
    monkeypatch.setattr(janitor, "PATIENCE", 0.1)


def sweep(interpreter, enforcement="ENFORCE", **more):
    limits = {"enforcement": enforcement, "max_age_seconds": 3600, "keep_name_prefixes": []}
    limits |= more.pop("policy", {})
    return {
        "version": 1,
        "task": "sweep",
        "interpreter_id": interpreter.id,
        "name": "Sandbox_0123456789",
        "prefix": "Sandbox_0123456789_",
        "policy": limits,
        "interval_seconds": 300,
        **more,
    }


def metrics(lines):
    (line,) = [line for line in lines if "_aws" in line]
    return {
        each["Name"]: line[each["Name"]] for each in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }


@pytest.fixture(autouse=True)
def aged(aws, monkeypatch):
    """Let sessions grow old, but not to their end: only the date of the answers runs ahead."""
    ahead = [0.0]
    now = sessions.Sessions.now
    monkeypatch.setattr(
        sessions.Sessions, "now", lambda self: now(self) + timedelta(seconds=ahead[0])
    )

    def age(seconds):
        ahead[0] = seconds

    return age


def test_shadow_stops_nothing_and_counts_right(interpreter, aged, context, log_lines):
    started = interpreter.start(3)
    aged(3700)
    janitor.handler(sweep(interpreter, "SHADOW", policy={"max_active": 1}), context)
    lines = log_lines()
    values = metrics(lines)
    assert interpreter.ready() == set(started)
    assert values["ActiveSessions"] == values["OverAgeSessions"] == values["SelectedSessions"] == 3
    assert values["SessionsStopped"] == values["StopFailures"] == 0
    assert values["OldestSessionAge"] == pytest.approx(3700, abs=30)
    decisions = [line for line in lines if line.get("message") == "decision"]
    assert {each["session"] for each in decisions} == set(started)
    assert {each["action"] for each in decisions} == {"would stop"}


def test_enforce_stops_those_over_age_and_no_kept_name(interpreter, aged, context, log_lines):
    (kept,) = interpreter.start(1, name="debug-me")
    interpreter.start(2, name="job")
    aged(3700)
    limits = {"keep_name_prefixes": ["debug-"]}
    janitor.handler(sweep(interpreter, policy=limits), context)
    assert interpreter.ready() == {kept}
    lines = log_lines()
    assert metrics(lines)["SessionsStopped"] == 2
    whys = {line["session"]: line["why"] for line in lines if line.get("message") == "decision"}
    assert whys[kept] == "the name has a prefix that the policy keeps"


def test_young_sessions_live_and_leave_no_line(interpreter, context, log_lines):
    started = interpreter.start(3)
    janitor.handler(sweep(interpreter), context)
    assert interpreter.ready() == set(started)
    assert all(line.get("message") != "decision" for line in log_lines())


def test_with_too_many_the_oldest_are_stopped(aws, interpreter, context):
    started = []
    for _ in range(4):
        started += interpreter.start(1)
        aws.admin("POST", "clock", {"advance_seconds": 2})
    janitor.handler(
        sweep(interpreter, policy={"max_active": 1, "max_age_seconds": 28_000}), context
    )
    assert interpreter.ready() == {started[-1]}


def test_an_idle_tick_makes_one_call_and_publishes_zeroes(interpreter, context, log_lines, calls):
    values = janitor.handler(sweep(interpreter, scheduled_time="2026-11-22T12:30:00Z"), context)
    assert calls == ["ListCodeInterpreterSessions"]
    assert values["ActiveSessions"] == 0
    assert metrics(log_lines()) == dict.fromkeys(
        [
            "ActiveSessions",
            "OverAgeSessions",
            "SelectedSessions",
            "SessionsStopped",
            "StopFailures",
            "OldestSessionAge",
        ],
        0,
    )


def test_orphans_are_governed_and_counted(new_interpreter, aged, context, log_lines):
    orphan = new_interpreter("Sandbox_0123456789_00000000")
    present = new_interpreter("Sandbox_0123456789_11111111")
    other = new_interpreter("Sandbox_9999999999_00000000")
    for each in (orphan, present, other):
        each.start(2)
    aged(3700)
    janitor.handler(sweep(present, scheduled_time="2026-11-22T12:00:00Z"), context)
    assert (orphan.ready(), present.ready(), len(other.ready())) == (set(), set(), 2)
    values = metrics(log_lines())
    assert (values["OrphanInterpreters"], values["SessionsStopped"]) == (1, 4)


ELSEWHERE = "arn:aws:cloudformation:us-east-1:111122223333:stack/Second/9z8y7x6w"


@pytest.mark.parametrize("owner", [ELSEWHERE, None], ids=["another launch", "without the tag"])
def test_an_interpreter_that_is_not_proved_to_be_its_own_is_left_alone(
    new_interpreter, aged, context, log_lines, owner
):
    """One template under two stack names has interpreters whose names begin alike."""
    present = new_interpreter("Sandbox_0123456789_11111111")
    alike = new_interpreter("Sandbox_0123456789_00000000", owner=owner)
    sessions = set(alike.start(2))
    present.start(1)
    aged(3700)
    janitor.handler(sweep(present), context)
    assert (alike.ready(), present.ready()) == (sessions, set())
    lines = log_lines()
    values = metrics(lines)
    assert (values["OrphanInterpreters"], values["ActiveSessions"]) == (0, 1)
    reported = [line for line in lines if "not proved" in str(line.get("message"))]
    assert [line["interpreter"] for line in reported] == ([] if owner else [alike.id])


def test_without_the_id_of_its_stack_a_janitor_proves_nothing(
    new_interpreter, aged, context, monkeypatch
):
    monkeypatch.delenv("STACK_ID")
    present = new_interpreter("Sandbox_0123456789_11111111")
    alike = new_interpreter("Sandbox_0123456789_00000000")
    sessions = set(alike.start(1))
    aged(3700)
    janitor.handler(sweep(present), context)
    assert alike.ready() == sessions


def test_a_janitor_of_another_stack_is_told_whose_the_interpreter_is(
    new_interpreter, aged, context
):
    present = new_interpreter("Sandbox_0123456789_11111111", owner=ELSEWHERE)
    orphan = new_interpreter("Sandbox_0123456789_00000000", owner=ELSEWHERE)
    orphan.start(1)
    aged(3700)
    janitor.handler(sweep(present, owner=ELSEWHERE), context)
    assert orphan.ready() == set()


@pytest.mark.parametrize("fault", ["deny", "throttle"])
def test_tags_that_cannot_be_read_prove_nothing(aws, new_interpreter, aged, context, fault):
    present = new_interpreter("Sandbox_0123456789_11111111")
    alike = new_interpreter("Sandbox_0123456789_00000000")
    sessions = set(alike.start(1))
    present.start(1)
    aged(3700)
    aws.inject(fault, operation="ListTagsForResource")
    with pytest.raises(RuntimeError, match=f"tags of {alike.id} cannot be read"):
        janitor.handler(sweep(present), context)
    assert (alike.ready(), present.ready()) == (sessions, set())


def test_one_interpreters_failure_does_not_stop_the_other(
    aws, new_interpreter, aged, context, log_lines
):
    orphan = new_interpreter("Sandbox_0123456789_00000000")
    present = new_interpreter("Sandbox_0123456789_11111111")
    orphan.start(1)
    present.start(1)
    aged(3700)
    aws.inject("deny", operation="ListCodeInterpreterSessions", resource=present.id)
    with pytest.raises(RuntimeError, match=present.id):
        janitor.handler(sweep(present), context)
    assert orphan.ready() == set()
    # What was not seen is not zero: the alarm on a silent janitor counts these.
    assert set(metrics(log_lines())) == {"SessionsStopped", "StopFailures", "OrphanInterpreters"}


def test_orphans_that_cannot_be_listed_do_not_stop_the_sweep(aws, interpreter, aged, context):
    interpreter.start(1)
    aged(3700)
    aws.inject("deny", operation="ListCodeInterpreters")
    with pytest.raises(RuntimeError, match="interpreters of the account"):
        janitor.handler(sweep(interpreter), context)
    assert interpreter.ready() == set()


def test_a_failed_stop_is_counted_and_logged(aws, interpreter, aged, context, log_lines):
    (session,) = interpreter.start(1)
    aged(3700)
    aws.inject("stop_fails")
    janitor.handler(sweep(interpreter), context)
    lines = log_lines()
    assert metrics(lines)["StopFailures"] == 1
    (failure,) = [line for line in lines if line.get("level") == "ERROR"]
    assert (failure["session"], failure["interpreter"]) == (session, interpreter.id)


def test_two_ticks_at_once_do_no_harm(interpreter, aged, context):
    interpreter.start(30)
    aged(3700)
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        ticks = [threads.submit(janitor.handler, sweep(interpreter), context) for _ in range(2)]
        results = [each.result() for each in ticks]
    assert interpreter.ready() == set()
    assert all(each["StopFailures"] == 0 for each in results)
    assert sum(each["SessionsStopped"] for each in results) >= 30


def test_an_interpreter_that_is_gone_is_no_failure(aws, interpreter, context):
    interpreter.id = "Sandbox_0123456789_gone-0123456789"
    assert janitor.handler(sweep(interpreter), context)["ActiveSessions"] == 0


def test_the_system_interpreter_is_watched_only(interpreter, aged, context):
    interpreter.id = SYSTEM
    (started,) = interpreter.start(1)
    aged(3700)
    result = janitor.handler(sweep(interpreter, prefix=""), context)
    assert interpreter.ready() == {started}
    assert (result["OverAgeSessions"], result["SessionsStopped"]) == (1, 0)


def test_an_event_that_is_not_understood_is_an_error(aws, context):
    with pytest.raises(ValueError, match="task must be"):
        janitor.handler({"task": "dance"}, context)
