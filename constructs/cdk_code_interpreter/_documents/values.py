"""Values in CloudFormation templates: intrinsic functions, references, texts.

Anything may stand anywhere in a template that nobody has deployed yet: nothing here raises.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

_SUBSTITUTION = re.compile(r"\$\{([^!}][^}]*)\}")


def mapping(value: object) -> Mapping[str, Any]:
    """A value as a mapping; empty when it is something else."""
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> Mapping[str, Mapping[str, Any]]:
    """The entries of a mapping that are mappings themselves."""
    return {name: item for name, item in mapping(value).items() if isinstance(item, dict)}


def sequence(value: object) -> Sequence[Any]:
    """A value as a sequence; empty when it is something else."""
    return value if isinstance(value, list) else ()


def intrinsics(value: object) -> Iterator[tuple[str, Any]]:
    """Every intrinsic function in a value, with its argument, the outermost first."""
    if isinstance(value, dict):
        for key, argument in value.items():
            if key == "Ref" or key.startswith("Fn::"):
                yield key, argument
            yield from intrinsics(argument)
    elif isinstance(value, list):
        for item in value:
            yield from intrinsics(item)


def references(value: object) -> set[str]:
    """Every logical id that a value names, by Ref, Fn::GetAtt or Fn::Sub."""
    found: set[str] = set()
    for key, argument in intrinsics(value):
        first = argument[0] if sequence(argument) else argument
        if key == "Ref" and isinstance(argument, str):
            found.add(argument)
        elif key == "Fn::GetAtt":
            found.add(str(first).split(".")[0])
        elif key == "Fn::Sub":
            found |= {name.split(".")[0] for name in _SUBSTITUTION.findall(str(first))}
    return found


def each(value: object) -> Iterator[Any]:
    """The items of what may be one value, a list, or a choice by `Fn::If`; none for `None`."""
    if isinstance(value, list):
        for item in value:
            yield from each(item)
    elif isinstance(value, dict) and list(value) == ["Fn::If"]:
        yield from each(list(sequence(value["Fn::If"])[1:]))
    elif value is not None and value != {"Ref": "AWS::NoValue"}:
        yield value


def choices(value: object) -> Iterator[Any]:
    """What `Fn::If` may make of a value; `None` where it may be left out."""
    if isinstance(value, dict) and list(value) == ["Fn::If"]:
        for choice in sequence(value["Fn::If"])[1:]:
            yield from choices(choice)
    else:
        yield None if value == {"Ref": "AWS::NoValue"} else value


def may_be_true(value: object) -> bool:
    """Return whether a value is true, or may be where conditions choose it."""
    return any(choice in (True, "true", "True") for choice in choices(value))


def may_be_false(value: object) -> bool:
    """Return whether a value is false, or may be where conditions choose it."""
    return any(choice in (False, "false", "False") for choice in choices(value))


def text(value: object) -> str:
    """A value as text; what only the deployment knows stands as ``<LogicalId.Attribute>``."""
    if isinstance(value, list):
        return ",".join(text(item) for item in value)
    if not isinstance(value, dict):
        return "" if value is None else str(value)
    for key, render in _RENDERERS.items():
        if key in value:
            return render(value[key])
    return f"<{json.dumps(value, sort_keys=True)}>"


def _join(argument: Any) -> str:
    parts = sequence(argument)
    return str(parts[0]).join(text(part) for part in each(parts[1])) if len(parts) > 1 else ""


def _attribute(argument: Any) -> str:
    return f"<{'.'.join(map(text, each(argument)))}>"


def _substitute(argument: Any) -> str:
    parts = sequence(argument) or [argument]
    values = mapping(parts[1]) if len(parts) > 1 else {}

    def replacement(match: re.Match[str]) -> str:
        name = match[1]
        return text(values[name]) if name in values else f"<{name}>"

    return _SUBSTITUTION.sub(replacement, str(parts[0]))


_RENDERERS: dict[str, Callable[[Any], str]] = {
    "Ref": lambda argument: f"<{text(argument)}>",
    "Fn::GetAtt": _attribute,
    "Fn::Join": _join,
    "Fn::Sub": _substitute,
    "Fn::ImportValue": lambda argument: f"<{text(argument)}>",
}
