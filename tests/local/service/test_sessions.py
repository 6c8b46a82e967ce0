"""Sessions: start, get, list, stop, expire."""

from __future__ import annotations

import re
from typing import Any

import pytest

from agentcore_local.service.behavior import ServiceBehavior

SYSTEM = "aws.codeinterpreter.v1"


def test_a_session_has_what_it_was_started_with(local: Any) -> None:
    identifier = local.create("sessions")
    session = local.session(identifier, name="work", sessionTimeoutSeconds=60)
    # 26 characters of Crockford's base 32, as the ids of the service.
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{26}", session.id)
    found = session.get()
    assert found["status"] == "READY"
    assert found["codeInterpreterIdentifier"] == identifier
    assert found["name"] == "work"
    assert found["sessionTimeoutSeconds"] == 60


def test_a_session_lives_fifteen_minutes_unless_said_otherwise(local: Any) -> None:
    session = local.session()
    assert session.get()["sessionTimeoutSeconds"] == 900
    local.backend.clock_offset += 899
    assert session.get()["status"] == "READY"
    local.backend.clock_offset += 2
    assert session.get()["status"] == "TERMINATED"


def test_activity_does_not_prolong_a_session(local: Any) -> None:
    session = local.session(sessionTimeoutSeconds=600)
    session.run("x = 1")
    local.backend.clock_offset += 540
    assert session.run("print(x)")["structuredContent"]["stdout"] == "1"
    local.backend.clock_offset += 70
    code, status, _ = local.error(session.run, code="print(x)")
    assert (code, status) == ("ResourceNotFoundException", 404)


def test_a_session_that_expires_keeps_the_time_of_its_end(local: Any) -> None:
    session = local.session(sessionTimeoutSeconds=60)
    local.backend.clock_offset += 1000
    listed = local.data.list_code_interpreter_sessions(codeInterpreterIdentifier=SYSTEM)
    (item,) = listed["items"]
    assert item["status"] == "TERMINATED"
    assert (item["lastUpdatedAt"] - session.get()["createdAt"]).total_seconds() == 60


def test_the_processes_of_an_expired_session_are_ended_by_time_alone(local: Any) -> None:
    session = local.session(sessionTimeoutSeconds=60)
    pid = int(session.run("import os; print(os.getpid())")["structuredContent"]["stdout"])
    local.tick(61)
    local.wait_for(local.service._work.finish())
    assert not local.process_exists(pid)


def test_stop_ends_a_session_and_says_when(local: Any) -> None:
    session = local.session()
    local.backend.clock_offset += 10
    answer = session.stop()
    assert answer["sessionId"] == session.id
    assert answer["codeInterpreterIdentifier"] == SYSTEM
    found = session.get()
    assert found["status"] == "TERMINATED"
    assert 10 <= (answer["lastUpdatedAt"] - found["createdAt"]).total_seconds() < 12


@pytest.mark.parametrize("fails", [True, False])
def test_stopping_twice_is_an_error_or_not(start_local: Any, fails: bool) -> None:
    local = start_local(behavior=ServiceBehavior(stop_of_ended_session_fails=fails))
    session = local.session()
    first = session.stop()
    if fails:
        assert local.error(session.stop)[:2] == ("ConflictException", 409)
    else:
        assert session.stop()["lastUpdatedAt"] == first["lastUpdatedAt"]


def test_last_updated_may_stay_where_it_is(start_local: Any) -> None:
    local = start_local(behavior=ServiceBehavior(last_updated_moves=False))
    session = local.session()
    created = session.get()["createdAt"]
    local.backend.clock_offset += 10
    assert session.stop()["lastUpdatedAt"] == created


def test_a_session_belongs_to_its_interpreter(local: Any) -> None:
    session = local.session(local.create("one"))
    other = local.create("other")
    get = local.data.get_code_interpreter_session
    code, status, _ = local.error(get, codeInterpreterIdentifier=other, sessionId=session.id)
    assert (code, status) == ("ResourceNotFoundException", 404)
    stop = local.data.stop_code_interpreter_session
    assert local.error(stop, codeInterpreterIdentifier=other, sessionId=session.id)[1] == 404
    assert session.get()["status"] == "READY"


def test_sessions_need_an_interpreter_that_exists(local: Any) -> None:
    start = local.data.start_code_interpreter_session
    code, status, _ = local.error(start, codeInterpreterIdentifier="none-1234567890")
    assert (code, status) == ("ResourceNotFoundException", 404)


@pytest.mark.parametrize("accepted", [True, False])
def test_an_arn_may_do_for_an_identifier_or_not(start_local: Any, accepted: bool) -> None:
    local = start_local(behavior=ServiceBehavior(arn_as_identifier=accepted))
    identifier = local.create("named")
    found = local.control.get_code_interpreter(codeInterpreterId=identifier)
    params = {"codeInterpreterIdentifier": found["codeInterpreterArn"]}
    start = local.data.start_code_interpreter_session
    if accepted:
        assert start(**params)["codeInterpreterIdentifier"] == identifier
    else:
        assert local.error(start, **params)[0] == "ResourceNotFoundException"


def test_a_list_has_ten_items_a_page_and_every_session_once(local: Any) -> None:
    identifier = local.create("paged")
    started = [local.session(identifier).id for _ in range(23)]
    local.session(local.create("elsewhere"))
    seen: list[str] = []
    token: dict[str, str] = {}
    sizes = []
    while True:
        page = local.data.list_code_interpreter_sessions(
            codeInterpreterIdentifier=identifier, **token
        )
        sizes.append(len(page["items"]))
        seen += [item["sessionId"] for item in page["items"]]
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert sizes == [10, 10, 3]
    assert seen == started[::-1]


def test_a_token_leads_on_although_the_page_before_it_was_stopped(local: Any) -> None:
    identifier = local.create("drained")
    sessions = {each.id: each for each in (local.session(identifier) for _ in range(15))}
    params = {"codeInterpreterIdentifier": identifier, "status": "READY"}
    first = local.data.list_code_interpreter_sessions(**params)
    for item in first["items"]:
        sessions.pop(item["sessionId"]).stop()
    second = local.data.list_code_interpreter_sessions(**params, nextToken=first["nextToken"])
    assert {item["sessionId"] for item in second["items"]} == set(sessions)


def test_a_list_can_be_of_one_state(local: Any) -> None:
    identifier = local.create("mixed")
    stopped, ready = local.session(identifier), local.session(identifier)
    stopped.stop()
    for status, session in (("READY", ready), ("TERMINATED", stopped)):
        listed = local.data.list_code_interpreter_sessions(
            codeInterpreterIdentifier=identifier, status=status
        )
        assert [item["sessionId"] for item in listed["items"]] == [session.id]
    assert sorted(local.statuses(identifier)) == ["READY", "TERMINATED"]


def test_the_record_of_an_ended_session_is_kept_for_thirty_days(local: Any) -> None:
    identifier = local.create("kept")
    session = local.session(identifier)
    session.stop()
    local.backend.clock_offset += 29 * 86400
    assert session.get()["status"] == "TERMINATED"
    local.backend.clock_offset += 2 * 86400
    assert local.error(session.get)[0] == "ResourceNotFoundException"
    assert local.statuses(identifier) == []


@pytest.mark.parametrize("fails", [True, False])
def test_an_invoke_without_a_session_fails_or_starts_one(start_local: Any, fails: bool) -> None:
    local = start_local(behavior=ServiceBehavior(invoke_without_session_fails=fails))
    invoke = local.data.invoke_code_interpreter
    params = {"codeInterpreterIdentifier": SYSTEM, "name": "listFiles"}
    if fails:
        code, _, response = local.error(invoke, **params)
        assert code == "ValidationException"
        assert response["fieldList"][0]["name"] == "sessionId"
        assert local.statuses(SYSTEM) == []
    else:
        answer = invoke(**params)
        assert answer["sessionId"]
        (event,) = answer["stream"]
        assert event["result"]["content"] == []
        assert local.statuses(SYSTEM) == ["READY"]


@pytest.mark.parametrize(
    ("identifier", "arn"),
    [
        (SYSTEM, "arn:aws:bedrock-agentcore:us-east-1:aws:code-interpreter/aws.codeinterpreter.v1"),
        ("", "arn:aws:bedrock-agentcore:us-east-1:111122223333:code-interpreter-custom/"),
    ],
    ids=["system", "custom"],
)
def test_each_call_is_authorized_on_the_arn_of_its_interpreter(
    local: Any, identifier: str, arn: str
) -> None:
    if not identifier:
        identifier = local.create("authorized")
        arn += identifier
    session = local.session(identifier)
    session.get()
    local.statuses(identifier)
    session.invoke("listFiles")
    session.stop()
    asked = {action: found for action, found, _ in local.backend.authorized}
    for operation in (
        "StartCodeInterpreterSession",
        "GetCodeInterpreterSession",
        "ListCodeInterpreterSessions",
        "InvokeCodeInterpreter",
        "StopCodeInterpreterSession",
    ):
        assert asked[f"bedrock-agentcore:{operation}"] == arn
        local.backend.denied_actions.add(f"bedrock-agentcore:{operation}")
    for call in (session.get, session.stop, lambda: session.invoke("listFiles")):
        assert local.error(call)[:2] == ("AccessDeniedException", 403)
    assert local.error(lambda: local.session(identifier))[0] == "AccessDeniedException"
    assert local.error(lambda: local.statuses(identifier))[0] == "AccessDeniedException"


def test_a_denial_does_not_tell_whether_an_interpreter_exists(local: Any) -> None:
    local.backend.denied_actions.add("bedrock-agentcore:StartCodeInterpreterSession")
    start = local.data.start_code_interpreter_session
    messages = {
        local.error(start, codeInterpreterIdentifier=identifier)[2]["Error"]["Message"]
        for identifier in (SYSTEM, "none-1234567890")
    }
    assert len(messages) == 1
