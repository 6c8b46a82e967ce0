"""The state that data points put an alarm in.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

OK = "OK"
ALARM = "ALARM"
INSUFFICIENT_DATA = "INSUFFICIENT_DATA"

# CloudWatch looks a little farther back than the evaluation periods; the documentation's example
# retrieves five data points for three periods.
EXTRA_DATA_POINTS = 2

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """When an alarm is raised.

    Attributes:
        comparison: CloudWatch's name of the comparison.
        threshold: What data points are compared with.
        periods: How many data points are looked at.
        datapoints: How many of them must breach.
        missing: `missing`, `ignore`, `breaching` or `notBreaching`.
    """

    comparison: str
    threshold: float
    periods: int
    datapoints: int
    missing: str = "missing"


def comparisons() -> Sequence[str]:
    """The comparisons that are known here."""
    return tuple(_COMPARISONS)


def next_state(rule: Rule, points: Sequence[float | None], present: str) -> tuple[str, str]:
    """The state of an alarm, and why.

    Args:
        rule: When it is raised.
        points: The data points of the evaluation range, the newest first; `None` where there is
            no data.
        present: The state that it is in.
    """
    real = [each for each in points if each is not None][: rule.periods]
    breaching = sum(_COMPARISONS[rule.comparison](each, rule.threshold) for each in real)
    filled = max(0, rule.periods - len(real))
    if not real:
        return _without_data(rule, present)
    raised = breaching >= rule.datapoints
    if filled and not raised:
        if rule.missing == "breaching":
            raised = breaching + filled >= rule.datapoints
        elif rule.missing == "missing":
            raised = breaching == len(real)
        elif rule.missing == "ignore" and breaching == len(real):
            return present, "the present state is kept, for lack of data"
    return (ALARM if raised else OK), _reason(rule, real, breaching, filled)


def _without_data(rule: Rule, present: str) -> tuple[str, str]:
    count = f"no datapoints were received for {rule.periods} periods"
    treated = f"{count} and they were treated as [{rule.missing}]"
    return {
        "breaching": (ALARM, f"Threshold Crossed: {treated}"),
        "notBreaching": (OK, f"Threshold Crossed: {treated}"),
        "ignore": (present, f"Unchanged: {treated}"),
        "missing": (INSUFFICIENT_DATA, f"Insufficient Data: {count}"),
    }[rule.missing]


def _reason(rule: Rule, real: Sequence[float], breaching: int, filled: int) -> str:
    values = ", ".join(f"{each:g}" for each in real)
    missing = f", {filled} missing treated as [{rule.missing}]" if filled else ""
    return (
        f"Threshold Crossed: {breaching} of the last {len(real)} datapoints [{values}] "
        f"({rule.comparison} {rule.threshold:g}){missing}; {rule.datapoints} of {rule.periods} "
        "raise the alarm"
    )
