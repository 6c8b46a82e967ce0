"""Evaluates the conditions of IAM statements as IAM does, where some values are not known.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, Final

from .values import each, mapping, text

# The answer to a question that a template does not decide.
UNKNOWN: Final = None
Answer = bool | None


class Context(Mapping[str, str | None]):
    """The condition keys of one request, in lower case.

    A key that is there has its value, one that is `None` is absent from the request, and of one
    that is not there nothing is known.
    """

    def __init__(self, keys: Mapping[str, str | None]) -> None:
        """Take the keys of a request.

        Args:
            keys: Values by condition key; keys have no case.
        """
        self._keys = {key.lower(): value for key, value in keys.items()}

    def __getitem__(self, key: str) -> str | None:
        return self._keys[key.lower()]

    def __iter__(self) -> Any:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def is_known(self, key: str) -> bool:
        """Return whether a request's value of a key, or its absence, is known."""
        return key.lower() in self._keys


def both(answers: Sequence[Answer]) -> Answer:
    """Return whether all of some answers are yes."""
    if any(answer is False for answer in answers):
        return False
    return UNKNOWN if any(answer is UNKNOWN for answer in answers) else True


def either(answers: Sequence[Answer]) -> Answer:
    """Return whether one of some answers is yes."""
    if any(answer is True for answer in answers):
        return True
    return UNKNOWN if any(answer is UNKNOWN for answer in answers) else False


def holds(conditions: object, context: Context) -> Answer:
    """Return whether a request passes all conditions of a statement."""
    if conditions is not None and not isinstance(conditions, Mapping):
        return UNKNOWN
    return both(
        [
            _one(operator, key, [text(value) for value in each(values)], context)
            for operator, keys in mapping(conditions).items()
            for key, values in (mapping(keys) or {"": keys}).items()
        ]
    )


def _one(operator: str, key: str, values: Sequence[str], context: Context) -> Answer:
    name = operator.lower()
    if not context.is_known(key):
        return UNKNOWN
    actual = context[key]
    if name == "null":
        return (actual is None) == (bool(values) and values[0].lower() == "true")
    if_exists = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    for_all = name.startswith("forallvalues:")
    for_any = name.startswith("foranyvalue:")
    name = name.partition(":")[2] if for_all or for_any else name
    negated = name in _NEGATED
    if actual is None:
        # ForAllValues is true where the key is absent, and so is a negated operator:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
        return if_exists or for_all or (negated and not for_any)
    match = _MATCHES.get(_NEGATED.get(name, name))
    if match is None:
        return UNKNOWN
    found = either([_compare(match, value, actual) for value in values])
    return found if found is UNKNOWN or not negated else not found


def _compare(match: Callable[[str, str], bool], value: str, actual: str) -> Answer:
    if match(value, actual):
        return True
    # What a reference stands for is known after the deployment only.
    return UNKNOWN if _may_match(value, actual) else False


_PLACEHOLDER = re.compile(r"<[^>]*>")
_VARIABLE = re.compile(r"\$\{[^}]*\}")


def _may_match(value: str, actual: str) -> bool:
    shared = set(_PLACEHOLDER.findall(value)) & set(_PLACEHOLDER.findall(actual))
    for number, placeholder in enumerate(sorted(shared)):
        value = value.replace(placeholder, chr(0xE000 + number))
        actual = actual.replace(placeholder, chr(0xE000 + number))
    open_value = _VARIABLE.sub("*", _PLACEHOLDER.sub("*", value))
    if _PLACEHOLDER.search(actual):
        return patterns_meet(open_value, _PLACEHOLDER.sub("*", actual))
    return open_value != value and is_like(open_value, actual)


def patterns_meet(one: str, other: str) -> bool:
    """Return whether some string matches both of two patterns with ``*`` and ``?``."""

    @cache
    def meet(i: int, j: int) -> bool:
        if i == len(one) and j == len(other):
            return True
        if i < len(one) and one[i] == "*":
            return meet(i + 1, j) or (j < len(other) and meet(i, j + 1))
        if j < len(other) and other[j] == "*":
            return meet(i, j + 1) or (i < len(one) and meet(i + 1, j))
        if i == len(one) or j == len(other):
            return False
        same = one[i] == other[j] or "?" in (one[i], other[j])
        return same and meet(i + 1, j + 1)

    if len(one) * len(other) > 40_000:  # longer than any ARN: nothing is excluded
        return True
    return meet(0, 0)


@lru_cache(maxsize=1024)
def _pattern(pattern: str, flags: int) -> re.Pattern[str]:
    parts = (re.escape(part).replace(r"\?", ".") for part in pattern.split("*"))
    return re.compile(".*".join(parts), flags | re.DOTALL)


def is_like(pattern: str, value: str) -> bool:
    """Return whether a value matches a pattern of IAM's, with ``*`` and ``?``; case counts."""
    return _pattern(pattern, 0).fullmatch(value) is not None


def is_like_action(pattern: str, action: str) -> bool:
    """Return whether an action matches a pattern; case does not count."""
    return _pattern(pattern, re.IGNORECASE).fullmatch(action) is not None


def _number(match: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def compare(value: str, actual: str) -> bool:
        try:
            return match(float(actual), float(value))
        except ValueError:
            return False

    return compare


def _date(match: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def compare(value: str, actual: str) -> bool:
        try:
            wanted, found = (datetime.fromisoformat(each) for each in (value, actual))
            return match(found.timestamp(), wanted.timestamp())
        except ValueError:
            return False

    return compare


def _in_network(value: str, actual: str) -> bool:
    try:
        return ipaddress.ip_address(actual) in ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False


_ORDERS: Mapping[str, Callable[[float, float], bool]] = {
    "equals": lambda found, wanted: found == wanted,
    "lessthan": lambda found, wanted: found < wanted,
    "lessthanequals": lambda found, wanted: found <= wanted,
    "greaterthan": lambda found, wanted: found > wanted,
    "greaterthanequals": lambda found, wanted: found >= wanted,
}
_MATCHES: Mapping[str, Callable[[str, str], bool]] = {
    "stringequals": lambda value, actual: value == actual,
    "stringequalsignorecase": lambda value, actual: value.lower() == actual.lower(),
    "stringlike": is_like,
    # ArnEquals takes wildcards as well.
    "arnequals": is_like,
    "arnlike": is_like,
    "bool": lambda value, actual: value.lower() == actual.lower(),
    "binaryequals": lambda value, actual: value == actual,
    "ipaddress": _in_network,
    **{f"numeric{name}": _number(order) for name, order in _ORDERS.items()},
    **{f"date{name}": _date(order) for name, order in _ORDERS.items()},
}
_NEGATED: Mapping[str, str] = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
    "notipaddress": "ipaddress",
}
