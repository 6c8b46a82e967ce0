"""Registers the resource types."""

from __future__ import annotations

from agentcore_local.cloudformation.resource_kinds import register_kind
from agentcore_local.resource_types import code_interpreter, functions, rules, schedules
from agentcore_local.resource_types.code_interpreter import CodeInterpreters, CodeInterpreterType


def install(service: CodeInterpreters) -> None:
    """Let templates use the resource types of this package.

    Args:
        service: the code interpreter service.
    """
    register_kind(code_interpreter.TYPE, CodeInterpreterType(service))
    code_interpreter.SCHEMA.register({})
    for module in (functions, schedules, rules):
        module.install()
