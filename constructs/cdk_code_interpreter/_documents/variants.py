"""What a policy document may be, depending on the template's conditions."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from .values import sequence, text

# With more conditions than these in one document, each choice is taken for possible by itself.
_MOST_CONDITIONS = 6
_NO_VALUE = {"Ref": "AWS::NoValue"}


def variants(document: object) -> Iterator[Mapping[str, Any]]:
    """Return every document that the conditions of a template can choose.

    Args:
        document: A policy document as a template holds it: a mapping, JSON in a string, or a
            choice by ``Fn::If`` anywhere in it.
    """
    names = sorted(set(_condition_names(document)))[:_MOST_CONDITIONS]
    seen = []
    for answers in itertools.product((True, False), repeat=len(names)):
        chosen = _parsed(_choose(document, dict(zip(names, answers, strict=True))))
        if isinstance(chosen, Mapping) and chosen not in seen:
            seen.append(chosen)
            yield chosen


def _parsed(document: object) -> object:
    if isinstance(document, str) or (
        isinstance(document, Mapping) and len(document) == 1 and "Statement" not in document
    ):
        written = text(document)
        if not written.lstrip().startswith("{"):
            return document
        try:
            return json.loads(written)
        except ValueError:
            return document
    return document


def _condition_names(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        choice = sequence(value.get("Fn::If"))
        if choice:
            yield str(choice[0])
        for each in value.values():
            yield from _condition_names(each)
    elif isinstance(value, list):
        for each in value:
            yield from _condition_names(each)


def _choose(value: object, answers: Mapping[str, bool]) -> Any:
    if isinstance(value, list):
        return [item for each in value if (item := _choose(each, answers)) != _NO_VALUE]
    if not isinstance(value, Mapping):
        return value
    choice = sequence(value.get("Fn::If"))
    if len(value) == 1 and len(choice) == 3 and str(choice[0]) in answers:
        return _choose(choice[1 if answers[str(choice[0])] else 2], answers)
    chosen = {name: _choose(each, answers) for name, each in value.items()}
    return {name: each for name, each in chosen.items() if each != _NO_VALUE}
