"""What the documentation leaves open about sessions and calls into them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from agentcore_local.conformance.laboratory import Laboratory, outcome_of, results_of
from agentcore_local.conformance.questions import Answer, Question


def _stop_of_ended_session(laboratory: Laboratory) -> Answer:
    interpreter = laboratory.shared_interpreter()
    session = laboratory.session(interpreter)
    laboratory.stop(interpreter, session)
    code, message = outcome_of(lambda: laboratory.stop(interpreter, session))
    return Answer(
        value="succeeds" if code == "ok" else "fails",
        evidence=(f"second StopCodeInterpreterSession with a new clientToken: {code} {message}",),
    )


def _last_updated(laboratory: Laboratory) -> Answer:
    interpreter = laboratory.shared_interpreter()
    session = laboratory.session(interpreter)
    laboratory.stop(interpreter, session)
    found = laboratory.data.get_code_interpreter_session(
        codeInterpreterIdentifier=interpreter, sessionId=session
    )
    [listed] = [
        item
        for item in laboratory.data.list_code_interpreter_sessions(
            codeInterpreterIdentifier=interpreter, status="TERMINATED", maxResults=100
        )["items"]
        if item["sessionId"] == session
    ]
    moved = listed["lastUpdatedAt"] > listed["createdAt"]
    return Answer(
        value="moves" if moved else "stays",
        evidence=(
            f"after the stop the list has createdAt {listed['createdAt'].isoformat()}, "
            f"lastUpdatedAt {listed['lastUpdatedAt'].isoformat()}",
            f"status {found['status']}",
        ),
    )


def _invoke_without_session(laboratory: Laboratory) -> Answer:
    interpreter = laboratory.shared_interpreter()
    try:
        answer = laboratory.data.invoke_code_interpreter(
            codeInterpreterIdentifier=interpreter,
            name="executeCode",
            arguments={"language": "python", "code": "print(6 * 7)"},
        )
        results = results_of(answer)
    except ClientError as error:
        return Answer(value="fails", evidence=(f"InvokeCodeInterpreter: {error}",))
    session = answer.get("sessionId")
    if session:
        laboratory.stop(interpreter, session)
    return Answer(
        value="starts a session",
        evidence=(f"InvokeCodeInterpreter answered from session {session}: {results}",),
    )


def _invoke_of_ended_session(laboratory: Laboratory) -> Answer:
    interpreter = laboratory.shared_interpreter()
    session = laboratory.session(interpreter)
    laboratory.stop(interpreter, session)
    code, message = outcome_of(
        lambda: laboratory.run(interpreter, session, "executeCommand", command="true")
    )
    return Answer(value=code, evidence=(f"InvokeCodeInterpreter: {code} {message}",))


def _arn_as_identifier(laboratory: Laboratory) -> Answer:
    interpreter = laboratory.shared_interpreter()
    arn = laboratory.control.get_code_interpreter(codeInterpreterId=interpreter)[
        "codeInterpreterArn"
    ]
    code, message = outcome_of(
        lambda: laboratory.data.list_code_interpreter_sessions(codeInterpreterIdentifier=arn)
    )
    return Answer(
        value="is taken" if code == "ok" else "is refused",
        evidence=(f"ListCodeInterpreterSessions of {arn}: {code} {message}",),
    )


def _command_output(laboratory: Laboratory) -> Answer:
    command = "echo to-stdout; echo to-stderr >&2"
    structured = _structured(laboratory, "executeCommand", command=command)
    output, errors = structured.get("stdout") or "", structured.get("stderr") or ""
    apart = "to-stderr" not in output and "to-stderr" in errors
    return Answer(
        value="kept apart" if apart else "merged",
        evidence=(f"executeCommand {command!r}: stdout {output!r}, stderr {errors!r}",),
    )


def _region_in_sessions(laboratory: Laboratory) -> Answer:
    command = 'echo "region: $AWS_REGION, default: $AWS_DEFAULT_REGION."'
    output = _structured(laboratory, "executeCommand", command=command).get("stdout") or ""
    known = re.search(r"(region|default): [a-z]", output)
    return Answer(
        value="is there" if known else "is missing",
        evidence=(f"executeCommand {command!r}: {output!r}",),
    )


def _execution_time(laboratory: Laboratory) -> Answer:
    code = "import time; time.sleep(2); print(1)"
    structured = _structured(laboratory, "executeCode", language="python", code=code)
    value = float(structured.get("executionTime") or 0)
    unit = "milliseconds" if value > 100 else "seconds" if value else "missing"
    return Answer(value=unit, evidence=(f"executionTime of two seconds of sleep: {value}",))


def _structured(laboratory: Laboratory, tool: str, **arguments: Any) -> Mapping[str, Any]:
    """The structured result of one call in a session of its own."""
    interpreter = laboratory.shared_interpreter()
    session = laboratory.session(interpreter)
    result = laboratory.run(interpreter, session, tool, **arguments)
    laboratory.stop(interpreter, session)
    return result.get("structuredContent") or {}


QUESTIONS = (
    Question(
        id="stop-of-ended-session",
        text="Is stopping a session that has ended already an error?",
        matters="The drain and the janitor count such an error as done.",
        ask=_stop_of_ended_session,
        sessions=1,
        behavior="stop_of_ended_session_fails",
        settings={"fails": True, "succeeds": False},
    ),
    Question(
        id="last-updated",
        text="Does lastUpdatedAt of a session move when it ends?",
        matters="Ages are taken from createdAt alone.",
        ask=_last_updated,
        sessions=1,
        behavior="last_updated_moves",
        settings={"moves": True, "stays": False},
    ),
    Question(
        id="invoke-without-session",
        text="What does Invoke do without a session id?",
        matters="Our functions and examples always send one; a session that nobody knows of is "
        "found and aged out by the janitor.",
        ask=_invoke_without_session,
        sessions=1,
        behavior="invoke_without_session_fails",
        settings={"fails": True, "starts a session": False},
    ),
    Question(
        id="invoke-of-ended-session",
        text="Which error does Invoke answer for a session that has ended?",
        matters="Callers are advised to start a new session on ResourceNotFoundException and on "
        "ConflictException.",
        ask=_invoke_of_ended_session,
        sessions=1,
    ),
    Question(
        id="arn-as-identifier",
        text="Does the data plane take an ARN where the documentation passes an id?",
        matters="Ids are passed everywhere.",
        ask=_arn_as_identifier,
        behavior="arn_as_identifier",
        settings={"is taken": True, "is refused": False},
    ),
    Question(
        id="command-output",
        text="Are a command's two output streams kept apart?",
        matters="The smoke test and the canary read both and go by the exit code.",
        ask=_command_output,
        sessions=1,
        behavior="merged_command_output",
        settings={"merged": True, "kept apart": False},
    ),
    Question(
        id="region-in-sessions",
        text="Does code in a session find its region in the environment?",
        matters="The examples name the region, or use Amazon S3, whose clients need none.",
        ask=_region_in_sessions,
        sessions=1,
        behavior="region_in_sessions",
        settings={"is there": True, "is missing": False},
    ),
    Question(
        id="execution-time",
        text="In which unit is executionTime?",
        matters="No alarm and no widget uses it.",
        ask=_execution_time,
        sessions=1,
    ),
)
