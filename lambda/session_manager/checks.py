"""Really use an interpreter: each language, files and a command, in one session."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from .failures import CallFailedError, Failure
from .pacing import Deadline
from .selection import CHECK_NAME
from .sessions import Caller

if TYPE_CHECKING:
    from mypy_boto3_bedrock_agentcore import BedrockAgentCoreClient

# What our own checks take at most: a session that cannot be stopped ends by itself soon after.
SESSION_SECONDS = 300
ATTEMPTS = 3
PROOF = "42"
FILE = "cdk-code-interpreter-check.txt"
# A policy that is attached just before takes seconds to reach the services that ask for it:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
PATIENCE_WITH_POLICIES = 30.0
_PAUSE = 3.0
# Of a command, in what is said of it.
_LONGEST_NAME = 200
# Stopping a session that has ended already may be refused; nothing is left to be stopped.
_ENDED = frozenset({Failure.CONFLICT, Failure.GONE})
_DENIED = re.compile(r"access ?denied|not authorized|forbidden", re.IGNORECASE)


class CheckFailedError(Exception):
    """A tool that did not do what it is there for."""


@dataclass(frozen=True)
class Step:
    """One call of a tool, and the text that its result must contain.

    Attributes:
        tool: The tool's name.
        arguments: What it is given.
        expected: The text; empty if any will do.
        repeatable: Whether it may be called again when nobody knows if it ran.
        patience: For how many seconds it is called again while the role lacks a permission.
    """

    tool: str
    arguments: Mapping[str, Any]
    expected: str = ""
    repeatable: bool = True
    patience: float = 0.0

    @property
    def what(self) -> str:
        """What people are told that it is: several commands may be run, so each by itself."""
        command = self.arguments.get("command")
        return self.tool if command is None else f"command {command[:_LONGEST_NAME]!r}"


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
        lifetime: int = SESSION_SECONDS,
    ) -> None:
        """Prepare a session.

        Args:
            client: Runs code.
            interpreter_id: The interpreter's id.
            caller: Makes the calls.
            seconds: How long checks may be begun.
            seconds_to_stop: How much longer it may take to stop the session.
            lifetime: After how many seconds the session ends by itself.
        """
        self._client = client
        self._interpreter_id = interpreter_id
        self._caller = caller
        self._deadline = Deadline(seconds, caller.clock)
        self._stop_deadline = Deadline(seconds + seconds_to_stop, caller.clock)
        self._lifetime = lifetime
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
                name=CHECK_NAME,
                sessionTimeoutSeconds=self._lifetime,
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
        if not self._session_id:
            return
        try:
            self._caller.call(
                lambda: self._client.stop_code_interpreter_session(
                    codeInterpreterIdentifier=self._interpreter_id, sessionId=self._session_id
                ),
                self._stop_deadline,
            )
        except CallFailedError as error:
            if error.failure not in _ENDED:
                raise

    def run(self, step: Step) -> None:
        """Call a tool.

        Raises:
            CallFailedError: The service did not run it.
            CheckFailedError: It ran, and its result is wrong.
        """
        patience = Deadline(min(step.patience, self._deadline.remaining()), self._caller.clock)
        while True:
            result = self._caller.call(
                lambda: self._invoke(step), self._deadline, ATTEMPTS, repeatable=step.repeatable
            )
            problem = problem_of(step, result)
            if not problem:
                return
            if patience.passed() or not _DENIED.search(_said(result)):
                raise CheckFailedError(problem)
            self._caller.clock.sleep(_PAUSE)

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
    said = _said(results)
    if not results:
        return f"{step.what} failed: it gave no result"
    codes = [code for result in results if (code := _exit_code(result)) != 0]
    if codes or any(result.get("isError") for result in results):
        how = f"failed with exit code {codes[0]}" if codes else "failed"
        return f"{step.what} {how}: {said[:500] or 'it wrote nothing'}"
    if step.expected not in said:
        return f"{step.what} should have given {step.expected!r}, it gave {said[:500]!r}"
    return ""


def _said(results: Sequence[Mapping[str, Any]]) -> str:
    # Standard output stands twice in a result: as content, and as a field of its own.
    texts = (text.strip() for result in results for text in _texts(result))
    return "\n".join(dict.fromkeys(text for text in texts if text))


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


def commands_check(commands: Sequence[str], patience: float = 0.0) -> Sequence[Check]:
    """A check of the user's own commands, each of which must end with exit code 0."""
    steps = [
        Step("executeCommand", {"command": command}, repeatable=False, patience=patience)
        for command in commands
    ]
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
