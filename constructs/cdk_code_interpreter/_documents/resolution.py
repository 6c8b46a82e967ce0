"""Replaces what a template computes by what it can become, as far as the template says.

A parameter becomes its default or its allowed values, a look-up the entries of the mapping, and
strings that are joined of them what they come to. Where there are several, they stand in a choice
by ``Fn::If``, as a template's own conditions do, so that rules know one form of choice only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .loops import without_loops
from .values import mapping, mappings, sequence, text

_VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}")
_STORED_ELSEWHERE = "AWS::SSM::Parameter::"
# Beyond these a string is left as it stands: nobody writes that many.
_MOST_STRINGS = 128
_PAIR = 2
_PARTS_OF_A_CHOICE = 3


def resolved(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a template with loops, parameters, mappings and strings resolved.

    Args:
        body: The template as it was written; it is left as it is.
    """
    without = without_loops(body, _Resolver(body).value)
    resolver = _Resolver(without)
    return {
        **without,
        **{
            part: resolver.value(without[part])
            for part in ("Resources", "Outputs")
            if part in without
        },
    }


class _Resolver:
    def __init__(self, body: Mapping[str, Any]) -> None:
        self._parameters = mappings(body.get("Parameters"))
        self._mappings = mapping(body.get("Mappings"))
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._reference,
            "Fn::FindInMap": self._looked_up,
            "Fn::Sub": self._substituted,
            "Fn::Join": self._joined,
            "Fn::Select": self._selected,
            "Fn::Split": self._split,
        }

    def value(self, value: Any) -> Any:
        """Return a value with everything in it resolved."""
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            function = self._functions.get(name)
            if function is not None:
                return function(argument)
        return {name: self.value(item) for name, item in value.items()}

    def _reference(self, argument: Any) -> Any:
        unresolved = {"Ref": argument}
        parameter = self._parameters.get(argument) if isinstance(argument, str) else None
        if parameter is None:
            return unresolved
        kind = text(parameter.get("Type"))
        if kind.startswith(_STORED_ELSEWHERE):
            return unresolved
        is_list = kind.startswith("List<") or kind == "CommaDelimitedList"
        values = [
            text(value).split(",") if is_list else value
            for value in sequence(parameter.get("AllowedValues"))
        ]
        if not values and "Default" not in parameter:
            return unresolved
        if not values:
            # Whoever launches the stack can give another one.
            default = parameter["Default"]
            values = [text(default).split(",") if is_list else default, unresolved]
        return choice(f"parameter {argument}", values)

    def _looked_up(self, argument: Any) -> Any:
        parts = [self.value(part) for part in sequence(argument)]
        if len(parts) <= _PAIR:
            return {"Fn::FindInMap": argument}
        return _distributed(parts, self._entry)

    def _entry(self, parts: Sequence[Any]) -> Any:
        table, row, column, *rest = parts
        rows = mappings(self._mappings.get(text(table)))
        found = [
            entries[name]
            for key, entries in rows.items()
            if not isinstance(row, str) or key == row
            for name in entries
            if not isinstance(column, str) or name == column
        ]
        found += [rest[0]["DefaultValue"]] if rest and "DefaultValue" in mapping(rest[0]) else []
        if not found:
            return {"Fn::FindInMap": list(parts)}
        return choice(f"mapping {text(table)} {text(row)} {text(column)}", found)

    def _substituted(self, argument: Any) -> Any:
        parts = sequence(argument) or [argument]
        given = mapping(parts[1]) if len(parts) > 1 else {}
        written = str(parts[0])
        pieces: list[Any] = []
        end = 0
        for match in _VARIABLE.finditer(written):
            name = match[1]
            pieces += [written[end : match.start()], self._variable(name, given)]
            end = match.end()
        pieces.append(written[end:])
        if not any(_is_resolved(piece) for piece in pieces[1::2]):
            return {"Fn::Sub": argument}
        return _concatenated("", pieces)

    def _variable(self, name: str, given: Mapping[str, Any]) -> Any:
        if name in given:
            return self.value(given[name])
        if "." in name:
            return {"Fn::GetAtt": name.split(".", 1)}
        return self._reference(name)

    def _joined(self, argument: Any) -> Any:
        parts = sequence(argument)
        if len(parts) != _PAIR:
            return {"Fn::Join": argument}
        pieces = self.value(parts[1])
        return _concatenated(text(parts[0]), pieces)

    def _selected(self, argument: Any) -> Any:
        parts = sequence(self.value(argument))
        if len(parts) == _PAIR and isinstance(parts[1], list) and text(parts[0]).isdigit():
            number = int(text(parts[0]))
            if number < len(parts[1]):
                return parts[1][number]
        return {"Fn::Select": list(parts)}

    def _split(self, argument: Any) -> Any:
        parts = sequence(self.value(argument))
        if len(parts) == _PAIR and all(isinstance(part, str) and part for part in parts):
            return parts[1].split(parts[0])
        return {"Fn::Split": list(parts)}


def choice(name: str, values: Sequence[Any]) -> Any:
    """Return one of some values as a choice by ``Fn::If``; the only one as it is."""
    different = [value for number, value in enumerate(values) if value not in values[:number]]
    *first, chosen = different
    for value in reversed(first):
        chosen = {"Fn::If": [f"{name} is {text(value)}", value, chosen]}
    return chosen


def _is_resolved(piece: Any) -> bool:
    return not isinstance(piece, dict) or "Fn::If" in piece or "Fn::Join" in piece


def _concatenated(separator: str, pieces: Any) -> Any:
    if not isinstance(pieces, list):
        # A list that a parameter gives, or a choice of lists.
        alternatives = sequence(mapping(pieces).get("Fn::If"))
        if len(alternatives) == _PARTS_OF_A_CHOICE:
            name, one, other = alternatives
            return {
                "Fn::If": [name, _concatenated(separator, one), _concatenated(separator, other)]
            }
        return {"Fn::Join": [separator, pieces]}
    flat = _distributed(pieces, lambda parts: _one_string(separator, parts))
    return {"Fn::Join": [separator, pieces]} if flat is None else flat


def _one_string(separator: str, parts: Sequence[Any]) -> Any:
    flat: list[Any] = []
    for part in parts:
        flat += part if isinstance(part, list) else [part]
    if all(not isinstance(part, dict | list) for part in flat):
        return separator.join(map(text, flat))
    return {"Fn::Join": [separator, flat]}


def _distributed(parts: Sequence[Any], build: Callable[[Sequence[Any]], Any]) -> Any:
    """Build one value of several, once for each way in which conditions choose them."""
    budget = [_MOST_STRINGS]

    def built(current: Sequence[Any]) -> Any:
        for part in current:
            alternatives = sequence(mapping(part).get("Fn::If"))
            if len(alternatives) == _PARTS_OF_A_CHOICE:
                name = alternatives[0]
                one, other = (
                    built([_answered(each, name, answer) for each in current]) for answer in (1, 2)
                )
                return {"Fn::If": [name, one, other]}
        budget[0] -= 1
        if budget[0] < 0:
            raise _TooManyError
        return build([part for part in current if part != {"Ref": "AWS::NoValue"}])

    try:
        return built(parts)
    except _TooManyError:
        return build(parts)


class _TooManyError(Exception):
    """There are too many ways to tell them all."""


def _answered(value: Any, name: Any, answer: int) -> Any:
    alternatives = sequence(mapping(value).get("Fn::If"))
    if len(alternatives) == _PARTS_OF_A_CHOICE:
        if alternatives[0] == name:
            return _answered(alternatives[answer], name, answer)
        return {
            "Fn::If": [alternatives[0], *(_answered(a, name, answer) for a in alternatives[1:])]
        }
    return value
