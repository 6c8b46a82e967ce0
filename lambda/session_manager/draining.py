"""Stop sessions until there are none and stay none, or until it is time to give up."""

from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass, field

from .failures import HOPELESS, CallFailedError, Failure
from .pacing import Deadline, fair_rate
from .sessions import Sessions, StopOutcome

# An agent may start a session just after a list was read, and the list may lag behind: it must
# be empty this many times in a row.
QUIET_LISTS = 3
PAUSE = 1.0
LONGEST_PAUSE = 10.0
# What is allowed after the deadline: one more look, so that the count in the answer is right.
LAST_LOOK = 5.0


class Verdict(enum.Enum):
    """What to do after a round."""

    GO_ON = "go on"
    DONE = "done"
    GIVE_UP = "give up"


@dataclass
class Progress:
    """What is known after some rounds, and what follows from it; knows no service and no clock."""

    patience: float
    stall: float = float("inf")
    """Seconds without a single stop after which it is given up."""
    moved_at: float | None = None
    stopped: set[str] = field(default_factory=set)
    left: int | None = None
    problem: str = ""
    gone: bool = False
    quiet: int = 0
    stuck: int = 0
    hopeless_since: float | None = None

    def listed(self, session_ids: Collection[str]) -> None:
        """Take in a list of the READY sessions."""
        self.left = len(session_ids)
        self.quiet = 0 if session_ids else self.quiet + 1

    def tried(self, outcomes: Collection[StopOutcome], now: float) -> None:
        """Take in what became of the stops of one round."""
        fresh = {each.session_id for each in outcomes if each.done} - self.stopped
        failed = [each for each in outcomes if not each.done]
        self.stopped |= fresh
        self.left = len(failed)
        for each in failed[:1]:
            self._note(each.failure, each.message)
        self.stuck = 0 if fresh else self.stuck + 1
        if fresh or self.moved_at is None:
            self.moved_at = now
        hopeless = bool(failed) and all(each.failure in HOPELESS for each in failed)
        self._hope(hopeless and not fresh, now)

    def unreadable(self, error: CallFailedError, now: float) -> None:
        """Take in that the list could not be read."""
        if error.failure is Failure.GONE:
            self.gone, self.left = True, 0
            return
        self._note(error.failure, str(error))
        self.quiet, self.left = 0, None
        self.stuck += 1
        self.moved_at = now if self.moved_at is None else self.moved_at
        self._hope(error.failure in HOPELESS, now)

    def verdict(self, now: float, deadline_passed: bool) -> Verdict:
        """Whether to go on."""
        if self.gone or self.quiet >= QUIET_LISTS:
            return Verdict.DONE
        impatient = self.hopeless_since is not None and now - self.hopeless_since >= self.patience
        stalled = self.moved_at is not None and now - self.moved_at >= self.stall
        return Verdict.GIVE_UP if deadline_passed or impatient or stalled else Verdict.GO_ON

    def pause(self) -> float:
        """Seconds until the next round: longer while nothing moves."""
        return min(LONGEST_PAUSE, PAUSE * 2.0 ** min(self.stuck, 8))

    def _note(self, failure: Failure | None, message: str) -> None:
        """Keep the last problem; that time ran out explains nothing if there was another one."""
        if failure is not Failure.OUT_OF_TIME or not self.problem:
            self.problem = message

    def _hope(self, hopeless: bool, now: float) -> None:
        if not hopeless:
            self.hopeless_since = None
        elif self.hopeless_since is None:
            self.hopeless_since = now


@dataclass(frozen=True)
class Drained:
    """How a drain ended."""

    complete: bool
    stopped: int
    left: int | None
    problem: str
    gone: bool = False

    @property
    def left_text(self) -> str:
        """How many are left, in words that stand before what is counted."""
        return "an unknown number of" if self.left is None else str(self.left)


@dataclass(frozen=True)
class Rates:
    """How fast the drains of one stack may go together."""

    limit: float
    drains: int = 1


def drain(
    sessions: Sessions,
    deadline: Deadline,
    *,
    patience: float,
    rates: Rates,
    stall: float = float("inf"),
) -> Drained:
    """Stop every READY session of an interpreter.

    Args:
        sessions: The sessions of the interpreter.
        deadline: When to give up.
        patience: Seconds for which a missing permission is waited for.
        rates: How fast to go.
        stall: Seconds without a single stop after which it is given up. Default: only the deadline
            counts.
    """
    clock = sessions.caller.clock
    progress = Progress(patience, stall)
    while True:
        _round(sessions, deadline, progress, rates)
        verdict = progress.verdict(clock.monotonic(), deadline.passed())
        if verdict is not Verdict.GO_ON:
            break
        clock.sleep(min(progress.pause(), deadline.remaining()))
    if verdict is not Verdict.DONE:
        _look_again(sessions, progress)
    complete = verdict is Verdict.DONE or progress.left == 0
    return Drained(complete, len(progress.stopped), progress.left, progress.problem, progress.gone)


def _round(sessions: Sessions, deadline: Deadline, progress: Progress, rates: Rates) -> None:
    clock = sessions.caller.clock
    try:
        ready = [each["sessionId"] for each in sessions.ready(deadline)]
    except CallFailedError as error:
        progress.unreadable(error, clock.monotonic())
        return
    progress.listed(ready)
    if ready:
        sessions.caller.pace.aim(fair_rate(rates.limit, rates.drains, len(ready)))
        progress.tried(sessions.stop(ready, deadline), clock.monotonic())


def _look_again(sessions: Sessions, progress: Progress) -> None:
    try:
        ready = sessions.ready(Deadline(LAST_LOOK, sessions.caller.clock))
    except CallFailedError:
        progress.left = None
        return
    progress.left = len(ready)
