"""What the server's administration can see and change of CloudFormation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agentcore_local.cloudformation import faults
from agentcore_local.cloudformation.custom_resource_requests import requests
from agentcore_local.cloudformation.deployment import unfinished

Handler = Callable[[dict[str, Any]], Any]


def routes() -> dict[tuple[str, str], Handler]:
    """The administration's routes for CloudFormation, by method and path."""
    return {
        ("GET", "cloudformation/requests"): lambda _body: {"requests": requests.seen()},
        ("POST", "cloudformation/settings"): _change_settings,
        ("DELETE", "cloudformation/settings"): _reset_settings,
    }


def reset() -> None:
    """Forget every request and failed deployment, and go back to the settings of the start."""
    requests.clear()
    unfinished.clear()
    faults.settings.reset()


def _change_settings(body: dict[str, Any]) -> dict[str, Any]:
    faults.settings.change(**body)
    return {}


def _reset_settings(_body: dict[str, Any]) -> dict[str, Any]:
    faults.settings.reset()
    return {}
