"""Network interfaces of interpreters in a VPC, and what they keep from being deleted.

The service shares one interface between the interpreters of one subnet and one set of security
groups, and may keep it for hours after the last of them:
https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/agentcore-vpc.html
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation.resource_kinds import ResourceFailed
from agentcore_local.resource_types.acting import account_caller
from agentcore_local.service.backend import Caller
from agentcore_local.service.behavior import ServiceBehavior
from agentcore_local.service.faults import Faults

FAULT = "network_interfaces_stay"
_TAG = {"Key": "AmazonBedrockAgentCoreManaged", "Value": "true"}
_GUARDED = {"AWS::EC2::SecurityGroup": "GroupId", "AWS::EC2::Subnet": "SubnetId"}
_OPERATIONS = {"DeleteSecurityGroup": "GroupId", "DeleteSubnet": "SubnetId"}

Key = tuple[str, str, str, tuple[str, ...]]


class Service(Protocol):
    """What is needed of the code interpreter service."""

    behavior: ServiceBehavior
    faults: Faults

    def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Any operation of the control plane."""
        ...


@dataclass
class _Interface:
    identifier: str
    unused_since: float | None = None


class NetworkInterfaces:
    """Keeps an interface for every subnet and set of groups that interpreters use.

    Args:
        service: the code interpreter service.
        now: the clock that says how long an interface has been unused.
    """

    def __init__(self, service: Service, now: Callable[[], float]) -> None:
        self._service = service
        self._now = now
        self._interfaces: dict[Key, _Interface] = {}

    def install(self) -> None:
        """Let EC2 show the interfaces, and refuse to delete what they hold."""
        ec2 = ministack.service_module("ec2")
        describe = ec2._ACTION_MAP["DescribeNetworkInterfaces"]

        def describe_settled(parameters: Any) -> Any:
            self.settle()
            return describe(parameters)

        ec2._ACTION_MAP["DescribeNetworkInterfaces"] = describe_settled
        for operation, member in _OPERATIONS.items():
            ec2._ACTION_MAP[operation] = self._guarded(ec2._ACTION_MAP[operation], member)
        for resource_type in _GUARDED:
            handlers = ministack.provisioners._RESOURCE_HANDLERS[resource_type]
            handlers["delete"] = self._guarded_delete(handlers["delete"])

    def check(self, vpc: Mapping[str, Any]) -> None:
        """Check that the subnets and security groups of a template's `VpcConfig` are there.

        Raises:
            ResourceFailed: one of them is not.
        """
        ec2 = ministack.service_module("ec2")
        ec2._ensure_defaults_initialized()
        for kind, member, store in (
            ("subnet", "Subnets", ec2._subnets),
            ("security group", "SecurityGroups", ec2._security_groups),
        ):
            for identifier in vpc.get(member, []):
                if identifier not in store:
                    raise ResourceFailed(
                        f"The {kind} '{identifier}' does not exist (HandlerErrorCode: "
                        "InvalidRequest)"
                    )

    def settle(self) -> None:
        """Attach what interpreters need now, and let go what has been unused for long enough."""
        needed = set(self._needed())
        for key in needed:
            interface = self._interfaces.get(key)
            if interface is None or not _exists(interface.identifier):
                self._interfaces[key] = _Interface(_attach(key))
            else:
                interface.unused_since = None
        account, region = _here()
        for key, interface in list(self._interfaces.items()):
            if key[:2] == (account, region) and key not in needed:
                self._let_go(key, interface)

    def holder(self, identifier: str) -> str | None:
        """What keeps a security group or a subnet from being deleted, or None."""
        self.settle()
        ec2 = ministack.service_module("ec2")
        for interface in ec2._network_interfaces.values():
            groups = [group["GroupId"] for group in interface.get("Groups", [])]
            if identifier in (interface.get("SubnetId"), *groups):
                return str(interface["NetworkInterfaceId"])
        for endpoint in ec2._vpc_endpoints.values():
            if identifier in (*endpoint.get("SecurityGroupIds", ()), *_subnets_of(endpoint)):
                return str(endpoint["VpcEndpointId"])
        for other, group in ec2._security_groups.items():
            if other != identifier and identifier in _referenced(group):
                return str(other)
        return None

    def _needed(self) -> Iterator[Key]:
        account, region = _here()
        for network in self._networks():
            vpc = network.get("vpcConfig") or {}
            for subnet in vpc.get("subnets", []):
                yield account, region, subnet, tuple(sorted(vpc["securityGroups"]))

    def _networks(self) -> Iterator[Mapping[str, Any]]:
        caller, token = account_caller(), None
        while True:
            params = {"type": "CUSTOM", "maxResults": 100}
            if token is not None:
                params["nextToken"] = token
            page = self._service.call("ListCodeInterpreters", params, caller)
            for summary in page["codeInterpreterSummaries"]:
                yield summary.get("networkConfiguration") or {}
            token = page.get("nextToken")
            if token is None:
                return

    def _let_go(self, key: Key, interface: _Interface) -> None:
        if interface.unused_since is None:
            interface.unused_since = self._now()
        if self._service.faults.lasting(FAULT):
            return
        outlives = self._service.behavior.network_interfaces_outlive_seconds
        if self._now() - interface.unused_since >= outlives:
            ministack.service_module("ec2")._network_interfaces.pop(interface.identifier, None)
            del self._interfaces[key]

    def _guarded(self, operation: Any, member: str) -> Any:
        def call(parameters: Any) -> Any:
            identifier = (parameters.get(member) or [""])[0]
            if self.holder(identifier):
                ec2 = ministack.service_module("ec2")
                return ec2._error("DependencyViolation", _refusal(identifier), 400)
            return operation(parameters)

        return call

    def _guarded_delete(self, delete: Any) -> Any:
        def call(physical_id: str, properties: Any) -> Any:
            holder = self.holder(physical_id)
            if holder:
                raise ResourceFailed(
                    f"{_refusal(physical_id)} (Service: Ec2, Status Code: 400, Error: "
                    f"DependencyViolation; it is {holder})"
                )
            return delete(physical_id, properties)

        return call


def _refusal(identifier: str) -> str:
    return f"resource {identifier} has a dependent object"


def _here() -> tuple[str, str]:
    return str(ministack.responses.get_account_id()), str(ministack.responses.get_region())


def _exists(identifier: str) -> bool:
    return identifier in ministack.service_module("ec2")._network_interfaces


def _subnets_of(endpoint: Mapping[str, Any]) -> list[str]:
    return list(endpoint.get("SubnetIds") or [])


def _referenced(group: Mapping[str, Any]) -> set[str]:
    rules = [*group.get("IpPermissions", []), *group.get("IpPermissionsEgress", [])]
    return {
        pair["GroupId"]
        for rule in rules
        for pair in rule.get("UserIdGroupPairs") or []
        if "GroupId" in pair
    }


def _attach(key: Key) -> str:
    account, region, subnet_id, groups = key
    ec2 = ministack.service_module("ec2")
    subnet = ec2._subnets.get(subnet_id) or {}
    identifier = f"eni-{secrets.token_hex(9)[:17]}"
    names = {group: (ec2._security_groups.get(group) or {}).get("GroupName") for group in groups}
    ec2._network_interfaces[identifier] = {
        "NetworkInterfaceId": identifier,
        "SubnetId": subnet_id,
        "VpcId": subnet.get("VpcId", ""),
        "AvailabilityZone": subnet.get("AvailabilityZone", f"{region}a"),
        "Description": "Amazon Bedrock AgentCore network interface",
        "OwnerId": account,
        "Status": "in-use",
        "PrivateIpAddress": ec2._random_ip("10.0"),
        "InterfaceType": "interface",
        "SourceDestCheck": True,
        "MacAddress": "02:" + ":".join(secrets.token_hex(1) for _ in range(5)),
        "Groups": [{"GroupId": group, "GroupName": name or ""} for group, name in names.items()],
        "Attachment": None,
    }
    ec2._tags[identifier] = [_TAG]
    return identifier
