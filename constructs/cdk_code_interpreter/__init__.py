"""CDK constructs for Amazon Bedrock AgentCore's Code Interpreter."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .code_interpreter import CodeInterpreter
    from .execution_role import ExecutionRole, NoExecutionRole, TrustScope
    from .exports import ParameterStoreExport
    from .grants import CodeInterpreterGrants
    from .imports import SystemCodeInterpreter
    from .interface import ICodeInterpreter
    from .network import NetworkAccess

__all__ = [
    "CodeInterpreter",
    "CodeInterpreterGrants",
    "ExecutionRole",
    "ICodeInterpreter",
    "NetworkAccess",
    "NoExecutionRole",
    "ParameterStoreExport",
    "SystemCodeInterpreter",
    "TrustScope",
]

# A name is imported when it is first used: what an app does not use costs it nothing.
_MODULES = {
    "CodeInterpreter": "code_interpreter",
    "CodeInterpreterGrants": "grants",
    "ExecutionRole": "execution_role",
    "ICodeInterpreter": "interface",
    "NetworkAccess": "network",
    "NoExecutionRole": "execution_role",
    "ParameterStoreExport": "exports",
    "SystemCodeInterpreter": "imports",
    "TrustScope": "execution_role",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f".{_MODULES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
