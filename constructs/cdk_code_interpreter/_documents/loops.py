"""Expands ``Fn::ForEach``, as the transform AWS::LanguageExtensions does.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-foreach.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .values import choices, each, sequence, text

LOOP = "Fn::ForEach"
_PARTS = 3
_NESTED = 20


def without_loops(body: Mapping[str, Any], resolve: Callable[[Any], Any]) -> dict[str, Any]:
    """Return a template with every loop expanded whose collection is known; others stay.

    Args:
        body: The template.
        resolve: Gives a collection that is computed, such as the list of a parameter.
    """
    expanded = _expanded(dict(body), resolve, _NESTED)
    return expanded if isinstance(expanded, dict) else dict(body)


def _expanded(value: Any, resolve: Callable[[Any], Any], depth: int) -> Any:
    if isinstance(value, list):
        return [_expanded(item, resolve, depth) for item in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for name, item in value.items():
        turns = _turns(item, resolve) if name.startswith(f"{LOOP}::") and depth else None
        if turns is None:
            found[name] = _expanded(item, resolve, depth)
        else:
            for turn in turns:
                found |= _expanded(turn, resolve, depth - 1)
    return found


def _turns(loop: Any, resolve: Callable[[Any], Any]) -> list[dict[str, Any]] | None:
    """Return what each turn of a loop adds; `None` where its collection is not known."""
    parts = sequence(loop)
    if len(parts) != _PARTS or not isinstance(parts[2], dict):
        return None
    # What the launch may give instead is not known: the template's own values are taken.
    collections = [list(each(choice)) for choice in choices(resolve(parts[1]))]
    known = [items for items in collections if not any(isinstance(i, dict) for i in items)]
    items = list(dict.fromkeys(text(item) for known_items in known for item in known_items))
    if not items:
        return None
    names = list(map(text, each(parts[0])))
    if len(names) != 1:
        return None
    return [_named(parts[2], names[0], item) for item in items]


def _named(value: Any, name: str, item: str) -> Any:
    if isinstance(value, dict):
        if value == {"Ref": name}:
            return item
        return {_named(key, name, item): _named(each, name, item) for key, each in value.items()}
    if isinstance(value, list):
        return [_named(each, name, item) for each in value]
    if isinstance(value, str):
        plain = value.replace(f"${{{name}}}", item)
        # With an ampersand, what is not alphanumeric is left out of logical ids.
        return plain.replace(f"&{{{name}}}", re.sub(r"[^A-Za-z0-9]", "", item))
    return value
