"""Lets time have its effects: schedules tick, metrics are published, alarms are evaluated."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable

from agentcore_local import _ministack_cloudwatch as ministack
from agentcore_local import _ministack_executions as executions
from agentcore_local.alarms import requests
from agentcore_local.alarms.evaluator import Evaluator
from agentcore_local.clock import Clock

logger = logging.getLogger(__name__)

_MINUTE = 60
_LOOK_SECONDS = 1.0
# A month is jumped over; alarms look back for a day at the most, and ours for some hours.
LIVED_THROUGH_SECONDS = 6 * 3600
# A run that takes longer goes on beside the clock.
_LONGEST_RUN_SECONDS = 20.0
_POLL_SECONDS = 0.005


class Heartbeat:
    """The minutes of the local AWS.

    Args:
        clock: The time of this AWS.
        tick_service: Lets time have its effects on the code interpreter's sessions.
    """

    def __init__(self, clock: Clock, *, tick_service: Callable[[], Awaitable[None]]) -> None:
        self._clock = clock
        self._tick_service = tick_service
        self._dispatched = executions.Dispatched()
        self._evaluator = Evaluator(clock, self._dispatched)
        self._minute = 0
        self._beating: asyncio.Task[None] | None = None

    def install(self) -> None:
        """Take over alarms, metric data and schedules.

        Before roles guard what functions log, and rules what they invoke.
        """
        executions.follow(self._clock)
        ministack.take_over_alarms()
        ministack.guard_notifications()
        ministack.accept_alarms(requests.check_alarm, requests.parameters_of)
        ministack.answer_metric_data(self._evaluator.metric_data, requests.parameters_of)
        executions.on_execution(self._evaluator.record_execution)
        executions.on_log(self._evaluator.record_log)
        executions.mend_schedules()
        self._dispatched.install()

    async def start(self) -> None:
        """Evaluate alarms at the end of each minute from now on."""
        self._beating = asyncio.create_task(self._beat())

    async def stop(self) -> None:
        """Evaluate no more."""
        if self._beating is not None:
            self._beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._beating
            self._beating = None

    def evaluate(self) -> dict[str, str]:
        """Evaluate every alarm now; the state of each by its name."""
        self._minute = int(self._clock.now() // _MINUTE)
        return self._evaluator.evaluate()

    async def advance(self, seconds: float) -> None:
        """Move the clock, and live through the minutes that pass.

        Schedules tick, what they invoke runs, sessions end and alarms are evaluated in each of
        them. Of a longer time, the last six hours are lived through.

        Raises:
            ValueError: The time would move backward, or to where there are no dates.
        """
        self._clock.check(seconds)
        lived = min(seconds, LIVED_THROUGH_SECONDS) if self._is_watched() else 0.0
        self._clock.advance(seconds - lived)
        await self._tick_service()
        while lived > 0:
            step = min(_MINUTE, lived)
            lived -= step
            self._clock.advance(step)
            await self._live()

    def _is_watched(self) -> bool:
        return ministack.has_alarms() or executions.has_schedules()

    async def _live(self) -> None:
        await self._tick_service()
        # Beside the event loop: what a schedule invokes calls this server.
        await asyncio.to_thread(executions.tick_schedules)
        latest = time.monotonic() + _LONGEST_RUN_SECONDS
        while self._dispatched.pending and time.monotonic() < latest:
            await asyncio.sleep(_POLL_SECONDS)
        self.evaluate()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if int(self._clock.now() // _MINUTE) == self._minute:
                continue
            try:
                self.evaluate()
            except Exception:
                logger.exception("the alarms could not be evaluated")
