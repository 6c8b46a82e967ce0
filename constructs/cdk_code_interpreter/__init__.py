"""CDK constructs for Amazon Bedrock AgentCore's Code Interpreter."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._series import Operation
    from .access_role import AccessRole
    from .alarm_thresholds import AlarmThresholds, Threshold
    from .alarms import CodeInterpreterAlarms
    from .canary import Canary
    from .checks import CheckLevel, CodeInterpreterChecks
    from .code_interpreter import CodeInterpreter
    from .compliance import ComplianceProfile
    from .credential_perimeter import CredentialPerimeter
    from .dashboard import CodeInterpreterDashboard
    from .execution_role import ExecutionRole, NoExecutionRole, TrustScope
    from .exports import ParameterStoreExport
    from .governed import GovernedCodeInterpreter
    from .grants import CodeInterpreterGrants
    from .imports import SystemCodeInterpreter
    from .interface import ICodeInterpreter
    from .log_delivery import LogDelivery
    from .metrics import CodeInterpreterMetrics
    from .network import NetworkAccess
    from .network_mode_rule import NetworkModeRule
    from .private_network import PrivateNetwork
    from .session_drain import OnDrainFailure, SessionDrain
    from .session_janitor import SessionJanitor
    from .session_manager import SessionManager
    from .session_policy import Enforcement, SessionPolicy
    from .session_settings import SessionManagerSettings
    from .smoke_test import SmokeTest

__all__ = [
    "AccessRole",
    "AlarmThresholds",
    "Canary",
    "CheckLevel",
    "CodeInterpreter",
    "CodeInterpreterAlarms",
    "CodeInterpreterChecks",
    "CodeInterpreterDashboard",
    "CodeInterpreterGrants",
    "CodeInterpreterMetrics",
    "ComplianceProfile",
    "CredentialPerimeter",
    "Enforcement",
    "ExecutionRole",
    "GovernedCodeInterpreter",
    "ICodeInterpreter",
    "LogDelivery",
    "NetworkAccess",
    "NetworkModeRule",
    "NoExecutionRole",
    "OnDrainFailure",
    "Operation",
    "ParameterStoreExport",
    "PrivateNetwork",
    "SessionDrain",
    "SessionJanitor",
    "SessionManager",
    "SessionManagerSettings",
    "SessionPolicy",
    "SmokeTest",
    "SystemCodeInterpreter",
    "Threshold",
    "TrustScope",
]

# A name is imported when it is first used: what an app does not use costs it nothing.
_MODULES = {
    "AccessRole": "access_role",
    "AlarmThresholds": "alarm_thresholds",
    "Canary": "canary",
    "CheckLevel": "checks",
    "CodeInterpreter": "code_interpreter",
    "CodeInterpreterAlarms": "alarms",
    "CodeInterpreterChecks": "checks",
    "CodeInterpreterDashboard": "dashboard",
    "CodeInterpreterGrants": "grants",
    "CodeInterpreterMetrics": "metrics",
    "ComplianceProfile": "compliance",
    "CredentialPerimeter": "credential_perimeter",
    "Enforcement": "session_policy",
    "ExecutionRole": "execution_role",
    "GovernedCodeInterpreter": "governed",
    "ICodeInterpreter": "interface",
    "LogDelivery": "log_delivery",
    "NetworkAccess": "network",
    "NetworkModeRule": "network_mode_rule",
    "NoExecutionRole": "execution_role",
    "OnDrainFailure": "session_drain",
    "Operation": "_series",
    "ParameterStoreExport": "exports",
    "PrivateNetwork": "private_network",
    "SessionDrain": "session_drain",
    "SessionJanitor": "session_janitor",
    "SessionManager": "session_manager",
    "SessionManagerSettings": "session_settings",
    "SessionPolicy": "session_policy",
    "SmokeTest": "smoke_test",
    "SystemCodeInterpreter": "imports",
    "Threshold": "alarm_thresholds",
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
