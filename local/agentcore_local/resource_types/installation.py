"""Registers the resource types."""

from __future__ import annotations

from agentcore_local.cloudformation.resource_kinds import register_kind
from agentcore_local.resource_types import code_interpreter, functions, rules, schedules
from agentcore_local.resource_types.agent_runtime import Runtime
from agentcore_local.resource_types.api_types import ApiType
from agentcore_local.resource_types.code_interpreter import CodeInterpreters, CodeInterpreterType
from agentcore_local.resource_types.composite_alarm import CompositeAlarm
from agentcore_local.resource_types.governance import ConfigRule, Trail
from agentcore_local.resource_types.log_delivery import (
    Delivery,
    DeliveryDestination,
    DeliverySource,
)
from agentcore_local.resource_types.network import ElasticIp, FlowLog, NatGateway
from agentcore_local.resource_types.recorded_types import recorded_types
from agentcore_local.resource_types.security_group_rules import SecurityGroupRule


def install(service: CodeInterpreters) -> None:
    """Let templates use the resource types of this package.

    Args:
        service: the code interpreter service.
    """
    register_kind(code_interpreter.TYPE, CodeInterpreterType(service))
    code_interpreter.SCHEMA.register()
    for kind in api_types():
        register_kind(kind.schema.name, kind)
        kind.schema.register()
    for module in (functions, schedules, rules):
        module.install()


def api_types() -> list[ApiType]:
    """Every type on top of a service's operations, and those that are only recorded."""
    return [
        SecurityGroupRule("Ingress"),
        SecurityGroupRule("Egress"),
        FlowLog(),
        ElasticIp(),
        NatGateway(),
        CompositeAlarm(),
        DeliverySource(),
        DeliveryDestination(),
        Delivery(),
        ConfigRule(),
        Trail(),
        Runtime(),
        *recorded_types(),
    ]
