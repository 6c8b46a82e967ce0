"""On demand: stop every session of an interpreter, whatever its policy says."""

from __future__ import annotations

from collections.abc import Mapping

from .clients import session_client
from .draining import Drained, Rates, drain
from .failures import CallFailedError
from .inputs import StopAll
from .interpreters import custom_interpreters
from .log import log
from .metrics import emit
from .ownership import Ownership, sorted_by_owner
from .pacing import Deadline, Pace
from .selection import same_beginning
from .sessions import Caller, Sessions
from .settings import rates

PATIENCE = 30.0
# The caller waits for this: it gives up after this time, and sooner where nothing moves. What is
# under way then, and a last look, take less than another half minute: it ends within five minutes.
LONGEST = 270.0
STALL = 60.0
# The interpreter that is named is not to wait for long until the others are found.
SECONDS_TO_FIND = 60.0


def stop_all(task: StopAll, deadline: Deadline) -> dict[str, object]:
    """Stop every READY session of one interpreter, in all its replacements.

    The interpreter that is named may be gone, and the present one be another: a stack that names
    the interpreter of another one is not always deployed together with that. Others whose names
    begin alike are touched only where their tag proves that they are of the same stack.

    Raises:
        RuntimeError: Some sessions are left, or nobody knows, or there is no such interpreter.
    """
    target = task.target
    deadline = Deadline(min(LONGEST, deadline.remaining()))
    log("stopping every session", level="WARNING", interpreter=target.interpreter_id)
    caller = Caller(Pace(rates().limit))
    others, problem = _other_replacements(task, caller, deadline)
    results = _stop_each([target.interpreter_id, *others.own], target.region, caller, deadline)
    present = [identifier for identifier, each in results.items() if not each.gone]
    stopped = sum(each.stopped for each in results.values())
    problems = [
        _left(identifier, each) for identifier, each in results.items() if not each.complete
    ]
    problems += [problem] if problem else others.problems
    if not present and not stopped:
        problems.append(_nothing_there(task))
    failures = sum(each.left or 1 for each in results.values() if not each.complete)
    emit(
        {"SessionsStopped": stopped, "StopFailures": failures or int(bool(problems))},
        name=target.name,
    )
    outcome: dict[str, object] = {
        "interpreter_id": target.interpreter_id,
        "interpreters": present,
        "stopped": stopped,
        "left": _total_left(results),
        **({"untouched": others.untouched} if others.untouched else {}),
    }
    log("stopped every session", level="ERROR" if problems else "INFO", **outcome)
    if problems:
        raise RuntimeError(
            f"{stopped} sessions of {target.interpreter_id} were stopped; {'; '.join(problems)}"
        )
    return outcome


def _other_replacements(task: StopAll, caller: Caller, deadline: Deadline) -> tuple[Ownership, str]:
    """Return the interpreter's other replacements, and why they are not known if they are not."""
    if not task.prefix:
        return Ownership(), ""
    region = task.target.region
    within = Deadline(min(SECONDS_TO_FIND, deadline.remaining()), caller.clock)
    try:
        listed = list(custom_interpreters(region, caller, within))
    except CallFailedError as error:
        return Ownership(), f"whether it has other replacements is not known: {error}"
    alike = same_beginning(listed, task.prefix, task.target.interpreter_id)
    return sorted_by_owner(alike, task.owner, region, caller, within), ""


def _stop_each(
    identifiers: list[str], region: str | None, caller: Caller, deadline: Deadline
) -> Mapping[str, Drained]:
    """Stop the sessions of several interpreters, none of which takes the time of the others."""
    results: dict[str, Drained] = {}
    for identifier in identifiers:
        share = deadline.remaining() / (len(identifiers) - len(results))
        sessions = Sessions(session_client(region), identifier, caller)
        # Whoever asks for this wants it now: no share of the rate is left for others.
        results[identifier] = drain(
            sessions,
            Deadline(share, caller.clock),
            patience=PATIENCE,
            rates=Rates(rates().limit),
            stall=STALL,
        )
    return results


def _left(identifier: str, result: Drained) -> str:
    return f"{result.left_text} sessions are left in {identifier}: {result.problem}"


def _total_left(results: Mapping[str, Drained]) -> int | None:
    left = [each.left for each in results.values()]
    known = [each for each in left if each is not None]
    return sum(known) if len(known) == len(left) else None


def _nothing_there(task: StopAll) -> str:
    target = task.target
    others = f", nor one whose id begins with {task.prefix}" if task.prefix else ""
    return (
        f"there is no code interpreter {target.interpreter_id} in this account and Region{others}; "
        "if it was replaced, deploy the stack that this command is from again"
    )
