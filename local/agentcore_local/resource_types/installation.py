"""Registers the resource types."""

from __future__ import annotations

from collections.abc import Callable

from agentcore_local.cloudformation import faults
from agentcore_local.cloudformation.resource_kinds import ANY_OTHER, TypeHandlers, register_kind
from agentcore_local.resource_types import (
    boundaries,
    code_interpreter,
    default_security_group,
    functions,
    log_delivery,
    rules,
    schedules,
    secret,
)
from agentcore_local.resource_types.agent_runtime import Runtime
from agentcore_local.resource_types.api_types import ApiType
from agentcore_local.resource_types.code_interpreter import CodeInterpreterType
from agentcore_local.resource_types.composite_alarm import CompositeAlarm
from agentcore_local.resource_types.default_security_group import DefaultSecurityGroup
from agentcore_local.resource_types.governance import ConfigRule, Trail
from agentcore_local.resource_types.log_delivery import (
    Delivery,
    DeliveryDestination,
    DeliverySource,
)
from agentcore_local.resource_types.names import keep_filled_buckets, refuse_taken_name
from agentcore_local.resource_types.network import ElasticIp, FlowLog, NatGateway
from agentcore_local.resource_types.network_interfaces import FAULT as NETWORK_INTERFACES_STAY
from agentcore_local.resource_types.network_interfaces import NetworkInterfaces
from agentcore_local.resource_types.policy_delay import PolicyDelay
from agentcore_local.resource_types.recorded_types import recorded_types
from agentcore_local.resource_types.security_group_rules import SecurityGroupRule
from agentcore_local.service.faults import Faults
from agentcore_local.service.service import CodeInterpreterService

_REPEATED = "custom_resource_repeated"


def install(service: CodeInterpreterService, *, now: Callable[[], float]) -> None:
    """Let templates use the resource types of this package.

    Args:
        service: the code interpreter service.
        now: the clock of this AWS.
    """
    interfaces = NetworkInterfaces(service, now)
    interfaces.install()
    register_kind(code_interpreter.TYPE, CodeInterpreterType(service, interfaces))
    code_interpreter.SCHEMA.register()
    register_kind(ANY_OTHER, TypeHandlers(refuse_taken_name))
    register_kind(default_security_group.TYPE, DefaultSecurityGroup())
    keep_filled_buckets()
    for kind in api_types():
        register_kind(kind.schema.name, kind)
        kind.schema.register()
    for module in (boundaries, functions, schedules, rules, secret):
        module.install()
    log_delivery.install(second_source_conflicts=service.behavior.second_delivery_source_conflicts)
    PolicyDelay(service.faults, now).install()
    _declare_faults(service.faults)


def _declare_faults(known: Faults) -> None:
    known.declare(
        NETWORK_INTERFACES_STAY,
        "network interfaces hold their security group and subnet after the last interpreter",
    )
    known.declare(
        _REPEATED,
        "a custom resource's event is delivered `times` (default 3) times; `operation` is a glob "
        "over the request types, `resource` over the logical ids",
        options=["times"],
    )

    def times(request_type: str, logical_id: str) -> int:
        fault = known.strike(_REPEATED, request_type, logical_id)
        return 1 if fault is None else int(fault.options.get("times", 3))

    faults.settings.deliveries = times


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
