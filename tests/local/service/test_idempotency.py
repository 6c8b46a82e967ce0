"""Client tokens."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

SYSTEM = "aws.codeinterpreter.v1"
SANDBOX = {"networkMode": "SANDBOX"}


def token() -> str:
    return str(uuid.uuid4())


def test_the_same_creation_again_is_the_same_interpreter(local: Any) -> None:
    params = {"name": "once", "networkConfiguration": SANDBOX, "clientToken": token()}
    first = local.control.create_code_interpreter(**params)
    second = local.control.create_code_interpreter(**params)
    assert second["codeInterpreterId"] == first["codeInterpreterId"]
    assert len(local.control.list_code_interpreters(type="CUSTOM")["codeInterpreterSummaries"]) == 1


def test_the_same_start_again_is_the_same_session(local: Any) -> None:
    params = {"codeInterpreterIdentifier": SYSTEM, "name": "n", "clientToken": token()}
    first = local.data.start_code_interpreter_session(**params)
    assert local.data.start_code_interpreter_session(**params)["sessionId"] == first["sessionId"]
    assert local.statuses(SYSTEM) == ["READY"]


def test_a_token_with_other_parameters_is_refused(local: Any) -> None:
    used = token()
    start = local.data.start_code_interpreter_session
    start(codeInterpreterIdentifier=SYSTEM, name="one", clientToken=used)
    code, _, response = local.error(
        start, codeInterpreterIdentifier=SYSTEM, name="other", clientToken=used
    )
    assert code == "ValidationException"
    assert response["reason"] == "IdempotentParameterMismatchException"
    assert local.statuses(SYSTEM) == ["READY"]


def test_the_same_stop_and_the_same_deletion_again_are_no_errors(local: Any) -> None:
    identifier = local.create("twice")
    session = local.session(identifier)
    stop = {
        "codeInterpreterIdentifier": identifier,
        "sessionId": session.id,
        "clientToken": token(),
    }
    first = local.data.stop_code_interpreter_session(**stop)
    again = local.data.stop_code_interpreter_session(**stop)
    assert again["lastUpdatedAt"] == first["lastUpdatedAt"]
    delete = {"codeInterpreterId": identifier, "clientToken": token()}
    local.control.delete_code_interpreter(**delete)
    local.backend.clock_offset += 5
    assert local.control.delete_code_interpreter(**delete)["status"] == "DELETING"


def test_a_stop_that_is_sent_again_while_it_is_under_way_is_no_error(local: Any) -> None:
    session = local.session()
    session.run("state = 1")  # a process has to end first
    stop = {
        "codeInterpreterIdentifier": SYSTEM,
        "sessionId": session.id,
        "clientToken": token(),
    }
    with ThreadPoolExecutor(4) as threads:
        answers = [
            each.result()
            for each in [
                threads.submit(local.data.stop_code_interpreter_session, **stop) for _ in range(4)
            ]
        ]
    assert {each["sessionId"] for each in answers} == {session.id}


def test_attempts_of_one_request_may_have_traces_of_their_own(local: Any) -> None:
    params = {"codeInterpreterIdentifier": SYSTEM, "name": "n", "clientToken": token()}
    start = local.data.start_code_interpreter_session
    first = start(**params, traceId="Root=1-00000000-000000000000000000000001")
    second = start(**params, traceId="Root=1-00000000-000000000000000000000002")
    assert second["sessionId"] == first["sessionId"]


def test_a_token_counts_in_its_own_account_region_and_operation(local: Any) -> None:
    params = {"codeInterpreterIdentifier": SYSTEM, "clientToken": token()}
    clients = [
        local.data,
        local.client("bedrock-agentcore", key="AKIA444455556666"),
        local.client("bedrock-agentcore", region="eu-west-1"),
    ]
    ids = {client.start_code_interpreter_session(**params)["sessionId"] for client in clients}
    assert len(ids) == 3


def test_a_token_is_forgotten_after_a_day(local: Any) -> None:
    params = {"codeInterpreterIdentifier": SYSTEM, "clientToken": token()}
    first = local.data.start_code_interpreter_session(**params)
    local.backend.clock_offset += 25 * 3600
    assert local.data.start_code_interpreter_session(**params)["sessionId"] != first["sessionId"]


def test_a_denied_caller_does_not_learn_an_earlier_answer(local: Any) -> None:
    params = {"codeInterpreterIdentifier": SYSTEM, "clientToken": token()}
    start = local.data.start_code_interpreter_session
    start(**params)
    local.backend.denied_actions.add("bedrock-agentcore:StartCodeInterpreterSession")
    assert local.error(start, **params)[0] == "AccessDeniedException"
