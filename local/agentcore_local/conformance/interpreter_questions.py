"""What the documentation leaves open about interpreters: deletion, names, identity, logs."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

from agentcore_local.conformance.laboratory import Laboratory, outcome_of, wait_until
from agentcore_local.conformance.questions import Answer, Question

VISIBLE_SECONDS = 2


def _delete_with_ready_sessions(laboratory: Laboratory) -> Answer:
    interpreter = laboratory.interpreter("busy")
    session = laboratory.session(interpreter)
    code, message = outcome_of(_deletion(laboratory, interpreter))
    evidence = [f"DeleteCodeInterpreter with one READY session: {code} {message}"]
    if code != "ok":
        laboratory.stop(interpreter, session)
        outcome_of(_deletion(laboratory, interpreter))
        return Answer(value="fails", evidence=tuple(evidence))
    wait_until(lambda: laboratory.status(interpreter) != "DELETING", "the interpreter is DELETING")
    status = laboratory.status(interpreter)
    evidence.append(f"the interpreter is {status}")
    if status == "DELETE_FAILED":
        return Answer(value="fails", evidence=tuple(evidence))
    code, message = outcome_of(
        lambda: laboratory.run(interpreter, session, "executeCommand", command="true")
    )
    evidence.append(f"InvokeCodeInterpreter in the session afterwards: {code} {message}")
    return Answer(
        value="sessions go on" if code == "ok" else "ends the sessions", evidence=tuple(evidence)
    )


def _same_name(laboratory: Laboratory) -> Answer:
    name = laboratory.name("twin")
    first = laboratory.interpreter("twin", name=name)
    code, message = outcome_of(lambda: laboratory.interpreter("twin", name=name))
    evidence = [f"CreateCodeInterpreter with the name of a READY one: {code} {message}"]
    laboratory.control.delete_code_interpreter(codeInterpreterId=first)
    deleting, message = outcome_of(lambda: laboratory.interpreter("twin", name=name))
    evidence.append(f"the same right after its deletion was asked for: {deleting} {message}")
    return Answer(value="is refused" if code != "ok" else "is allowed", evidence=tuple(evidence))


def _deleted_stays_visible(laboratory: Laboratory) -> Answer:
    interpreter = laboratory.interpreter("deleted")
    laboratory.control.delete_code_interpreter(codeInterpreterId=interpreter)
    wait_until(lambda: laboratory.status(interpreter) != "DELETING", "the interpreter is DELETING")
    seen = [laboratory.status(interpreter)]
    end = time.monotonic() + VISIBLE_SECONDS
    while seen[-1] == "DELETED" and time.monotonic() < end:
        time.sleep(0.2)
        seen.append(laboratory.status(interpreter))
    visible = "DELETED" in seen
    return Answer(
        value="is still shown" if visible else "is gone",
        evidence=(f"GetCodeInterpreter after DELETING: {sorted(set(seen))}",),
    )


def _documented_caller_arn(laboratory: Laboratory) -> Answer:
    """Grant what the documentation's example prints, and what the authorization reference says."""
    target, interpreter = laboratory.target, laboratory.shared_interpreter()
    begin = f"arn:{target.partition}:bedrock-agentcore:{target.region}:{target.account}"
    outcomes = {}
    # The form that works is tried first: it tells when a new role has spread.
    for kind in ("code-interpreter-custom", "code-interpreter"):
        statement = {
            "Effect": "Allow",
            "Action": "bedrock-agentcore:ListCodeInterpreterSessions",
            "Resource": f"{begin}:{kind}/*",
        }
        client = laboratory.data_client_as(laboratory.role("caller", statements=[statement]))
        listing = functools.partial(
            client.list_code_interpreter_sessions, codeInterpreterIdentifier=interpreter
        )
        if kind == "code-interpreter-custom":
            listing = functools.partial(laboratory.patiently, listing)
        code, message = outcome_of(listing)
        outcomes[kind] = f"{code} {message}"
    allowed = outcomes["code-interpreter"].startswith("ok")
    return Answer(
        value="is evaluated" if allowed else "grants nothing",
        evidence=tuple(f"a caller granted {kind}/*: {text}" for kind, text in outcomes.items()),
    )


def _second_delivery_source(laboratory: Laboratory) -> Answer:
    logs = laboratory.target.client("logs")
    arn = laboratory.control.get_code_interpreter(codeInterpreterId=laboratory.interpreter("logs"))[
        "codeInterpreterArn"
    ]

    def put(log_type: str) -> None:
        logs.put_delivery_source(name=laboratory.name("source"), resourceArn=arn, logType=log_type)

    put("USAGE_LOGS")
    code, message = outcome_of(lambda: put("USAGE_LOGS"))
    other, other_message = outcome_of(lambda: put("TRACES"))
    return Answer(
        value="is accepted" if code == "ok" else "is refused",
        evidence=(
            f"a second PutDeliverySource of the same ARN and log type: {code} {message}",
            f"one of another log type: {other} {other_message}",
        ),
    )


def _deletion(laboratory: Laboratory, interpreter: str) -> Callable[[], object]:
    return lambda: laboratory.control.delete_code_interpreter(codeInterpreterId=interpreter)


QUESTIONS = (
    Question(
        id="delete-with-ready-sessions",
        text="Does deleting an interpreter fail while sessions are READY?",
        matters="The drain stops all of them first.",
        ask=_delete_with_ready_sessions,
        sessions=1,
        behavior="delete_with_ready_sessions_conflicts",
        settings={"fails": True, "ends the sessions": False},
    ),
    Question(
        id="same-name",
        text="Is a second interpreter of the same name refused?",
        matters="Generated names change with every property that replaces the interpreter.",
        ask=_same_name,
        behavior="same_name_conflicts",
        settings={"is refused": True, "is allowed": False},
    ),
    Question(
        id="deleted-stays-visible",
        text="Does Get still answer for an interpreter that is deleted?",
        matters="Nothing waits for more than the end of DELETING.",
        ask=_deleted_stays_visible,
        behavior="deleted_stays_visible_seconds",
        settings={"is still shown": 60.0, "is gone": 0.0},
    ),
    Question(
        id="documented-caller-arn",
        text="Does the ARN of the documentation's example policy (code-interpreter/*) grant "
        "anything on a custom interpreter?",
        matters="Grants use the forms of the service authorization reference.",
        ask=_documented_caller_arn,
    ),
    Question(
        id="second-delivery-source",
        text="Is a second delivery source for the same log type of one interpreter refused?",
        matters="Log types of one interpreter that overlap in one app are refused at synthesis.",
        ask=_second_delivery_source,
        behavior="second_delivery_source_conflicts",
        settings={"is refused": True, "is accepted": False},
    ),
)
