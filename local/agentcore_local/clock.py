"""The time of a local AWS, which tests can move forward."""

from __future__ import annotations

import time


class Clock:
    """The present time, plus what tests have added to it."""

    def __init__(self) -> None:
        self._ahead_seconds = 0.0

    @property
    def ahead_seconds(self) -> float:
        """How far this time is ahead of the real one."""
        return self._ahead_seconds

    def now(self) -> float:
        """The time in seconds since the epoch."""
        return time.time() + self._ahead_seconds

    def advance(self, seconds: float) -> None:
        """Move the time forward.

        Raises:
            ValueError: the time would move backward.
        """
        if seconds < 0:
            raise ValueError(f"time moves forward only, got {seconds} seconds")
        self._ahead_seconds += seconds
