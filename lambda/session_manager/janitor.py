"""Scheduled: stop the sessions that a policy does not allow. On demand: see `kill_switch`."""

from __future__ import annotations

from dataclasses import dataclass, field

from .clients import session_client
from .cloudformation import TIME_TO_ANSWER, Context
from .failures import CallFailedError, Failure
from .inputs import Sweep, is_alarm, read_janitor_event
from .interpreters import custom_interpreters
from .kill_switch import stop_all
from .log import log
from .metrics import emit
from .ownership import sorted_by_owner
from .pacing import Deadline, Pace, fair_rate
from .selection import Action, Decision, Reason, decide, orphan_search_due, same_beginning
from .sessions import Caller, Sessions, StopOutcome
from .settings import rates

PATIENCE = 30.0
# These need no line in the log: they say that nothing is to be done.
_SILENT = frozenset({Reason.WITHIN, Reason.CHECK})


@dataclass
class Counts:
    """What one sweep saw and did.

    Attributes:
        seen: Whether the interpreter itself could be looked at: what is not known is not zero.
    """

    seen: bool = True
    active: int = 0
    over_age: int = 0
    selected: int = 0
    stopped: int = 0
    failures: int = 0
    oldest: float = 0.0
    problems: list[str] = field(default_factory=list)

    def judged(self, decisions: list[Decision]) -> None:
        """Take in the decisions about one interpreter's sessions."""
        self.active += len(decisions)
        self.over_age += sum(each.reason is Reason.OVER_AGE for each in decisions)
        self.selected += sum(each.action is Action.STOP for each in decisions)
        self.oldest = max([self.oldest, *(each.age or 0.0 for each in decisions)])

    def metrics(self) -> dict[str, float]:
        """The values to publish at each tick."""
        done: dict[str, float] = {
            "SessionsStopped": self.stopped,
            "StopFailures": self.failures,
        }
        if not self.seen:
            return done
        return {
            "ActiveSessions": self.active,
            "OverAgeSessions": self.over_age,
            "SelectedSessions": self.selected,
            "OldestSessionAge": self.oldest,
            **done,
        }


def handler(event: object, context: Context) -> dict[str, object]:
    """Entry point of the function.

    Raises:
        RuntimeError: Something could not be done; Lambda tries twice more, which does no harm.
        ValueError: The event is not understood.
    """
    task = read_janitor_event(event, context.invoked_function_arn)
    deadline = Deadline(context.get_remaining_time_in_millis() / 1000 - TIME_TO_ANSWER)
    if isinstance(task, Sweep):
        return sweep(task, deadline)
    if isinstance(event, dict) and "alarmArn" in event and not is_alarm(event):
        log("the alarm is not raised, nothing is stopped", interpreter=task.target.interpreter_id)
        return {"interpreter_id": task.target.interpreter_id, "stopped": 0}
    return stop_all(task, deadline)


def sweep(task: Sweep, deadline: Deadline) -> dict[str, object]:
    """Judge the sessions of an interpreter and its orphans, and stop what is to be stopped.

    Raises:
        RuntimeError: The sessions of one of them could not be listed; the others were judged.
    """
    counts = Counts()
    caller = Caller(Pace(rates().limit), patience=PATIENCE)
    found = _orphans(task, caller, deadline, counts)
    for identifier in [task.target.interpreter_id, *(found or ())]:
        _sweep_one(identifier, task, caller, deadline, counts)
    values = counts.metrics()
    if found is not None:
        values["OrphanInterpreters"] = len(found)
    emit(values, name=task.target.name)
    if counts.problems:
        raise RuntimeError("; ".join(counts.problems))
    return {"interpreter_id": task.target.interpreter_id, **values}


def _sweep_one(
    identifier: str, task: Sweep, caller: Caller, deadline: Deadline, counts: Counts
) -> None:
    sessions = Sessions(session_client(task.target.region), identifier, caller)
    try:
        ready = sessions.ready(deadline)
    except CallFailedError as error:
        if error.failure is not Failure.GONE:
            counts.problems.append(f"the sessions of {identifier} cannot be listed: {error}")
            counts.seen &= identifier != task.target.interpreter_id
        return
    decisions = decide(ready, task.policy, sessions.now())
    counts.judged(decisions)
    _record(identifier, decisions, enforce=task.enforce)
    if task.enforce:
        _stop(sessions, decisions, deadline, counts)


def _stop(
    sessions: Sessions, decisions: list[Decision], deadline: Deadline, counts: Counts
) -> None:
    chosen = [each.session_id for each in decisions if each.action is Action.STOP]
    sessions.caller.pace.aim(fair_rate(rates().limit, rates().drains, len(chosen)))
    outcomes = sessions.stop(chosen, deadline)
    counts.stopped += sum(each.failure is None for each in outcomes)
    for outcome in _still_ready(sessions, [e for e in outcomes if not e.done], deadline):
        counts.failures += 1
        log(
            "the session was not stopped",
            level="ERROR",
            interpreter=sessions.interpreter_id,
            session=outcome.session_id,
            why=outcome.message,
        )


def _still_ready(
    sessions: Sessions, failed: list[StopOutcome], deadline: Deadline
) -> list[StopOutcome]:
    """Of failed stops those that matter: the service may refuse to stop what has ended already."""
    if not failed:
        return []
    try:
        ready = {each["sessionId"] for each in sessions.ready(deadline)}
    except CallFailedError:
        return failed
    return [each for each in failed if each.session_id in ready]


def _record(identifier: str, decisions: list[Decision], *, enforce: bool) -> None:
    for each in decisions:
        if each.reason in _SILENT:
            continue
        shadow = each.action is Action.STOP and not enforce
        log(
            "decision",
            interpreter=identifier,
            session=each.session_id,
            age=each.age,
            action="would stop" if shadow else each.action.value,
            why=each.reason.value,
        )


def _orphans(task: Sweep, caller: Caller, deadline: Deadline, counts: Counts) -> list[str] | None:
    """Ids of orphans, `None` where this tick did not look or could not."""
    if not task.prefix or not orphan_search_due(task.scheduled, task.interval):
        return None
    try:
        interpreters = list(custom_interpreters(task.target.region, caller, deadline))
    except CallFailedError as error:
        counts.problems.append(f"the interpreters of the account cannot be listed: {error}")
        return None
    alike = same_beginning(interpreters, task.prefix, task.target.interpreter_id)
    found = sorted_by_owner(alike, task.owner, task.target.region, caller, deadline)
    counts.problems += found.problems
    for identifier in found.own:
        log("orphan", level="WARNING", interpreter=identifier, of=task.target.interpreter_id)
    return found.own
