"""Which sessions a janitor stops: decisions only, no calls.

A session is stopped only for what the service's list proves. What cannot be judged - a session
without an age, or with a name that is no text - is left alone.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


class Action(enum.Enum):
    """What is done with a session."""

    STOP = "stop"
    KEEP = "keep"


class Reason(enum.Enum):
    """Why it is done."""

    OVER_AGE = "older than the policy allows"
    OVER_COUNT = "more sessions than the policy allows, and this is among the oldest"
    KEPT_NAME = "the name has a prefix that the policy keeps"
    UNKNOWN_AGE = "the list does not say when it was started"
    UNKNOWN_NAME = "the list does not say its name as text"
    CHECK = "a canary's or smoke test's own, which max_active leaves out"
    WITHIN = "within the policy"


# What canaries and smoke tests call their sessions: a check must not end a user's oldest session.
CHECK_NAME = "cdk-code-interpreter-check"


@dataclass(frozen=True)
class Policy:
    """The limits of one interpreter's sessions. `None`: no such limit."""

    max_age: float | None = None
    """Seconds since the start."""
    max_active: int | None = None
    """Sessions at the same time, not counting those that are kept or cannot be judged."""
    keep_name_prefixes: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True)
class Decision:
    """What is done with one session, and why."""

    session_id: str
    age: float | None
    """Seconds. `None`: not known."""
    action: Action
    reason: Reason


def decide(sessions: Iterable[Mapping[str, Any]], policy: Policy, now: datetime) -> list[Decision]:
    """Judge the sessions of one interpreter.

    Args:
        sessions: Items of the service's list, in any order.
        policy: The limits.
        now: The present, with a time zone.

    Returns:
        One decision for each session, oldest first; those that cannot be judged come last.
    """
    judged = [_judge(each, policy, now) for each in sessions]
    judged.sort(key=lambda each: (-(each.age if each.age is not None else -1.0), each.session_id))
    if policy.max_active is None:
        return judged
    within = [index for index, each in enumerate(judged) if each.reason is Reason.WITHIN]
    surplus = max(0, len(within) - policy.max_active)
    for index in within[:surplus]:
        each = judged[index]
        judged[index] = Decision(each.session_id, each.age, Action.STOP, Reason.OVER_COUNT)
    return judged


def _judge(session: Mapping[str, Any], policy: Policy, now: datetime) -> Decision:
    session_id = str(session["sessionId"])
    age = age_of(session, now)
    reason = _reason(session.get("name"), age, policy)
    action = Action.STOP if reason is Reason.OVER_AGE else Action.KEEP
    return Decision(session_id, age, action, reason)


def _reason(name: object, age: float | None, policy: Policy) -> Reason:
    if name is not None and not isinstance(name, str):
        return Reason.UNKNOWN_NAME
    # A session that was started without a name has none to be kept for.
    if name is not None and name.startswith(tuple(policy.keep_name_prefixes)):
        return Reason.KEPT_NAME
    if age is None:
        return Reason.UNKNOWN_AGE
    if policy.max_age is not None and age > policy.max_age:
        return Reason.OVER_AGE
    return Reason.CHECK if name == CHECK_NAME else Reason.WITHIN


def age_of(session: Mapping[str, Any], now: datetime) -> float | None:
    """Seconds since a session was started, `None` where the list does not say so sensibly."""
    created = session.get("createdAt")
    if not isinstance(created, datetime) or created.tzinfo is None:
        return None
    age = (now - created).total_seconds()
    # Two clocks may differ a little; a start that lies further ahead is no start.
    return max(0.0, age) if age > -60.0 else None


def orphan_search_due(scheduled: datetime | None, interval: timedelta | None) -> bool:
    """Whether this tick looks for orphans: the first tick of each hour does.

    The look-up lists every interpreter of the account, so it is not made at every tick.

    Args:
        scheduled: When the tick was due. `None`: not known, so look.
        interval: Time between two ticks. `None`: not known, so look.
    """
    if scheduled is None or interval is None:
        return True
    return scheduled - interval < scheduled.replace(minute=0, second=0, microsecond=0)


def same_beginning(
    interpreters: Iterable[Mapping[str, Any]], prefix: str, current: str
) -> list[Mapping[str, Any]]:
    """Return the interpreters whose ids begin like one interpreter's; whose they are is not known.

    Args:
        interpreters: Items of the service's list.
        prefix: What the ids of every replacement begin with. Empty: not known, so none.
        current: Id of the present interpreter.
    """
    if not prefix:
        return []
    return [
        each
        for each in interpreters
        if isinstance(identifier := each.get("codeInterpreterId"), str)
        and identifier.startswith(prefix)
        and identifier != current
        and each.get("status") not in ("DELETING", "DELETED")
    ]
