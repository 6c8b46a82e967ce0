"""Random sequences of operations, against a small model of the documented rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import hypothesis.strategies as st
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agentcore_local.service.behavior import ServiceBehavior
from agentcore_local.service.limits import Limits

QUOTA = 8
SANDBOX = {"networkMode": "SANDBOX"}


@dataclass
class ModelSession:
    started: float
    timeout: int
    stopped: float | None = None

    def is_ready(self, now: float) -> bool:
        return self.stopped is None and now < self.started + self.timeout


@dataclass
class ModelInterpreter:
    name: str
    sessions: dict[str, ModelSession] = field(default_factory=dict)

    def ready(self, now: float) -> set[str]:
        return {key for key, session in self.sessions.items() if session.is_ready(now)}


class Rules(RuleBasedStateMachine):
    """The service and the model take the same steps and must agree.

    The clock stands still but for the steps that move it: half seconds, so that no end of a
    session falls on the moment of a call.
    """

    local: Any

    def __init__(self) -> None:
        super().__init__()
        self.local.wait_for(self.local.service.reset())
        self.local.backend.now = lambda: self.now
        self.now = 1_800_000_000.0
        self.interpreters: dict[str, ModelInterpreter] = {}
        self.tokens: dict[str, tuple[str, int, str]] = {}

    def call(self, operation: Any, **params: Any) -> tuple[str, Any]:
        try:
            return "", operation(**params)
        except ClientError as error:
            return error.response["Error"]["Code"], None

    def all_ready(self) -> int:
        return sum(len(each.ready(self.now)) for each in self.interpreters.values())

    def pick(self, number: int) -> str:
        return sorted(self.interpreters)[number % len(self.interpreters)]

    @precondition(lambda self: len(self.interpreters) < 3)
    @rule(name=st.sampled_from(["a", "b", "c"]))
    def create(self, name: str) -> None:
        taken = any(each.name == name for each in self.interpreters.values())
        create = self.local.control.create_code_interpreter
        error, answer = self.call(create, name=name, networkConfiguration=SANDBOX)
        assert error == ("ConflictException" if taken else "")
        if not taken:
            self.interpreters[answer["codeInterpreterId"]] = ModelInterpreter(name)

    @precondition(lambda self: self.interpreters)
    @rule(number=st.integers(0, 9))
    def delete(self, number: int) -> None:
        identifier = self.pick(number)
        busy = bool(self.interpreters[identifier].ready(self.now))
        delete = self.local.control.delete_code_interpreter
        error, _ = self.call(delete, codeInterpreterId=identifier)
        assert error == ("ConflictException" if busy else "")
        if not busy:
            del self.interpreters[identifier]
            error, _ = self.call(delete, codeInterpreterId=identifier)
            assert error == "ResourceNotFoundException"

    @precondition(lambda self: self.interpreters)
    @rule(number=st.integers(0, 9), count=st.integers(1, QUOTA + 1))
    def start_many(self, number: int, count: int) -> None:
        for _ in range(count):
            self.start_one(self.pick(number), 900, None)

    @precondition(lambda self: self.interpreters)
    @rule(
        number=st.integers(0, 9),
        timeout=st.sampled_from([60, 900, 28800]),
        token=st.none() | st.sampled_from(["t" * 33, "u" * 40]),
    )
    def start(self, number: int, timeout: int, token: str | None) -> None:
        self.start_one(self.pick(number), timeout, token)

    def start_one(self, identifier: str, timeout: int, token: str | None) -> None:
        params = {"codeInterpreterIdentifier": identifier, "sessionTimeoutSeconds": timeout}
        if token:
            params["clientToken"] = token
        start = self.local.data.start_code_interpreter_session
        expected = "ServiceQuotaExceededException" if self.all_ready() >= QUOTA else ""
        used = self.tokens.get(token) if token else None
        if used is not None:
            expected = "" if used[:2] == (identifier, timeout) else "ValidationException"
        error, answer = self.call(start, **params)
        assert error == expected
        if error:
            return
        if used is not None:
            assert answer["sessionId"] == used[2]
            return
        self.interpreters[identifier].sessions[answer["sessionId"]] = ModelSession(
            self.now, timeout
        )
        if token:
            self.tokens[token] = (identifier, timeout, answer["sessionId"])

    @precondition(lambda self: any(each.sessions for each in self.interpreters.values()))
    @rule(number=st.integers(0, 50), through_other=st.booleans())
    def stop(self, number: int, through_other: bool) -> None:
        every = [
            (identifier, session)
            for identifier, each in sorted(self.interpreters.items())
            for session in sorted(each.sessions)
        ]
        owner, session_id = every[number % len(every)]
        through = self.pick(number + 1) if through_other else owner
        session = self.interpreters[owner].sessions[session_id]
        expected = "" if session.is_ready(self.now) else "ConflictException"
        if through != owner:
            expected = "ResourceNotFoundException"
        stop = self.local.data.stop_code_interpreter_session
        error, _ = self.call(stop, codeInterpreterIdentifier=through, sessionId=session_id)
        assert error == expected
        if not error:
            session.stopped = self.now

    @rule(seconds=st.sampled_from([0.5, 59.5, 70.5, 899.5, 5000.5]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.now += 0.25 if self.now % 1 == 0 else 0.0

    @precondition(lambda self: self.interpreters)
    @rule(
        number=st.integers(0, 9),
        size=st.integers(1, 7),
        status=st.sampled_from(["READY", "TERMINATED", None]),
    )
    def list_in_pages(self, number: int, size: int, status: str | None) -> None:
        identifier = self.pick(number)
        interpreter = self.interpreters[identifier]
        ready = interpreter.ready(self.now)
        expected = {
            "READY": ready,
            "TERMINATED": set(interpreter.sessions) - ready,
            None: set(interpreter.sessions),
        }[status]
        params: dict[str, Any] = {"codeInterpreterIdentifier": identifier, "maxResults": size}
        if status:
            params["status"] = status
        seen: list[str] = []
        while True:
            answer = self.local.data.list_code_interpreter_sessions(**params)
            items = [item["sessionId"] for item in answer["items"]]
            more = "nextToken" in answer
            assert len(items) == size if more else len(items) <= size
            seen += items
            if not more:
                break
            params["nextToken"] = answer["nextToken"]
        assert len(seen) == len(expected)
        assert set(seen) == expected

    @invariant()
    def the_same_interpreters_exist(self) -> None:
        listed = self.local.control.list_code_interpreters(type="CUSTOM", maxResults=100)
        found = {each["codeInterpreterId"] for each in listed["codeInterpreterSummaries"]}
        assert found == set(self.interpreters)

    @invariant()
    def each_session_has_the_same_state(self) -> None:
        for identifier, interpreter in self.interpreters.items():
            listed = self.local.data.list_code_interpreter_sessions(
                codeInterpreterIdentifier=identifier, maxResults=100
            )["items"]
            states = {item["sessionId"]: item["status"] == "READY" for item in listed}
            assert states == {
                key: session.is_ready(self.now) for key, session in interpreter.sessions.items()
            }


@pytest.fixture
def rules(start_local: Any) -> type[Rules]:
    local = start_local(
        limits=Limits(requests_per_second={}, active_sessions=QUOTA),
        behavior=ServiceBehavior(create_seconds=0, delete_seconds=0),
    )
    return type("BoundRules", (Rules,), {"local": local})


def test_the_service_and_the_documented_rules_agree(rules: type[Rules]) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        rules,
        settings=settings(
            max_examples=25,
            stateful_step_count=40,
            phases=[Phase.generate],  # each step is an HTTP call: shrinking takes minutes
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
