"""Checks of code interpreters, of this library or not: as a cdk-nag pack, and on template files."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .catalog import RULES, find, guard_rules
    from .model import CheckLevel, Finding, Rule
    from .pack import CodeInterpreterChecks
    from .template import Template, Templates, read_templates

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

# A name is imported when it is first used: constructs read templates without loading the rules.
_MODULES = {
    "RULES": "catalog",
    "CheckLevel": "model",
    "CodeInterpreterChecks": "pack",
    "Finding": "model",
    "Rule": "model",
    "Template": "template",
    "Templates": "template",
    "find": "catalog",
    "guard_rules": "catalog",
    "read_templates": "template",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f".{_MODULES[name]}", __name__)
    except ModuleNotFoundError as error:
        # cdk-nag is an extra: only the pack needs it.
        raise ModuleNotFoundError(
            f"{name} needs cdk-nag: pip install 'cdk-code-interpreter[checks]'", name=error.name
        ) from error
    value: object = getattr(module, name)
    globals()[name] = value
    return value
