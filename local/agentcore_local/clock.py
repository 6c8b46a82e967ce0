"""The time of a local AWS, which tests can move forward."""

from __future__ import annotations

import time

# The years after 9999 have no dates.
_FURTHEST_SECONDS = 1000 * 366 * 24 * 3600


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

    def check(self, seconds: float) -> None:
        """Find out whether the time can move by so much.

        Raises:
            ValueError: it would move backward, or to where there are no dates.
        """
        if seconds < 0:
            raise ValueError(f"time moves forward only, got {seconds} seconds")
        if not self._ahead_seconds + seconds < _FURTHEST_SECONDS:  # nor is it for NaN
            raise ValueError(f"time moves by a thousand years at the most, got {seconds} seconds")

    def advance(self, seconds: float) -> None:
        """Move the time forward.

        Raises:
            ValueError: it would move backward, or to where there are no dates.
        """
        self.check(seconds)
        self._ahead_seconds += seconds

    def reset(self) -> None:
        """Go back to the present time: nothing is left that was made in the future."""
        self._ahead_seconds = 0.0
