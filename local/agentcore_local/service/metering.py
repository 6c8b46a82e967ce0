"""What sessions use, recorded as it is billed: processor time used, peak memory held.

https://aws.amazon.com/bedrock/agentcore/pricing/: memory counts at its peak so far, with a
minimum of 128 MB, from the session's start to its end, idle or not.
"""

from __future__ import annotations

from agentcore_local.service.account import AccountRegion
from agentcore_local.service.behavior import ServiceBehavior, UsageResource
from agentcore_local.service.processes import SessionUsage
from agentcore_local.service.sessions import Session

MINIMUM_MEMORY_BYTES = 128 * 1024**2
GIGABYTE = 1024**3

MOST_MINUTES_AT_ONCE = 24 * 60
"""How far back ActiveSessionCount is filled in when the clock was moved."""


def record_usage(
    state: AccountRegion,
    session: Session,
    usage: SessionUsage,
    now: float,
    behavior: ServiceBehavior,
) -> None:
    """Record what a session has used since the last time."""
    until = min(now, session.ended_at if session.ended_at is not None else session.ends_at)
    seconds = max(0.0, until - session.metered_until)
    session.peak_memory_bytes = max(
        session.peak_memory_bytes, usage.memory_bytes, MINIMUM_MEMORY_BYTES
    )
    cpu_seconds = max(0.0, usage.cpu_seconds - session.metered_cpu_seconds)
    session.metered_until = max(session.metered_until, until)
    session.metered_cpu_seconds += cpu_seconds
    by_id = behavior.usage_resource is UsageResource.ID
    state.metrics.usage(
        session.interpreter.id if by_id else session.interpreter.arn,
        cpu_seconds=cpu_seconds,
        gigabyte_seconds=session.peak_memory_bytes / GIGABYTE * seconds,
    )


def count_active_sessions(state: AccountRegion, now: float) -> bool:
    """Record ActiveSessionCount for every minute that has passed; tells whether one has."""
    first = max(int(state.counted_until // 60) + 1, int(now // 60) - MOST_MINUTES_AT_ONCE)
    minutes = range(first, int(now // 60) + 1)
    if not minutes:
        return False
    sessions = state.sessions.all()
    if sessions or state.counted_sessions:
        for minute in minutes:
            count = sum(session.was_ready_at(minute * 60) for session in sessions)
            state.metrics.active_sessions(count, minute * 60)
    state.counted_until = now
    state.counted_sessions = bool(sessions)
    return True
