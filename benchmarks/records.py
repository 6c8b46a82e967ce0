"""Whether a hundred thousand ended sessions slow the calls that a drain makes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from agentcore_local.service.account import AccountRegion
from agentcore_local.service.behavior import ServiceBehavior
from agentcore_local.service.faults import Faults
from agentcore_local.service.interpreters import Interpreter
from agentcore_local.service.sessions import Session

from .figures import Figure, ratio

ENDED = 100_000
READY = 1000
ROUNDS = 20


class _Nothing:
    """The AWS around, of which this needs the time only."""

    def now(self) -> float:
        return time.time()

    def put_metric(self, **_point: Any) -> None:
        pass


def records() -> Iterator[Figure]:
    """The list of READY sessions and a look at one, with and without many records."""
    few, many = _account(0), _account(ENDED)
    listing: dict[str, list[float]] = {"few": [], "many": []}
    looking: dict[str, list[float]] = {"few": [], "many": []}
    for _ in range(ROUNDS):
        for name, (state, interpreter, session) in (("few", few), ("many", many)):
            started = time.perf_counter()
            found = state.sessions.of(interpreter, "READY")
            middle = time.perf_counter()
            state.sessions.get(interpreter.id, session.id)
            listing[name].append(middle - started)
            looking[name].append(time.perf_counter() - middle)
            if len(found) != READY:
                raise RuntimeError(f"{len(found)} sessions are READY, not {READY}")
    what = f"with {ENDED:,} ended sessions / without"
    yield ratio(f"local service: list of READY ones {what}", listing["many"], listing["few"])
    yield ratio(f"local service: look at one {what}", looking["many"], looking["few"])


def _account(ended: int) -> tuple[AccountRegion, Interpreter, Session]:
    backend: Any = _Nothing()
    state = AccountRegion(
        "111122223333",
        "us-east-1",
        backend=backend,
        behavior=ServiceBehavior(),
        faults=Faults(backend.now),
        record_seconds=30 * 24 * 3600,
        on_session_end=lambda _state, _session: None,
    )
    interpreter = state.interpreters.system("aws", "us-east-1")
    for _ in range(ended):
        state.sessions.end(state.sessions.start(interpreter, {}), backend.now())
    sessions = [state.sessions.start(interpreter, {}) for _ in range(READY)]
    return state, interpreter, sessions[0]
