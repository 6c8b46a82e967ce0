"""Checks a request against the constraints of the service model, all of them at once."""

from __future__ import annotations

import base64
import binascii
import functools
import logging
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.model import Shape

from agentcore_local.service.errors import CANNOT_PARSE, invalid

logger = logging.getLogger(__name__)

FieldError = tuple[str, str]

NUMBERS = ("integer", "long", "double", "float")
_LARGEST_LONG = 2**63 - 1


class _WrongType(Exception):
    """A value is of another type than the model says."""

    def __init__(self, path: str, expected: str) -> None:
        super().__init__(path)
        self.path = path
        self.expected = expected


def read(shape: Shape, value: object, path: str = "") -> Any:
    """Turn parsed JSON into a value of a shape: blobs decoded, unknown and null members left out.

    Raises:
        ServiceError: A value has another type than the model says.
    """
    try:
        return _convert(shape, value, path)
    except _WrongType as error:
        message = f"Value at '{error.path}' failed to satisfy constraint: must be {error.expected}"
        raise invalid(message, fields=[(error.path, message)], reason=CANNOT_PARSE) from None


def _convert(shape: Shape, value: object, path: str) -> Any:
    kind = shape.type_name
    if kind == "structure":
        return _convert_structure(shape, value, path)
    if kind == "list":
        if not isinstance(value, list):
            raise _WrongType(path, "a list")
        return [
            _convert(shape.member, each, f"{path}.{number}")  # type: ignore[attr-defined]
            for number, each in enumerate(value)
        ]
    if kind == "map":
        if not isinstance(value, Mapping):
            raise _WrongType(path, "a map")
        return {
            _encodable(str(key), path): _convert(shape.value, each, f"{path}.{key}")  # type: ignore[attr-defined]
            for key, each in value.items()
        }
    return _convert_scalar(kind, value, path)


def _convert_structure(shape: Any, value: object, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _WrongType(path or "body", "a structure")
    unknown = [key for key in value if key not in shape.members]
    if unknown:
        logger.warning("ignored unknown members of %s: %s", shape.name, ", ".join(unknown))
    return {
        name: _convert(member, value[name], f"{path}.{name}" if path else name)
        for name, member in shape.members.items()
        if value.get(name) is not None
    }


def _convert_scalar(kind: str, value: object, path: str) -> object:
    if kind == "blob":
        if isinstance(value, str):
            try:
                return base64.b64decode(value, validate=True)
            except binascii.Error:
                pass
        raise _WrongType(path, "base64")
    if kind == "boolean" and isinstance(value, bool):
        return value
    if kind in NUMBERS and isinstance(value, int | float) and not isinstance(value, bool):
        return _convert_number(kind, value, path)
    if kind == "string" and isinstance(value, str):
        return _encodable(value, path)
    raise _WrongType(path, f"of type {kind}")


def _encodable(text: str, path: str) -> str:
    """The text, unless JSON smuggled in half of a surrogate pair: no UTF-8 has it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _WrongType(path, "text that UTF-8 can write") from None
    return text


def _convert_number(kind: str, value: int | float, path: str) -> int | float:
    # JSON may have an integer that no number of the model holds, nor any float.
    if isinstance(value, int):
        if abs(value) > _LARGEST_LONG:
            raise _WrongType(path, "a number")
    elif not math.isfinite(value):
        raise _WrongType(path, "a number")
    if kind not in ("integer", "long"):
        return value
    if value != int(value):
        raise _WrongType(path, "an integer")
    return int(value)


def check(shape: Shape, params: Mapping[str, Any]) -> None:
    """Check converted parameters against required, length, range, pattern, enum and union.

    Raises:
        ServiceError: A ValidationException that lists every broken constraint.
    """
    errors = list(_errors(shape, params, ""))
    if errors:
        count = f"{len(errors)} validation error{'s' if len(errors) > 1 else ''} detected: "
        raise invalid(count + "; ".join(message for _, message in errors), fields=errors)


def _errors(shape: Any, value: Any, path: str) -> Iterator[FieldError]:
    if shape.type_name == "structure":
        yield from _structure_errors(shape, value, path)
        return
    if shape.type_name in NUMBERS:
        yield from _range_errors(shape, value, path)
    elif shape.type_name in ("string", "blob", "list", "map"):
        yield from _size_errors(shape, len(value), path)
    if shape.type_name == "string":
        yield from _text_errors(shape, value, path)
    for part, each, name in _parts(shape, value):
        yield from _errors(part, each, f"{path}.{name}")


def _parts(shape: Any, value: Any) -> Iterator[tuple[Any, Any, object]]:
    if shape.type_name == "list":
        for number, each in enumerate(value):
            yield shape.member, each, number
    elif shape.type_name == "map":
        for key, each in value.items():
            yield shape.key, key, key
            yield shape.value, each, key


def _structure_errors(shape: Any, value: Mapping[str, Any], path: str) -> Iterator[FieldError]:
    prefix = f"{path}." if path else ""
    for name in shape.required_members:
        if name not in value:
            yield _broken(prefix + name, "Member must not be null")
    if shape.metadata.get("union") and len(value) != 1:
        yield _broken(path, f"Member must set exactly one of: {', '.join(shape.members)}")
    for name, each in value.items():
        yield from _errors(shape.members[name], each, prefix + name)


def _size_errors(shape: Any, size: int, path: str) -> Iterator[FieldError]:
    what = "length" if shape.type_name in ("string", "blob") else "number of members"
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield _broken(path, f"Member must have {what} greater than or equal to {least}")
    if most is not None and size > most:
        yield _broken(path, f"Member must have {what} less than or equal to {most}")


def _range_errors(shape: Any, value: float, path: str) -> Iterator[FieldError]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and value < least:
        yield _broken(path, f"Member must have value greater than or equal to {least}")
    if most is not None and value > most:
        yield _broken(path, f"Member must have value less than or equal to {most}")


def _text_errors(shape: Any, value: str, path: str) -> Iterator[FieldError]:
    pattern, enum = shape.metadata.get("pattern"), shape.metadata.get("enum")
    if pattern and not _compiled(pattern).fullmatch(value):
        yield _broken(path, f"Member must satisfy regular expression pattern: {pattern}")
    if enum and value not in enum:
        yield _broken(path, f"Member must satisfy enum value set: [{', '.join(enum)}]")


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _broken(path: str, constraint: str) -> FieldError:
    return path, f"Value at '{path}' failed to satisfy constraint: {constraint}"
