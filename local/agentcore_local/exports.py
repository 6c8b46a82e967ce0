"""Environment variables in the words of shells, and in the form of `.env` files."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping

_Line = Callable[[str, str], str]


def _fish(name: str, value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"set -gx {name} '{escaped}'"


def _powershell(name: str, value: str) -> str:
    escaped = value.replace("'", "''")
    return f"$Env:{name} = '{escaped}'"


def _dotenv(name: str, value: str) -> str:
    # As python-dotenv, docker compose and VS Code read it: none of the values has a quote.
    return f"{name}={value}"


_FORMS: Mapping[str, _Line] = {
    "sh": lambda name, value: f"export {name}={shlex.quote(value)}",
    "bash": lambda name, value: f"export {name}={shlex.quote(value)}",
    "fish": _fish,
    "powershell": _powershell,
    "dotenv": _dotenv,
}
FORMS = tuple(_FORMS)


def lines(form: str, environment: Mapping[str, str]) -> Iterator[str]:
    """Return a line for each variable.

    Args:
        form: One of `FORMS`.
        environment: The variables.
    """
    for name, value in environment.items():
        yield _FORMS[form](name, value)
