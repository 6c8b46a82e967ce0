"""Figures: what was measured, its spread, and the target that it is held against."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure.

    Attributes:
        name: What was measured, the same from run to run.
        value: The median.
        unit: Such as `s` or `x`; `x` is a ratio of two things measured in turns.
        low: The lowest.
        high: The highest.
        count: How often it was measured.
        target: What it should be at most; None if there is none.
    """

    name: str
    value: float
    unit: str
    low: float
    high: float
    count: int = 1
    target: float | None = None

    @property
    def met(self) -> bool:
        return self.target is None or self.value <= self.target

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"met": self.met}


def measured(
    name: str, values: Sequence[float], unit: str, *, target: float | None = None
) -> Figure:
    """A figure of several measurements."""
    return Figure(
        name=name,
        value=statistics.median(values),
        unit=unit,
        low=min(values),
        high=max(values),
        count=len(values),
        target=target,
    )


def counted(name: str, value: float, unit: str, *, target: float | None = None) -> Figure:
    """A figure that is the same however often it is looked at."""
    return Figure(name=name, value=value, unit=unit, low=value, high=value, target=target)


def ratio(
    name: str, values: Sequence[float], others: Sequence[float], *, target: float | None = None
) -> Figure:
    """How many times as much one thing takes as another, round by round."""
    rounds = [value / other for value, other in zip(values, others, strict=True)]
    return measured(name, rounds, "x", target=target)
