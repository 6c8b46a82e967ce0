"""The events that schedules, operators and alarms send, of this version and older ones."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .selection import Policy

SYSTEM_INTERPRETER = "aws.codeinterpreter.v1"
# https://docs.aws.amazon.com/bedrock-agentcore-control/latest/APIReference/API_CodeInterpreterSummary.html
CUSTOM_ID = re.compile(r"[a-zA-Z][a-zA-Z0-9_]{0,47}-[a-zA-Z0-9]{10}")
# arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME:QUALIFIER
_QUALIFIER_FIELD = 7


@dataclass(frozen=True)
class Target:
    """The interpreter that an event is about."""

    interpreter_id: str
    name: str
    """The same in every generation; the dimension of its metrics."""
    region: str | None
    """`None`: the function's own."""


@dataclass(frozen=True)
class Sweep:
    """One tick of a janitor's schedule."""

    target: Target
    prefix: str
    """What the ids of every generation begin with. Empty: not known."""
    policy: Policy
    enforce: bool
    scheduled: datetime | None
    interval: timedelta | None
    owner: str = ""
    """The id of the interpreter's stack. Empty: the function's own."""


@dataclass(frozen=True)
class StopAll:
    """The kill switch of one interpreter."""

    target: Target
    prefix: str
    """What the ids of every generation begin with. Empty: not known."""
    owner: str = ""
    """The id of the interpreter's stack. Empty: the function's own."""


@dataclass(frozen=True)
class Check:
    """One tick of a canary's schedule."""

    target: Target
    commands: Sequence[str]


def is_custom_id(identifier: str) -> bool:
    """Whether this is the id of an interpreter that an account made, not of the service's own."""
    return CUSTOM_ID.fullmatch(identifier) is not None


def read_janitor_event(event: object, function_arn: str) -> Sweep | StopAll:
    """Understand an event of the janitor's function.

    Args:
        event: As Lambda passes it.
        function_arn: The ARN that was invoked. An alarm cannot say anything of its own in its
            event, so it invokes an alias whose name says which interpreter: ``ID``, ``ID--NAME`` or
            ``ID--NAME--REGION``, where an empty name stands for the id.

    Raises:
        ValueError: The event is none of those that were ever sent.
    """
    fields = mapping(event)
    if "alarmArn" in fields:
        identifier, _, rest = _qualifier(function_arn).partition("--")
        name, _, region = rest.partition("--")
        named = {"interpreter_id": identifier, "name": name, "region": region}
        return _stop_all(named)
    task = fields.get("task")
    if task == "stop_all":
        return _stop_all(fields)
    if task != "sweep":
        raise ValueError(f"the event's task must be sweep or stop_all, got {task!r}")
    return _sweep(fields)


def is_alarm(event: object) -> bool:
    """Whether an event of an alarm says that the alarm is raised."""
    state = mapping(mapping(mapping(event).get("alarmData")).get("state"))
    return state.get("value") == "ALARM"


def read_check(event: object) -> Check:
    """Understand an event of the canary's schedule.

    Raises:
        ValueError: The event names no interpreter.
    """
    fields = mapping(event)
    return Check(read_target(fields), texts(fields.get("commands")))


def read_target(fields: Mapping[str, Any]) -> Target:
    """Which interpreter an event is about.

    Raises:
        ValueError: None, or none that there can be.
    """
    identifier = text(fields.get("interpreter_id"))
    if not is_custom_id(identifier) and identifier != SYSTEM_INTERPRETER:
        raise ValueError(
            "interpreter_id must be the id of a code interpreter, such as name-0123456789, "
            f"got {identifier[:100]!r}"
        )
    name = text(fields.get("name")) or identifier
    return Target(identifier, name, text(fields.get("region")) or None)


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def text(value: object) -> str:
    """The value if it is text, else none."""
    return value if isinstance(value, str) else ""


def texts(value: object) -> Sequence[str]:
    """The texts of a list."""
    items = value if isinstance(value, list) else []
    return tuple(each for each in items if isinstance(each, str) and each)


def positive(value: object) -> float | None:
    """A number above zero, also where it was made a string on the way; `None` otherwise."""
    if isinstance(value, bool):
        return None
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if 0.0 < number < float("inf") else None


def moment(value: object) -> datetime | None:
    """A time as EventBridge Scheduler writes it, `None` where it is none."""
    try:
        parsed = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)


def _sweep(fields: Mapping[str, Any]) -> Sweep:
    target = read_target(fields)
    limits = mapping(fields.get("policy"))
    most = positive(limits.get("max_active"))
    interval = positive(fields.get("interval_seconds"))
    keep = limits.get("keep_name_prefixes", [])
    policy = Policy(
        max_age=positive(limits.get("max_age_seconds")),
        max_active=None if most is None or most < 1 else int(most),
        keep_name_prefixes=texts(keep),
    )
    # A name that cannot be read may be one to keep: then nothing is stopped.
    keeps_all = isinstance(keep, list) and len(policy.keep_name_prefixes) == len(keep)
    is_ours = is_custom_id(target.interpreter_id)
    return Sweep(
        target=target,
        prefix=text(fields.get("prefix")),
        policy=policy,
        # The system interpreter's sessions may be another team's: watched, never stopped.
        enforce=limits.get("enforcement") == "ENFORCE" and is_ours and keeps_all,
        scheduled=moment(fields.get("scheduled_time")),
        interval=None if interval is None else timedelta(seconds=interval),
        owner=text(fields.get("owner")),
    )


def _stop_all(fields: Mapping[str, Any]) -> StopAll:
    target = read_target(fields)
    if not is_custom_id(target.interpreter_id):
        raise ValueError(
            "the sessions of the system interpreter may be other teams': they are not stopped"
        )
    # All generations share the name, and what comes after it: _REVISION or -SUFFIX.
    length = len(target.name) + 1
    prefix = target.interpreter_id[:length]
    return StopAll(
        target,
        prefix if prefix in (f"{target.name}_", f"{target.name}-") else "",
        text(fields.get("owner")),
    )


def _qualifier(function_arn: str) -> str:
    fields = function_arn.split(":")
    return fields[_QUALIFIER_FIELD] if len(fields) > _QUALIFIER_FIELD else ""
