"""Faults: what goes wrong on request, and the same for the same seed."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from agentcore_local.service.faults import Faults

SYSTEM = "aws.codeinterpreter.v1"


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        ("throttle", "ThrottlingException", 429),
        ("server_error", "InternalServerException", 500),
        ("deny", "AccessDeniedException", 403),
    ],
)
def test_a_fault_strikes_the_named_operation_as_often_as_said(
    local: Any, fault: str, code: str, status: int
) -> None:
    local.service.faults.inject(fault, operation="Start*", count=2)
    start = local.data.start_code_interpreter_session
    for _ in range(2):
        assert local.statuses(SYSTEM) == []
        assert local.error(start, codeInterpreterIdentifier=SYSTEM)[:2] == (code, status)
    start(codeInterpreterIdentifier=SYSTEM)


def test_a_fault_can_be_for_one_interpreter(local: Any) -> None:
    spared, struck = local.create("spared"), local.create("struck")
    local.service.faults.inject("throttle", resource="struck-*")
    local.session(spared)
    assert local.error(lambda: local.session(struck))[0] == "ThrottlingException"


def test_a_fault_ends_with_its_time(local: Any) -> None:
    local.service.faults.inject("throttle", seconds=60)
    assert local.error(local.session)[0] == "ThrottlingException"
    local.backend.clock_offset += 61
    local.session()
    assert local.service.faults.active() == []


def test_latency_comes_before_the_answer(local: Any) -> None:
    local.service.faults.inject("latency", count=1, delay_seconds=0.3)
    started = time.monotonic()
    local.session()
    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize("after", [False, True], ids=["before the work", "after the work"])
def test_a_dropped_connection_may_have_done_its_work(local: Any, after: bool) -> None:
    local.service.faults.inject("drop_connection", operation="Start*", count=1, after=after)
    with pytest.raises(ConnectionClosedError):
        local.session()
    assert len(local.statuses(SYSTEM)) == int(after)


def test_a_stop_that_fails_leaves_the_session(local: Any) -> None:
    session = local.session()
    local.service.faults.inject("stop_fails", count=1)
    assert local.error(session.stop)[:2] == ("ConflictException", 409)
    assert session.get()["status"] == "READY"
    session.stop()


def test_a_stop_that_lies_takes_effect_later(local: Any) -> None:
    session = local.session()
    local.service.faults.inject("stop_lies", count=1, delay_seconds=20)
    assert session.stop()["sessionId"] == session.id
    assert session.get()["status"] == "READY"
    local.backend.clock_offset += 21
    assert session.get()["status"] == "TERMINATED"


def test_an_interpreter_can_stay_deleting(local: Any) -> None:
    identifier = local.create("stuck")
    local.service.faults.inject("delete_stays_deleting", resource="stuck-*")
    local.control.delete_code_interpreter(codeInterpreterId=identifier)
    local.backend.clock_offset += 3600
    get = local.control.get_code_interpreter
    assert get(codeInterpreterId=identifier)["status"] == "DELETING"
    local.service.faults.clear()
    assert local.error(get, codeInterpreterId=identifier)[0] == "ResourceNotFoundException"


def test_a_page_can_come_twice(local: Any) -> None:
    identifier = local.create("pages")
    started = {local.session(identifier).id for _ in range(25)}
    local.service.faults.inject("list_repeats_page", count=1)
    pages = []
    token: dict[str, str] = {}
    while True:
        answer = local.data.list_code_interpreter_sessions(
            codeInterpreterIdentifier=identifier, **token
        )
        pages.append([item["sessionId"] for item in answer["items"]])
        if "nextToken" not in answer:
            break
        token = {"nextToken": answer["nextToken"]}
    assert [len(page) for page in pages] == [10, 10, 10, 5]
    assert pages[0] == pages[1]
    assert {session for page in pages for session in page} == started


def test_an_agent_can_restart_what_is_stopped(local: Any) -> None:
    identifier = local.create("agent")
    first = local.session(identifier)
    local.service.faults.inject("restarting_agent", count=2)
    first.stop()
    assert local.statuses(identifier) == ["READY", "TERMINATED"]


def test_sessions_can_expire_between_list_and_stop(local: Any) -> None:
    identifier = local.create("expiring")
    session = local.session(identifier)
    local.service.faults.inject("expire_during_drain", count=1)
    assert local.statuses(identifier) == ["READY"]
    assert local.error(session.stop)[0] == "ConflictException"


def test_the_same_seed_strikes_the_same_calls() -> None:
    def struck(seed: int) -> list[bool]:
        faults = Faults(lambda: 0.0)
        faults.inject("throttle", probability=0.5, seed=seed)
        return [faults.strike("throttle", "Op") is not None for _ in range(50)]

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert 10 < sum(struck(1)) < 40


def test_other_parts_can_declare_faults_of_their_own() -> None:
    faults = Faults(lambda: 0.0)
    faults.declare(
        "interfaces_hold_group", "network interfaces hold a security group", options=["group"]
    )
    fault = faults.inject("interfaces_hold_group", seconds=5, group="sg-1")
    assert faults.lasting("interfaces_hold_group") == fault
    assert fault.options == {"group": "sg-1"}
    faults.clear(fault.id)
    assert faults.active() == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "no_such"}, "unknown fault 'no_such'; known are: .*throttle"),
        ({"name": "throttle", "probability": 2}, "probability must be between 0 and 1, got 2"),
        ({"name": "throttle", "probability": "x"}, "probability must be .*, got 'x'"),
        ({"name": "throttle", "count": 0}, "count must be at least 1, got 0"),
        ({"name": "throttle", "count": "abc"}, "count must be at least 1, got 'abc'"),
        ({"name": "throttle", "seconds": "x"}, "seconds must be a number from 0 on, got 'x'"),
        ({"name": "throttle", "operation": 5}, "operation must be a text .*, got 5"),
        ({"name": "throttle", "operaton": "Start*"}, "throttle has no option 'operaton'"),
        ({"name": "latency", "delay_seconds": "x"}, "delay_seconds must be .*, got 'x'"),
        ({"name": "latency", "delay_seconds": float("nan")}, "delay_seconds must be .*, got nan"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Faults(lambda: 0.0).inject(**arguments)
