"""The processes of all sessions: made when a session is first used, gone when it ends."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Coroutine
from pathlib import Path

from agentcore_local.service.account import AccountRegion
from agentcore_local.service.backend import Backend
from agentcore_local.service.behavior import ServiceBehavior
from agentcore_local.service.credentials import SessionCredentials
from agentcore_local.service.environment import session_environment
from agentcore_local.service.limits import Limits
from agentcore_local.service.metering import count_active_sessions, record_usage
from agentcore_local.service.processes import (
    OWNER_VARIABLE,
    HostLostError,
    Processes,
    SessionUsage,
    clean_up_after_kill,
)
from agentcore_local.service.runtime import SessionRuntime, session_folders
from agentcore_local.service.sessions import Session

logger = logging.getLogger(__name__)


class SessionWork:
    """Gives sessions their runtimes and takes them away.

    Args:
        backend: The AWS around.
        credentials: Hands out the execution roles' credentials.
        data_folder: Where sessions have their folders.
        limits: How long and how large things may be.
        behavior: The answers to what is not documented.
        warm_kernels: How many Python kernels are kept ready.
    """

    def __init__(
        self,
        backend: Backend,
        credentials: SessionCredentials,
        *,
        data_folder: Path,
        limits: Limits,
        behavior: ServiceBehavior,
        warm_kernels: int,
    ) -> None:
        self._backend = backend
        self._credentials = credentials
        self._data_folder = data_folder
        self._limits = limits
        self._behavior = behavior
        self._processes = Processes(data_folder, warm_kernels=warm_kernels)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._endings: dict[str, asyncio.Task[None]] = {}
        self._runtimes: dict[str, SessionRuntime] = {}

    async def start(self) -> None:
        """Clean up what a killed predecessor left, and start the process host."""
        self._loop = asyncio.get_running_loop()
        self._data_folder.mkdir(parents=True, exist_ok=True)
        left = await asyncio.to_thread(clean_up_after_kill, self._data_folder)
        if left:
            logger.warning("ended %d processes that an earlier run had left behind", left)
        sessions = self._data_folder / "sessions"
        shutil.rmtree(sessions, ignore_errors=True)
        sessions.mkdir(mode=0o700)
        await self._processes.start()

    async def stop(self) -> None:
        """End everything that runs."""
        await self.finish()
        for runtime in self._runtimes.values():
            runtime.refuse_calls()
        await self._processes.stop()
        for runtime in list(self._runtimes.values()):
            await runtime.close()
        self._runtimes.clear()
        await asyncio.to_thread(shutil.rmtree, self._data_folder / "sessions", ignore_errors=True)

    async def finish(self) -> None:
        """Wait until every session that has ended is cleaned up."""
        while self._endings:
            await asyncio.gather(*self._endings.values())

    def runtime_of(self, state: AccountRegion, session: Session) -> SessionRuntime:
        """The runtime of a session, made on first use."""
        if session.runtime is None:
            folders = session_folders(self._data_folder, session.id)
            folders.create()
            session.runtime = self._runtimes[session.id] = SessionRuntime(
                session.id,
                folders,
                session_environment(
                    session.id,
                    folders,
                    region=state.region if self._behavior.region_in_sessions else None,
                    endpoint_url=self._backend.endpoint_url,
                    owner={OWNER_VARIABLE: str(self._data_folder)},
                    packages_from_index=session.interpreter.network_mode != "SANDBOX",
                    credentials=self._credentials.grant(state, session),
                ),
                self._processes,
                self._limits,
                merged_output=self._behavior.merged_command_output,
            )
        return session.runtime

    def end(self, state: AccountRegion, session: Session) -> None:
        """Begin to end a session's processes; may be called from any thread."""
        assert session.ended_at is not None
        state.metrics.session_ended(session.interpreter.arn, session.ended_at - session.created_at)
        self._credentials.revoke(session)
        if session.runtime is None:
            record_usage(state, session, SessionUsage(), session.ended_at, self._behavior)
            return
        session.runtime.refuse_calls()
        self._schedule(session.id, self._clean_up(state, session, session.runtime))

    async def until_ended(self, session: Session) -> None:
        """Wait until the processes of an ended session are gone."""
        if session.id in self._endings:
            await asyncio.shield(self._endings[session.id])

    async def meter(self, state: AccountRegion, now: float) -> None:
        """Record the metrics of the minutes that have passed."""
        if not count_active_sessions(state, now):
            return
        ready = state.sessions.ready()
        usage = await self._processes.usage() if ready else {}
        for session in ready:
            if session.status == "READY":  # not ended meanwhile
                used = usage.get(session.id, SessionUsage())
                record_usage(state, session, used, now, self._behavior)

    async def _clean_up(
        self, state: AccountRegion, session: Session, runtime: SessionRuntime
    ) -> None:
        try:
            usage = await self._processes.end_session(session.id)
        except HostLostError:
            usage = SessionUsage()
        record_usage(state, session, usage, self._backend.now(), self._behavior)
        await runtime.close()
        session.runtime = None
        self._runtimes.pop(session.id, None)

    def _schedule(self, session_id: str, work: Coroutine[None, None, None]) -> None:
        loop = self._loop
        assert loop is not None, "the service has not been started"

        def begin() -> None:
            task = self._endings[session_id] = loop.create_task(work)
            task.add_done_callback(lambda _: self._endings.pop(session_id, None))

        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is loop:
            begin()
        else:
            loop.call_soon_threadsafe(begin)
