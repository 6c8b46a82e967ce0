"""Durations in numbers: asked once, since each question to CDK crosses into Node."""

from __future__ import annotations

from collections.abc import MutableMapping
from functools import cache
from weakref import WeakKeyDictionary

from aws_cdk import Duration

_SECONDS: MutableMapping[Duration, float] = WeakKeyDictionary()


def seconds_of(duration: Duration) -> float:
    """How many seconds a duration has, fractions included."""
    known = _SECONDS.get(duration)
    if known is None:
        known = _SECONDS[duration] = float(duration.to_milliseconds()) / 1000
    return known


_UNRESOLVED: MutableMapping[Duration, bool] = WeakKeyDictionary()


def is_unresolved(duration: Duration) -> bool:
    """Whether only the deployment knows how long a duration is."""
    known = _UNRESOLVED.get(duration)
    if known is None:
        known = _UNRESOLVED[duration] = duration.is_unresolved()
    return known


@cache
def minutes(number: int) -> Duration:
    """A duration of so many minutes, the same one each time."""
    return Duration.minutes(number)
