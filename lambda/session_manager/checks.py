"""Really use an interpreter: each language, files and a command, in one session."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from .failures import CallFailedError
from .pacing import Deadline
from .sessions import Caller

if TYPE_CHECKING:
    from mypy_boto3_bedrock_agentcore import BedrockAgentCoreClient

SESSION_NAME = "cdk-code-interpreter-check"
# The session ends by itself soon after, should it be impossible to stop it.
SESSION_SECONDS = 300
ATTEMPTS = 3
PROOF = "42"
FILE = "cdk-code-interpreter-check.txt"


class CheckFailedError(Exception):
    """A tool that did not do what it is there for."""


@dataclass(frozen=True)
class Step:
    """One call of a tool, and the text that its result must contain."""

    tool: str
    arguments: Mapping[str, Any]
    expected: str = ""


@dataclass(frozen=True)
class Check:
    """One thing that users of the interpreter rely on."""

    name: str
    steps: Sequence[Step]


@dataclass(frozen=True)
class Result:
    """How one check ended."""

    name: str
    milliseconds: float
    problem: str = ""


def _code(language: str, code: str) -> Check:
    return Check(language, [Step("executeCode", {"language": language, "code": code}, PROOF)])


CHECKS: Sequence[Check] = (
    _code("python", "print(6 * 7)"),
    _code("javascript", "console.log(6 * 7)"),
    _code("typescript", "const answer: number = 6 * 7; console.log(answer)"),
    Check(
        "files",
        [
            Step("writeFiles", {"content": [{"path": FILE, "text": PROOF}]}),
            Step("readFiles", {"paths": [FILE]}, PROOF),
        ],
    ),
    Check("command", [Step("executeCommand", {"command": "echo $((6 * 7))"}, PROOF)]),
)


class Session:
    """A session that checks run in; stopped when the block ends, however it ends."""

    def __init__(
        self,
        client: BedrockAgentCoreClient,
        interpreter_id: str,
        caller: Caller,
        seconds: float,
        seconds_to_stop: float,
    ) -> None:
        self._client = client
        self._interpreter_id = interpreter_id
        self._caller = caller
        self._deadline = Deadline(seconds, caller.clock)
        self._stop_deadline = Deadline(seconds + seconds_to_stop, caller.clock)
        self._session_id = ""

    def start(self) -> None:
        """Start the session.

        Raises:
            CallFailedError: The service did not start one.
        """
        # The same token at each attempt: an answer that was lost leaves no session behind.
        token = str(uuid.uuid4())
        started = self._caller.call(
            lambda: self._client.start_code_interpreter_session(
                codeInterpreterIdentifier=self._interpreter_id,
                name=SESSION_NAME,
                sessionTimeoutSeconds=SESSION_SECONDS,
                clientToken=token,
            ),
            self._deadline,
        )
        self._session_id = started["sessionId"]

    def stop(self) -> None:
        """Stop the session, if there is one.

        Raises:
            CallFailedError: The service did not stop it.
        """
        if self._session_id:
            self._caller.call(
                lambda: self._client.stop_code_interpreter_session(
                    codeInterpreterIdentifier=self._interpreter_id, sessionId=self._session_id
                ),
                self._stop_deadline,
            )

    def run(self, step: Step) -> None:
        """Call a tool.

        Raises:
            CallFailedError: The service did not run it.
            CheckFailedError: It ran, and its result is wrong.
        """
        result = self._caller.call(lambda: self._invoke(step), self._deadline, ATTEMPTS)
        problem = problem_of(step, result)
        if problem:
            raise CheckFailedError(problem)

    def _invoke(self, step: Step) -> list[Mapping[str, Any]]:
        answer = self._client.invoke_code_interpreter(
            codeInterpreterIdentifier=self._interpreter_id,
            sessionId=self._session_id,
            name=step.tool,  # type: ignore[arg-type]
            arguments=step.arguments,  # type: ignore[arg-type]
        )
        # An error may also arrive in the stream, after the HTTP answer said that all is well.
        return [event["result"] for event in answer["stream"] if "result" in event]


def problem_of(step: Step, results: Sequence[Mapping[str, Any]]) -> str:
    """What is wrong with the results of a tool, empty if nothing is."""
    said = "\n".join(text for result in results for text in _texts(result))
    failed = any(result.get("isError") or _exit_code(result) != 0 for result in results)
    if failed or not results:
        return f"{step.tool} failed: {said[:500] or 'it gave no result'}"
    if step.expected not in said:
        return f"{step.tool} should have given {step.expected!r}, it gave {said[:500]!r}"
    return ""


def run_checks(
    session: Session, checks: Sequence[Check], clock: Callable[[], float] = time.monotonic
) -> list[Result]:
    """Run all checks in one session; one that fails does not keep the others from running."""
    results = [_timed("start", session.start, clock)]
    try:
        if not results[0].problem:
            results += [
                _timed(check.name, partial(_run, session, check), clock) for check in checks
            ]
    finally:
        results.append(_timed("stop", session.stop, clock))
    return results


def commands_check(commands: Sequence[str]) -> Sequence[Check]:
    """A check of the user's own commands, each of which must end with exit code 0."""
    steps = [Step("executeCommand", {"command": command}) for command in commands]
    return [Check("commands", steps)] if steps else []


def _run(session: Session, check: Check) -> None:
    for step in check.steps:
        session.run(step)


def _timed(name: str, action: Callable[[], None], clock: Callable[[], float]) -> Result:
    begun = clock()
    problem = ""
    try:
        action()
    except CheckFailedError as error:
        problem = str(error)
    except CallFailedError as error:
        problem = f"{error.failure.value}: {error}"
    return Result(name, (clock() - begun) * 1000, problem)


def _exit_code(result: Mapping[str, Any]) -> int:
    code = (result.get("structuredContent") or {}).get("exitCode")
    return code if isinstance(code, int) else 0


def _texts(result: Mapping[str, Any]) -> list[str]:
    structured = result.get("structuredContent") or {}
    texts = [structured.get("stdout"), structured.get("stderr")]
    for block in result.get("content") or ():
        texts += [block.get("text"), (block.get("resource") or {}).get("text")]
    return [each for each in texts if isinstance(each, str)]
