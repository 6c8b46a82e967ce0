"""Checks of code interpreters, of this library or not: as a cdk-nag pack, and on template files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .catalog import RULES, find, guard_rules
from .model import CheckLevel, Finding, Rule
from .template import Template, Templates, read_templates

if TYPE_CHECKING:
    from .pack import CodeInterpreterChecks

__all__ = [
    "RULES",
    "CheckLevel",
    "CodeInterpreterChecks",
    "Finding",
    "Rule",
    "Template",
    "Templates",
    "find",
    "guard_rules",
    "read_templates",
]


def __getattr__(name: str) -> object:
    # cdk-nag is an extra: only who asks for the pack needs it.
    if name == "CodeInterpreterChecks":
        try:
            from .pack import CodeInterpreterChecks
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "CodeInterpreterChecks needs cdk-nag: pip install 'cdk-code-interpreter[checks]'",
                name=error.name,
            ) from error
        return CodeInterpreterChecks
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
