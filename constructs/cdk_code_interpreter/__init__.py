"""CDK constructs for Amazon Bedrock AgentCore's Code Interpreter."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .checks import CheckLevel, CodeInterpreterChecks
    from .compliance_profile import ComplianceProfile
    from .exports import ParameterStoreExport
    from .governed_code_interpreter import GovernedCodeInterpreter
    from .interface import ICodeInterpreter
    from .interpreter.code_interpreter import CodeInterpreter
    from .interpreter.imported import SystemCodeInterpreter
    from .metrics.metrics import CodeInterpreterMetrics
    from .metrics.series import Operation
    from .network.network_access import NetworkAccess
    from .network.network_mode_rule import NetworkModeRule
    from .network.private_network import PrivateNetwork
    from .observability.alarm_thresholds import AlarmThresholds, Threshold
    from .observability.alarms import CodeInterpreterAlarms
    from .observability.dashboard import CodeInterpreterDashboard
    from .observability.log_delivery import LogDelivery
    from .permissions.access_role import AccessRole
    from .permissions.credential_perimeter import CredentialPerimeter
    from .permissions.execution_role import ExecutionRole, NoExecutionRole, TrustScope
    from .permissions.grants import CodeInterpreterGrants
    from .sessions.canary import Canary
    from .sessions.session_drain import OnDrainFailure, SessionDrain
    from .sessions.session_janitor import SessionJanitor
    from .sessions.session_manager import SessionManager
    from .sessions.session_manager_settings import SessionManagerSettings
    from .sessions.session_policy import Enforcement, SessionPolicy
    from .sessions.smoke_test import SmokeTest

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
    "AccessRole": "permissions.access_role",
    "AlarmThresholds": "observability.alarm_thresholds",
    "Canary": "sessions.canary",
    "CheckLevel": "checks",
    "CodeInterpreter": "interpreter.code_interpreter",
    "CodeInterpreterAlarms": "observability.alarms",
    "CodeInterpreterChecks": "checks",
    "CodeInterpreterDashboard": "observability.dashboard",
    "CodeInterpreterGrants": "permissions.grants",
    "CodeInterpreterMetrics": "metrics.metrics",
    "ComplianceProfile": "compliance_profile",
    "CredentialPerimeter": "permissions.credential_perimeter",
    "Enforcement": "sessions.session_policy",
    "ExecutionRole": "permissions.execution_role",
    "GovernedCodeInterpreter": "governed_code_interpreter",
    "ICodeInterpreter": "interface",
    "LogDelivery": "observability.log_delivery",
    "NetworkAccess": "network.network_access",
    "NetworkModeRule": "network.network_mode_rule",
    "NoExecutionRole": "permissions.execution_role",
    "OnDrainFailure": "sessions.session_drain",
    "Operation": "metrics.series",
    "ParameterStoreExport": "exports",
    "PrivateNetwork": "network.private_network",
    "SessionDrain": "sessions.session_drain",
    "SessionJanitor": "sessions.session_janitor",
    "SessionManager": "sessions.session_manager",
    "SessionManagerSettings": "sessions.session_manager_settings",
    "SessionPolicy": "sessions.session_policy",
    "SmokeTest": "sessions.smoke_test",
    "SystemCodeInterpreter": "interpreter.imported",
    "Threshold": "observability.alarm_thresholds",
    "TrustScope": "permissions.execution_role",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f".{_MODULES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
