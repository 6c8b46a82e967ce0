"""How fast to send, how long to wait before the next try, and when to give up."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

# An account may send 30 requests a second of each operation, and its agents need some of them:
# https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/bedrock-agentcore-limits.html
REQUESTS_PER_SECOND = 20.0
# A drain that has much to do goes faster than its even share, so that it ends within this time.
# With the quota of 1000 sessions in an account, the drains of one stack then send at most
# 20 + 1000 / 100 = 30 requests a second together, without knowing of each other.
BACKLOG_SECONDS = 100.0
SLOWEST = 0.5
RECOVERY_PER_SECOND = 0.05
FIRST_BACKOFF = 0.2
LONGEST_BACKOFF = 5.0


@dataclass(frozen=True)
class Clock:
    """The time, and the waiting; tests replace both."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


CLOCK = Clock()


class Deadline:
    """A moment after which nothing new is begun."""

    def __init__(self, seconds: float, clock: Clock = CLOCK) -> None:
        self._clock = clock
        self.at = clock.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds that are left, 0 when there are none."""
        return max(0.0, self.at - self._clock.monotonic())

    def passed(self) -> bool:
        """Whether it is too late to begin something."""
        return self.remaining() <= 0.0


def fair_rate(limit: float, drains: int, backlog: int) -> float:
    """Requests a second for one of several drains that may run at once.

    Args:
        limit: What all of them together should send while there is little to do.
        drains: How many drains the stack has; which of them run now, none of them knows.
        backlog: How many sessions this one has to stop.
    """
    return min(limit, max(limit / max(1, drains), backlog / BACKLOG_SECONDS))


def backoff(attempt: int, draw: Callable[[float, float], float] = random.uniform) -> float:
    """Seconds to wait before the next try: longer each time, and never the same for two callers.

    Args:
        attempt: How many tries there were, from 1.
        draw: Draws a number between two numbers.
    """
    longest = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** min(attempt, 10))
    return draw(longest / 2, longest)


class Pace:
    """Hands out moments to send, evenly spaced, to any number of threads.

    It slows down when the service says that it is asked too often, because agents and other
    stacks share the account's quota, and recovers by and by.
    """

    def __init__(self, rate: float, clock: Clock = CLOCK) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._target = rate
        self._rate = rate
        self._next = -math.inf
        self._changed = -math.inf

    @property
    def rate(self) -> float:
        """Requests a second at present."""
        return self._rate

    def aim(self, rate: float) -> None:
        """Change the rate that is kept while the service does not object."""
        with self._lock:
            slowed = self._rate < self._target
            self._target = rate
            self._rate = min(self._rate, rate) if slowed else rate

    def admit(self, deadline: Deadline) -> bool:
        """Wait for a moment to send.

        Returns:
            Whether there is one before the deadline.
        """
        with self._lock:
            now = self._clock.monotonic()
            self._recover(now)
            moment = max(now, self._next)
            if moment >= deadline.at:
                return False
            self._next = moment + 1.0 / self._rate
        if moment > now:
            self._clock.sleep(moment - now)
        return True

    def slow_down(self) -> None:
        """Halve the rate, at most once a second however many requests were refused in it."""
        with self._lock:
            now = self._clock.monotonic()
            if now - self._changed >= 1.0:
                self._rate = max(min(SLOWEST, self._target), self._rate / 2)
                self._changed = now

    def _recover(self, now: float) -> None:
        elapsed = now - self._changed
        if self._rate < self._target and elapsed >= 1.0:
            gained = self._target * RECOVERY_PER_SECOND * elapsed
            self._rate = min(self._target, self._rate + gained)
            self._changed = now
