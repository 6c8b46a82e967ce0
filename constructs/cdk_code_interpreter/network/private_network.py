"""A VPC for code interpreters, without any way to the internet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aws_cdk import CfnResource, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from .._arguments.limits import Findings
from .._arguments.types import (
    BUCKET,
    KEY,
    REMOVAL_POLICY,
    RETENTION,
    TEXT,
    WHOLE_NUMBER,
    check_kinds,
    list_of,
    with_member,
)
from .._cdk.construct_tree import Component
from .._cdk.key_policies import logs_key_statement, use_key
from ..sessions.session_manager_settings import SessionManagerSettings
from ._endpoint_policies import allow_account, allow_buckets, allow_cloudformation_answers
from ._flow_logs import add_flow_logs
from ._isolated_vpc import check_vpc, isolated_vpc
from .network_access import NetworkAccess

if TYPE_CHECKING:
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3

_SERVICE = with_member("short_name", "one of ec2.InterfaceVpcEndpointAwsService, such as STS")
_SESSIONS, _FUNCTIONS = "Sessions", "Functions"
# What the session functions call: sessions, interpreters, and the stack whose state a smoke test
# asks for. Logs, traces and dead letters leave a function through Lambda, not through its VPC.
_ALWAYS_REACHABLE = ("bedrock-agentcore", "bedrock-agentcore-control", "cloudformation")


class PrivateNetwork(Component):
    """A VPC whose interpreters reach the buckets and endpoints that you name, and nothing else.

    Isolated subnets in availability zones that the service supports, for sessions and, apart from
    them, for the functions that manage sessions; a default security group without rules; flow
    logs. Sessions get a group that lets nothing out but HTTPS to what is allowed, and an S3
    endpoint whose policy names the allowed buckets. The functions get endpoints of their own:
    the bucket that CloudFormation reads their answers from is open to them and not to sessions.

    The service's network interfaces may stay for up to 8 hours after an interpreter is gone
    (https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/agentcore-vpc.html), and hold
    subnets and group so long: deleting this too soon fails with ``DependencyViolation``. Define
    it in a stack that outlives its interpreters, or retain it and delete it by hand later.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        allowed_buckets: Sequence[s3.IBucket] = (),
        session_endpoints: Sequence[ec2.InterfaceVpcEndpointAwsService] = (),
        function_endpoints: Sequence[ec2.InterfaceVpcEndpointAwsService] = (),
        ip_addresses: str = "10.0.0.0/24",
        max_azs: int = 2,
        s3_prefix_list_id: str | None = None,
        encryption_key: kms.IKey | None = None,
        flow_log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        removal_policy: RemovalPolicy = RemovalPolicy.DESTROY,
    ) -> None:
        """Define the network.

        Args:
            scope: Where to define it.
            construct_id: Its id in that scope.
            allowed_buckets: Buckets whose objects code in sessions can read, list, write and
                delete, as far as the execution role may; their versions and tags are out of
                reach. Default: S3 is out of reach.
            session_endpoints: Services that code in sessions can reach, such as
                ``ec2.InterfaceVpcEndpointAwsService.STS``. Default: none.
            function_endpoints: Services that the session functions can reach, beside
                ``bedrock-agentcore``, ``bedrock-agentcore-control`` and ``cloudformation``, which
                they always can. Default: no others.
            ip_addresses: Addresses of the VPC in CIDR notation, /16 to /25.
                Default: ``10.0.0.0/24``.
            max_azs: Number of availability zones, 1 to 3. Default: 2.
            s3_prefix_list_id: Id of the region's managed prefix list ``com.amazonaws.REGION.s3``;
                sessions' HTTPS is then limited to it by their security group as well. Default:
                HTTPS to any address, of which routes lead to S3 and the endpoints only; no HTTPS
                at all without allowed buckets.
            encryption_key: Encrypts the flow logs. Default: a key that AWS owns.
            flow_log_retention: How long flow logs are kept. Default: a year.
            removal_policy: What happens to all of this with the stack. Default: it is deleted,
                which can fail while the service's interfaces are there.

        Raises:
            ValueError: An argument is out of range, or the region has no supported zone.
        """
        check_kinds(
            scope,
            construct_id,
            allowed_buckets=(allowed_buckets, list_of(BUCKET)),
            session_endpoints=(session_endpoints, list_of(_SERVICE)),
            function_endpoints=(function_endpoints, list_of(_SERVICE)),
            ip_addresses=(ip_addresses, TEXT),
            max_azs=(max_azs, WHOLE_NUMBER),
            s3_prefix_list_id=(s3_prefix_list_id, TEXT.or_none),
            flow_log_retention=(flow_log_retention, RETENTION),
            encryption_key=(encryption_key, KEY.or_none),
            removal_policy=(removal_policy, REMOVAL_POLICY),
        )
        findings = Findings(scope, construct_id)
        check_vpc(findings, ip_addresses, max_azs, Stack.of(scope).region)
        if s3_prefix_list_id is not None and not allowed_buckets:
            findings.add(
                "s3_prefix_list_id opens the way to allowed_buckets, got none; name them, or leave "
                "it out"
            )
        if any(_is_s3(each) for each in session_endpoints):
            findings.add(
                "session_endpoints cannot hold S3: its interface endpoint lets sessions reach "
                "every bucket that their role may use, past the policy of allowed_buckets; leave "
                "it out, and name the buckets in allowed_buckets"
            )
        findings.raise_if_any()
        super().__init__(scope, construct_id)
        self.vpc = isolated_vpc(
            self,
            ip_addresses=ip_addresses,
            max_azs=max_azs,
            subnet_groups=(_SESSIONS, _FUNCTIONS),
        )
        self.session_subnets = ec2.SubnetSelection(subnet_group_name=_SESSIONS)
        self.function_subnets = ec2.SubnetSelection(subnet_group_name=_FUNCTIONS)
        self.session_security_group = self._group(_SESSIONS, "Sessions of code interpreters")
        self.function_security_group = self._group(
            _FUNCTIONS, "Functions that manage code interpreter sessions"
        )
        self._open_s3(allowed_buckets, s3_prefix_list_id)
        self._define_endpoints(session_endpoints, function_endpoints)
        self._outlive_users()
        self.flow_logs = self._define_flow_logs(encryption_key, flow_log_retention)
        if removal_policy is not RemovalPolicy.DESTROY:
            self._retain(removal_policy)

    def network_access(self) -> NetworkAccess:
        """What to give to `CodeInterpreter(network=...)`."""
        return NetworkAccess.vpc(
            self.vpc, subnets=self.session_subnets, security_groups=[self.session_security_group]
        )

    def session_manager_settings(self) -> SessionManagerSettings:
        """What to give to `SessionManager.of`, with other options by `dataclasses.replace`."""
        return SessionManagerSettings(
            vpc=self.vpc,
            vpc_subnets=self.function_subnets,
            security_groups=[self.function_security_group],
        )

    def _group(self, construct_id: str, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            self,
            f"{construct_id}Group",
            vpc=self.vpc,
            description=description,
            allow_all_outbound=False,
        )

    def _open_s3(self, buckets: Sequence[s3.IBucket], prefix_list_id: str | None) -> None:
        to_s3 = ec2.Peer.prefix_list(prefix_list_id) if prefix_list_id else ec2.Peer.any_ipv4()
        if buckets:
            self._s3_endpoint(
                self.session_subnets, allow_buckets(Stack.of(self), buckets), _SESSIONS
            )
            self.session_security_group.add_egress_rule(to_s3, _https(), "Allowed buckets")
            if prefix_list_id:
                # A rule to a prefix list is a resource of its own, and a group that is made
                # without a rule begins with one that lets everything out.
                nowhere = ec2.Peer.ipv4("127.0.0.1/32")
                self.session_security_group.add_egress_rule(nowhere, _https(), "Nowhere")
        self._s3_endpoint(
            self.function_subnets, allow_cloudformation_answers(Stack.of(self)), _FUNCTIONS
        )
        self.function_security_group.add_egress_rule(
            ec2.Peer.any_ipv4(), _https(), "Endpoints, and S3 for answers to CloudFormation"
        )

    def _s3_endpoint(
        self, subnets: ec2.SubnetSelection, allowed: iam.PolicyStatement, construct_id: str
    ) -> None:
        endpoint = ec2.GatewayVpcEndpoint(
            self,
            f"{construct_id}S3",
            vpc=self.vpc,
            service=ec2.GatewayVpcEndpointAwsService.S3,
            subnets=[subnets],
        )
        endpoint.add_to_policy(allowed)

    def _define_endpoints(
        self,
        of_sessions: Sequence[ec2.InterfaceVpcEndpointAwsService],
        of_functions: Sequence[ec2.InterfaceVpcEndpointAwsService],
    ) -> None:
        """One endpoint for each service: its private name is the same in the whole VPC."""
        kind = ec2.InterfaceVpcEndpointAwsService
        always = [kind(name) for name in _ALWAYS_REACHABLE]
        callers: dict[str, list[ec2.SubnetSelection]] = {}
        services = {}
        for subnets, wanted in (
            (self.function_subnets, [*always, *of_functions]),
            (self.session_subnets, of_sessions),
        ):
            for service in wanted:
                services[service.short_name] = service
                known = callers.setdefault(service.short_name, [])
                if subnets not in known:
                    known.append(subnets)
        for name in sorted(services):
            self._define_endpoint(name, services[name], callers[name])
        if of_sessions:
            for subnet in self._select(self.function_subnets):
                peer = ec2.Peer.ipv4(subnet.ipv4_cidr_block)
                self.session_security_group.add_egress_rule(peer, _https(), "Endpoints")

    def _define_endpoint(
        self,
        name: str,
        service: ec2.InterfaceVpcEndpointAwsService,
        callers: Sequence[ec2.SubnetSelection],
    ) -> None:
        words = "".join(word.capitalize() for word in re.split(r"[^a-z0-9]+", name))
        group = self._group(f"{words}Endpoint", f"Endpoint of {name}")
        for selection in callers:
            for subnet in self._select(selection):
                # By address and not by group: rules between groups are resources of their own,
                # which a deletion may remove before the drain has run.
                group.add_ingress_rule(ec2.Peer.ipv4(subnet.ipv4_cidr_block), _https())
        endpoint = self.vpc.add_interface_endpoint(
            f"{words}Endpoint",
            service=service,
            subnets=self.function_subnets,
            security_groups=[group],
            open=False,
        )
        endpoint.add_to_policy(allow_account(Stack.of(self)))

    def _select(self, selection: ec2.SubnetSelection) -> Sequence[ec2.ISubnet]:
        return self.vpc.select_subnets(subnet_group_name=selection.subnet_group_name).subnets

    def _outlive_users(self) -> None:
        """Keep routes and endpoints until who uses the groups is gone.

        A drain that runs here reaches its service, and answers CloudFormation, through them.
        """
        ways = [
            construct
            for construct in self.node.find_all()
            if isinstance(construct, ec2.VpcEndpoint | ec2.Subnet)
        ]
        for group in (self.session_security_group, self.function_security_group):
            group.node.add_dependency(*ways)

    def _define_flow_logs(
        self, key: kms.IKey | None, retention: logs.RetentionDays
    ) -> logs.LogGroup:
        group = logs.LogGroup(
            self,
            "FlowLogs",
            retention=retention,
            encryption_key=key,
            removal_policy=RemovalPolicy.DESTROY,
        )
        if key is not None:
            use_key(self, key, logs_key_statement(Stack.of(self)))
        add_flow_logs(self.vpc, group)
        return group

    def _retain(self, removal_policy: RemovalPolicy) -> None:
        for construct in self.node.find_all():
            if isinstance(construct, CfnResource):
                construct.apply_removal_policy(removal_policy)


def _https() -> ec2.Port:
    return ec2.Port.tcp(443)


def _is_s3(service: ec2.InterfaceVpcEndpointAwsService) -> bool:
    # s3, s3-global.accesspoint and s3express are ways to the same buckets.
    return service.short_name.startswith("s3") and not service.short_name.startswith("s3-outposts")
