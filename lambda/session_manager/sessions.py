"""The sessions of one interpreter: list those that are READY, stop some."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

from .clients import THREADS
from .failures import CALL_ERRORS, RETRIED, CallFailedError, Failure, classify
from .pacing import CLOCK, Clock, Deadline, Pace, backoff

if TYPE_CHECKING:
    from mypy_boto3_bedrock_agentcore import BedrockAgentCoreClient

Answer = TypeVar("Answer")
# The service's default is 10: https://docs.aws.amazon.com/bedrock-agentcore/latest/APIReference/API_ListCodeInterpreterSessions.html
PAGE_SIZE = 100
STOP_ATTEMPTS = 4
# More pages than any account has sessions: an end for a listing that has none.
MAX_PAGES = 10_000

Summary = Mapping[str, Any]


@dataclass(frozen=True)
class StopOutcome:
    """What became of one stop."""

    session_id: str
    failure: Failure | None
    message: str = ""

    @property
    def done(self) -> bool:
        """Whether the session is stopped, by us or by somebody else."""
        return self.failure in (None, Failure.GONE)


class Caller:
    """Makes calls at a pace, and again while that may help and there is time."""

    def __init__(self, pace: Pace, clock: Clock = CLOCK, patience: float = 0.0) -> None:
        self.pace = pace
        self.clock = clock
        self._patience = patience
        """Seconds for which a missing permission is waited for: a new policy has to spread."""

    def call(
        self,
        operation: Callable[[], Answer],
        deadline: Deadline,
        attempts: int | None = None,
        *,
        repeatable: bool = True,
    ) -> Answer:
        """Call an operation of the service.

        Args:
            operation: Makes the call.
            deadline: No attempt begins after it.
            attempts: How often to try. `None`: until the deadline.
            repeatable: Whether what was perhaps done may be done again. If not, only a call that
                the service refused is tried again.

        Raises:
            CallFailedError: The call failed for good, or too often, or there is no time left.
        """
        attempt = 0
        patience = Deadline(self._patience, self.clock)
        last = CallFailedError(Failure.OUT_OF_TIME, "there was no time left for the call")
        while self.pace.admit(deadline):
            attempt += 1
            try:
                return operation()
            except CALL_ERRORS as error:
                last = CallFailedError(classify(error), f"{type(error).__name__}: {error}")
            if last.failure is Failure.THROTTLED:
                self.pace.slow_down()
            perhaps_done = last.failure is Failure.TRANSIENT and not repeatable
            if attempt == attempts or perhaps_done or not self._worth_a_try(last.failure, patience):
                break
            self.clock.sleep(min(backoff(attempt), deadline.remaining()))
        raise last

    @staticmethod
    def _worth_a_try(failure: Failure, patience: Deadline) -> bool:
        return failure in RETRIED or (failure is Failure.DENIED and not patience.passed())


class Sessions:
    """The sessions of one interpreter."""

    def __init__(
        self,
        client: BedrockAgentCoreClient,
        interpreter_id: str,
        caller: Caller,
        threads: int = THREADS,
    ) -> None:
        self.interpreter_id = interpreter_id
        self.caller = caller
        self._client = client
        self._threads = threads
        self._answered: datetime | None = None

    def ready(self, deadline: Deadline) -> list[Summary]:
        """The sessions that are READY, each once, from every page.

        Ended sessions stay in the service's list for 30 days, so it is asked for READY ones only.
        The documentation has other words for a session that lives; only TERMINATED is an end.

        Raises:
            CallFailedError: The list could not be read.
        """
        found: dict[str, Summary] = {}
        for page in self._pages(deadline):
            for item in page.get("items") or ():
                session_id = item.get("sessionId")
                if isinstance(session_id, str) and item.get("status") != "TERMINATED":
                    found.setdefault(session_id, item)
        return list(found.values())

    def now(self) -> datetime:
        """The time by the clock that dates the sessions: the service's, as its last list says.

        The function's own clock, where the answer has no date.
        """
        return self._answered or datetime.now(UTC)

    def stop(self, session_ids: Collection[str], deadline: Deadline) -> list[StopOutcome]:
        """Stop sessions, several at a time, and say what became of each."""
        if not session_ids:
            return []
        with ThreadPoolExecutor(min(self._threads, len(session_ids))) as threads:
            return list(threads.map(lambda each: self._stop(each, deadline), session_ids))

    def _stop(self, session_id: str, deadline: Deadline) -> StopOutcome:
        try:
            self.caller.call(
                lambda: self._client.stop_code_interpreter_session(
                    codeInterpreterIdentifier=self.interpreter_id, sessionId=session_id
                ),
                deadline,
                STOP_ATTEMPTS,
            )
        except CallFailedError as error:
            return StopOutcome(session_id, error.failure, str(error))
        return StopOutcome(session_id, None)

    def _pages(self, deadline: Deadline) -> Iterator[Summary]:
        token: str | None = None
        seen: set[str] = set()
        for _ in range(MAX_PAGES):
            page = self._page(token, deadline)
            self._answered = _date_of(page)
            yield page
            token = page.get("nextToken")
            if not token or token in seen:
                return
            seen.add(token)

    def _page(self, token: str | None, deadline: Deadline) -> Summary:
        following: dict[str, Any] = {"nextToken": token} if token else {}
        return self.caller.call(
            lambda: self._client.list_code_interpreter_sessions(
                codeInterpreterIdentifier=self.interpreter_id,
                status="READY",
                maxResults=PAGE_SIZE,
                **following,
            ),
            deadline,
        )


def _date_of(answer: Summary) -> datetime | None:
    """When an answer was given, by the clock of who gave it."""
    try:
        date = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    except (KeyError, TypeError, ValueError):
        return None
    return date if date.tzinfo is not None else None
