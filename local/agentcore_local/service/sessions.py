"""Sessions: their states, their time to live, the records of those that ended."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agentcore_local.service.behavior import ServiceBehavior
from agentcore_local.service.errors import not_found
from agentcore_local.service.interpreters import Interpreter

if TYPE_CHECKING:
    from agentcore_local.service.runtime import SessionRuntime

DEFAULT_TIMEOUT_SECONDS = 900

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(kw_only=True)
class Session:
    """One session.

    Attributes:
        id: 26 characters, sorted by the time of creation (a ULID).
        interpreter: The interpreter that it was started on.
        params: What it was started with.
        created_at: When it was started, in seconds since the epoch.
        last_updated_at: When its state last changed.
        status: READY or TERMINATED.
        ends_at: When it ends, whatever it is doing.
        ended_at: When it ended.
        runtime: Its processes and files; None until it is first used.
        metered_until: Up to when its memory has been recorded.
        metered_cpu_seconds: The processor time that has been recorded.
        peak_memory_bytes: The most memory it had so far.
    """

    id: str
    interpreter: Interpreter
    params: Mapping[str, Any]
    created_at: float
    last_updated_at: float
    ends_at: float
    status: str = "READY"
    ended_at: float | None = None
    runtime: SessionRuntime | None = field(default=None, repr=False)
    metered_until: float = 0.0
    metered_cpu_seconds: float = 0.0
    peak_memory_bytes: float = 0.0

    def describe(self) -> dict[str, Any]:
        """All members that the service model's answers are made from."""
        return {
            "sessionTimeoutSeconds": DEFAULT_TIMEOUT_SECONDS,
            **self.params,
            "codeInterpreterIdentifier": self.interpreter.id,
            "sessionId": self.id,
            "status": self.status,
            "createdAt": self.created_at,
            "lastUpdatedAt": self.last_updated_at,
        }

    def was_ready_at(self, moment: float) -> bool:
        """Whether it was READY at a time in the past."""
        end = self.ended_at if self.ended_at is not None else self.ends_at
        return self.created_at <= moment < end


class Sessions:
    """The sessions of one account in one region.

    Args:
        now: The clock.
        behavior: The answers to what is not documented.
        record_seconds: For how long the record of an ended session is kept.
        on_end: Called once for each session that ends; ends its processes.
    """

    def __init__(
        self,
        now: Callable[[], float],
        behavior: ServiceBehavior,
        record_seconds: float,
        on_end: Callable[[Session], None],
    ) -> None:
        self._now = now
        self._behavior = behavior
        self._record_seconds = record_seconds
        self._on_end = on_end
        # Apart, because there may be a hundred ended ones for each that is READY. Ended ones are in
        # the order in which they ended.
        self._ready: dict[str, Session] = {}
        self._ended: dict[str, Session] = {}

    def start(self, interpreter: Interpreter, params: Mapping[str, Any]) -> Session:
        """Start a session."""
        now = self._now()
        timeout = params.get("sessionTimeoutSeconds", DEFAULT_TIMEOUT_SECONDS)
        session = Session(
            id=new_ulid(now),
            interpreter=interpreter,
            params=params,
            created_at=now,
            last_updated_at=now,
            ends_at=now + timeout,
            metered_until=now,
        )
        self._ready[session.id] = session
        return session

    def all(self) -> list[Session]:
        """Every session and record, newest first."""
        self.expire()
        return _newest_first([*self._ready.values(), *self._ended.values()])

    def of(self, interpreter: Interpreter, status: str | None = None) -> list[Session]:
        """The sessions of one interpreter, newest first; of one status, if one is given."""
        self.expire()
        ready = self._ready.values() if status in (None, "READY") else ()
        ended = self._ended.values() if status in (None, "TERMINATED") else ()
        return _newest_first(
            [
                each
                for group in (ready, ended)
                for each in group
                if each.interpreter.id == interpreter.id
            ]
        )

    def ready(self) -> list[Session]:
        """The sessions that are READY."""
        self.expire()
        return _newest_first([*self._ready.values()])

    def get(self, identifier: str, session_id: str) -> Session:
        """A session of an interpreter.

        Raises:
            ServiceError: There is none, or it belongs to another interpreter.
        """
        self.expire()
        session = self._ready.get(session_id) or self._ended.get(session_id)
        if session is None or session.interpreter.id != identifier:
            raise not_found(f"Session {session_id} not found on CodeInterpreter {identifier}")
        return session

    def end(self, session: Session, at: float) -> None:
        """End a session; one that has ended stays as it is."""
        if session.status == "TERMINATED":
            return
        session.status = "TERMINATED"
        session.ended_at = at
        self._ended[session.id] = self._ready.pop(session.id)
        if self._behavior.last_updated_moves:
            session.last_updated_at = at
        self._on_end(session)

    def expire(self) -> None:
        """End every session whose time is up, and forget records that are old enough."""
        now = self._now()
        over = [session for session in self._ready.values() if session.ends_at <= now]
        for session in sorted(over, key=lambda each: each.ends_at):
            self.end(session, session.ends_at)
        while self._ended:
            first = next(iter(self._ended.values()))
            if first.ended_at is None or first.ended_at + self._record_seconds >= now:
                return
            del self._ended[first.id]


def _newest_first(sessions: list[Session]) -> list[Session]:
    return sorted(sessions, key=lambda each: (each.created_at, each.id), reverse=True)


def new_ulid(moment: float) -> str:
    """An id of 26 characters that sorts by time, like those that the service gives."""
    number = (int(moment * 1000) << 80) | int.from_bytes(os.urandom(10))
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))
