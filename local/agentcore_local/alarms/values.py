"""The values of metric math: numbers, series with gaps, and arrays of series."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Series: TypeAlias = Sequence[float | None]
"""One value for each period, `None` where there is no data."""
Binary: TypeAlias = Callable[[float, float], float]


class ExpressionError(ValueError):
    """An expression that CloudWatch would refuse, or that is not known here."""


@dataclass(frozen=True)
class Array:
    """Several series."""

    members: Sequence[Series]


Value: TypeAlias = "float | Series | Array"

ARITHMETIC: Mapping[str, Binary] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
}
COMPARISONS: Mapping[str, Binary] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
LOGIC: Mapping[str, Binary] = {
    "AND": lambda a, b: a != 0 and b != 0,
    "&&": lambda a, b: a != 0 and b != 0,
    "OR": lambda a, b: a != 0 or b != 0,
    "||": lambda a, b: a != 0 or b != 0,
}
AGGREGATES: Mapping[str, Callable[[Sequence[float]], float]] = {
    "SUM": math.fsum,
    "AVG": lambda values: math.fsum(values) / len(values),
    "MAX": max,
    "MIN": min,
}
EACH: Mapping[str, Callable[[float], float]] = {
    "ABS": abs,
    "CEIL": math.ceil,
    "FLOOR": math.floor,
}


def as_series(value: Value, length: int) -> Series:
    """A value as one series; a number is the same in every period.

    Raises:
        ExpressionError: It is an array.
    """
    if isinstance(value, int | float):
        return [float(value)] * length
    if isinstance(value, Array):
        raise ExpressionError("one series is needed here, not several")
    return value


def as_array(value: Value, length: int) -> Sequence[Series]:
    """A value as several series."""
    return value.members if isinstance(value, Array) else [as_series(value, length)]


def pairwise(function: Binary, a: Value, b: Value, length: int) -> Value:
    """Combine two values; a period has a value only where both sides have one.

    Raises:
        ExpressionError: Both are arrays.
    """
    if isinstance(a, int | float) and isinstance(b, int | float):
        value = _safely(function, a, b)
        return [None] * length if value is None else value
    if isinstance(a, Array) and isinstance(b, Array):
        raise ExpressionError("two arrays cannot be combined")
    if isinstance(a, Array):
        return Array([_combined(function, each, as_series(b, length)) for each in a.members])
    if isinstance(b, Array):
        return Array([_combined(function, as_series(a, length), each) for each in b.members])
    return _combined(function, as_series(a, length), as_series(b, length))


def aggregate(function: Callable[[Sequence[float]], float], value: Value) -> Value:
    """Of an array a series, over what each period has; of one series a number."""
    if isinstance(value, Array):
        columns = zip(*value.members, strict=True)
        return [_over(function, column) for column in columns]
    if isinstance(value, int | float):
        return value
    return _over(function, value) or 0.0


def each_of(function: Callable[[float], float], value: Value) -> Value:
    """Apply a function to every value."""
    if isinstance(value, int | float):
        return function(value)
    if isinstance(value, Array):
        return Array([[_on(function, each) for each in series] for series in value.members])
    return [_on(function, each) for each in value]


def filled(series: Series, filler: Series, *, without_data: bool) -> Series:
    """A series with its gaps filled.

    Args:
        series: The series.
        filler: What gaps are filled with.
        without_data: Whether a series that has no data at all is filled too.
    """
    if not without_data and all(each is None for each in series):
        return series
    return [fill if each is None else each for each, fill in zip(series, filler, strict=True)]


def choose(condition: Series, chosen: Series, otherwise: Series) -> Series:
    """One series where a condition is not zero, another where it is."""
    return [
        None if test is None else (yes if test else no)
        for test, yes, no in zip(condition, chosen, otherwise, strict=True)
    ]


def _combined(function: Binary, one: Series, other: Series) -> Series:
    return [
        None if a is None or b is None else _safely(function, a, b)
        for a, b in zip(one, other, strict=True)
    ]


def _safely(function: Binary, a: float, b: float) -> float | None:
    """The value; none for what has no finite one, which CloudWatch drops."""
    try:
        value = function(a, b)
    except (ZeroDivisionError, OverflowError):
        return None
    return float(value) if not isinstance(value, complex) and math.isfinite(value) else None


def _over(
    function: Callable[[Sequence[float]], float], column: Sequence[float | None]
) -> float | None:
    found = [each for each in column if each is not None]
    return function(found) if found else None


def _on(function: Callable[[float], float], value: float | None) -> float | None:
    return None if value is None else function(value)
