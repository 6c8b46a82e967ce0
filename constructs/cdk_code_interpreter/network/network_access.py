"""Where sessions run: the sandbox, the internet, or a VPC of yours.

Modes and their meaning:
https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/code-interpreter-resource-management.html
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_cdk import Stack
from constructs import Construct

from .._arguments.limits import Findings, check_count
from .._arguments.types import (
    FLAG,
    GROUP,
    REMOVAL_POLICY,
    SUBNETS,
    TAGS,
    VPC,
    instance_of,
    list_of,
    wrong_kinds,
)
from .._cdk.stacks import facts_of, outermost_stack
from ._availability_zones import unsupported_zones
from ._subnet_checks import check_subnets

if TYPE_CHECKING:
    from aws_cdk import CfnResource, RemovalPolicy
    from aws_cdk import aws_bedrockagentcore as agentcore
    from aws_cdk import aws_ec2 as ec2

# The API takes at most this many of each.
_MAX_GROUPS = 16
_MAX_SUBNETS = 16
_ZONE_IDS = replace(
    TAGS, words='a dictionary of zones and their ids, such as {"us-east-1a": "use1-az4"}'
)


@dataclass(frozen=True, kw_only=True)
class BoundNetwork:
    """A network access made ready for one interpreter."""

    configuration: agentcore.CodeInterpreterNetworkConfiguration
    behind_references: Callable[[], list[Any]] = list
    """What is known of the resources that the configuration refers to, tokens included."""
    subnets: Sequence[ec2.ISubnet] = ()
    """The subnets of a VPC that sessions run in."""
    is_vpc: bool = False
    """Whether sessions run in subnets of a VPC."""


class NetworkAccess(ABC):
    """What code in a session can reach; give one to `CodeInterpreter`."""

    @staticmethod
    def sandbox() -> NetworkAccess:
        """No internet; Amazon S3 stays reachable, any bucket in the region. The default.

        The execution role's credentials decide which buckets it may use. To keep data from
        leaving through somebody else's bucket, use a VPC whose S3 endpoint names your buckets.
        """
        return _Sandbox()

    @staticmethod
    def public() -> NetworkAccess:
        """The whole internet, for code that nobody reviewed. Adds a warning.

        Security Hub control BedrockAgentCore.7 fails for it
        (https://docs.aws.amazon.com/securityhub/latest/userguide/bedrockagentcore-controls.html).
        """
        return _Public()

    @staticmethod
    def vpc(
        vpc: ec2.IVpc,
        *,
        subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        allow_all_outbound: bool = False,
        security_group_removal_policy: RemovalPolicy | None = None,
        availability_zone_ids: Mapping[str, str] | None = None,
    ) -> NetworkAccess:
        """Network interfaces in your subnets, with what your routes and groups let through.

        Each interpreter gets a security group of its own, without any way out until you open
        one: ``interpreter.connections.allow_to(database, ec2.Port.tcp(5432))``. The service's
        interfaces may hold a group for up to 8 hours after the interpreter is gone
        (https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/agentcore-vpc.html).

        Args:
            vpc: The VPC.
            subnets: Which of its subnets, 1 to 16, private or isolated, best in two or more
                availability zones. Default: CDK's choice, private ones before isolated ones.
            security_groups: 1 to 16 groups to use instead of one of our own. Default: one is
                made.
            allow_all_outbound: Let our own group out to everywhere. Default: no way out.
            security_group_removal_policy: What happens to our own group when it is no longer
                needed. Default: kept where the VPC is not part of the same deployment, since
                the service's interfaces would make its deletion fail; otherwise destroyed.
            availability_zone_ids: Availability zone name to zone id, such as
                ``{"us-east-1a": "use1-az6"}`` (each account has its own mapping; see ``aws ec2
                describe-availability-zones``). The service supports only some zones, by id.
                Default: only ids that the subnets themselves name are checked.

        Raises:
            ValueError: Options that exclude one another, or are of a wrong kind. Subnets, groups
                and zones are checked by the interpreter that is given this.
        """
        problems = wrong_kinds(
            vpc=(vpc, VPC),
            subnets=(subnets, SUBNETS.or_none),
            security_groups=(security_groups, list_of(GROUP).or_none),
            allow_all_outbound=(allow_all_outbound, FLAG),
            security_group_removal_policy=(security_group_removal_policy, REMOVAL_POLICY.or_none),
            availability_zone_ids=(availability_zone_ids, _ZONE_IDS.or_none),
        )
        if problems:
            raise ValueError(f"NetworkAccess.vpc: {'; '.join(problems)}")
        if security_groups is not None and (
            allow_all_outbound or security_group_removal_policy is not None
        ):
            raise ValueError(
                "NetworkAccess.vpc: allow_all_outbound and security_group_removal_policy are for "
                "a security group that is made here, got security_groups as well; set them on "
                "those groups, or leave security_groups out"
            )
        return _Vpc(
            within=vpc,
            subnets=subnets,
            groups=security_groups,
            allow_all_outbound=allow_all_outbound,
            removal_policy=security_group_removal_policy,
            zone_ids=availability_zone_ids or {},
        )

    @abstractmethod
    def _check(self, findings: Findings) -> None:
        """Find what is wrong before anything is made."""

    @abstractmethod
    def _bind(self, scope: Construct, *, retained: bool) -> BoundNetwork:
        """Make what one interpreter needs, below it."""


NETWORK = instance_of(
    NetworkAccess, "NetworkAccess.sandbox(), NetworkAccess.public() or NetworkAccess.vpc(vpc)"
)


class _Sandbox(NetworkAccess):
    def _check(self, findings: Findings) -> None:
        pass

    def _bind(self, scope: Construct, *, retained: bool) -> BoundNetwork:
        return BoundNetwork(configuration=_sandbox_configuration())


@cache
def _sandbox_configuration() -> agentcore.CodeInterpreterNetworkConfiguration:
    from aws_cdk import aws_bedrockagentcore as agentcore

    return agentcore.CodeInterpreterNetworkConfiguration.using_sandbox_network()


class _Public(NetworkAccess):
    def _check(self, findings: Findings) -> None:
        pass

    def _bind(self, scope: Construct, *, retained: bool) -> BoundNetwork:
        from aws_cdk import Annotations
        from aws_cdk import aws_bedrockagentcore as agentcore

        Annotations.of(scope).add_warning_v2(
            "cdk-code-interpreter:publicNetwork",
            "code in the sessions of this interpreter can reach the whole internet, and so can "
            "send out whatever it can read; use NetworkAccess.sandbox() or NetworkAccess.vpc() "
            "unless that is meant",
        )
        configuration = agentcore.CodeInterpreterNetworkConfiguration.using_public_network()
        return BoundNetwork(configuration=configuration)


_VPC_WARNING = (
    "the VPC is deleted together with this interpreter, and the service's network interfaces may "
    "hold its security group and subnets for up to 8 hours after that: deleting the stack can fail "
    "until then; keep the VPC in a stack of its own, keep the group with "
    "security_group_removal_policy=RemovalPolicy.RETAIN, or delete the stack again later"
)


@dataclass(frozen=True)
class _Selected:
    subnets: Sequence[ec2.ISubnet]
    is_pending_lookup: bool


@dataclass(frozen=True, kw_only=True)
class _Vpc(NetworkAccess):
    within: ec2.IVpc
    subnets: ec2.SubnetSelection | None
    groups: Sequence[ec2.ISecurityGroup] | None
    allow_all_outbound: bool
    removal_policy: RemovalPolicy | None
    zone_ids: Mapping[str, str]

    def _selected(self) -> _Selected:
        choice = self.subnets
        if choice is not None and choice.subnets is not None:
            if not choice.subnets and self._select(None).is_pending_lookup:
                # What was chosen of a VPC that is looked up: it has none until then.
                return _Selected((), is_pending_lookup=True)
            # CDK would ask for their zones, which an imported subnet need not know.
            return _Selected(choice.subnets, is_pending_lookup=False)
        selected = self._select(choice)
        return _Selected(selected.subnets, is_pending_lookup=bool(selected.is_pending_lookup))

    def _select(self, choice: ec2.SubnetSelection | None) -> ec2.SelectedSubnets:
        if choice is None:
            return self.within.select_subnets()
        return self.within.select_subnets(
            availability_zones=choice.availability_zones,
            one_per_az=choice.one_per_az,
            subnet_filters=choice.subnet_filters,
            subnet_group_name=choice.subnet_group_name,
            subnet_type=choice.subnet_type,
        )

    def _check(self, findings: Findings) -> None:
        if self.groups is not None:
            check_count(findings, "security_groups", self.groups, _MAX_GROUPS)
        try:
            selected = self._selected()
        except RuntimeError as error:
            findings.add(
                f"subnets selects none of {self.within.node.path}: {error}; pass a selection that "
                "this VPC has"
            )
            return
        if selected.is_pending_lookup:  # the VPC is looked up: these are not its subnets yet
            return
        check_count(findings, "subnets", selected.subnets, _MAX_SUBNETS)
        check_subnets(findings, self.within, selected.subnets)
        for zone in unsupported_zones(selected.subnets, self.zone_ids):
            findings.add(
                f"availability zone {zone.id} (subnet {zone.subnet_path}) is not supported by "
                f"code interpreters, supported there are {', '.join(zone.supported)}; choose "
                "other subnets, for example with "
                "subnets=ec2.SubnetSelection(availability_zones=[...])"
            )

    def _bind(self, scope: Construct, *, retained: bool) -> BoundNetwork:
        from aws_cdk import Annotations
        from aws_cdk import aws_bedrockagentcore as agentcore
        from aws_cdk import aws_ec2 as ec2

        if self._is_deployed_with(scope) and self.removal_policy is None and not retained:
            Annotations.of(scope).add_warning_v2(
                "cdk-code-interpreter:vpcDeletedWithInterpreter", _VPC_WARNING
            )
        scope = Construct(scope, "Network")
        groups = self.groups or [self._own_group(scope, retained=retained)]
        selected = self._selected()
        configuration = agentcore.CodeInterpreterNetworkConfiguration.using_vpc(
            scope,
            vpc=self.within,
            security_groups=groups,
            vpc_subnets=ec2.SubnetSelection(subnets=list(selected.subnets)),
        )
        return BoundNetwork(
            configuration=configuration,
            subnets=selected.subnets,
            is_vpc=True,
            behind_references=lambda: _behind(self.within, groups, selected.subnets),
        )

    def _own_group(self, scope: Construct, *, retained: bool) -> ec2.ISecurityGroup:
        from aws_cdk import RemovalPolicy
        from aws_cdk import aws_ec2 as ec2

        group = ec2.SecurityGroup(
            scope,
            "SecurityGroup",
            vpc=self.within,
            allow_all_outbound=self.allow_all_outbound,
            description="Sessions of a code interpreter",
        )
        policy = self.removal_policy
        if policy is None and (retained or not self._is_deployed_with(scope)):
            policy = RemovalPolicy.RETAIN
        if policy is not None:
            group.apply_removal_policy(policy)
        return group

    def _is_deployed_with(self, scope: Construct) -> bool:
        from aws_cdk import aws_ec2 as ec2

        if not isinstance(self.within.node.default_child, ec2.CfnVPC):
            return False
        theirs, ours = Stack.of(self.within), Stack.of(scope)
        return outermost_stack(theirs) is outermost_stack(ours)


def _behind(
    vpc: ec2.IVpc, groups: Sequence[ec2.ISecurityGroup], subnets: Sequence[ec2.ISubnet]
) -> list[Any]:
    """The create-only properties of what is referred to: a change of them changes the ids."""
    from aws_cdk import aws_ec2 as ec2

    known: list[Any] = []
    for construct in (vpc, *groups, *subnets):
        resource = construct.node.default_child
        if isinstance(resource, ec2.CfnVPC):
            known.append(
                [
                    *facts_of(resource.stack).identity,
                    resource.cidr_block,
                    *_rarely_said(resource, _OF_VPC),
                ]
            )
        elif isinstance(resource, ec2.CfnSecurityGroup):
            named = [resource.group_description, resource.group_name, resource.vpc_id]
            known.append([*facts_of(resource.stack).identity, *named])
        elif isinstance(resource, ec2.CfnSubnet):
            placed = [resource.cidr_block, resource.availability_zone, resource.vpc_id]
            known.append(
                [
                    *facts_of(resource.stack).identity,
                    *placed,
                    *_rarely_said(resource, _OF_SUBNET),
                ]
            )
    return known


# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-vpc.html
_OF_VPC = ("instanceTenancy", "ipv4IpamPoolId", "ipv4NetmaskLength", "vpcEncryptionControl")
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-subnet.html
_OF_SUBNET = (
    "availabilityZoneId",
    "ipv4IpamPoolId",
    "ipv4NetmaskLength",
    "ipv6IpamPoolId",
    "ipv6Native",
    "ipv6NetmaskLength",
    "outpostArn",
)
_USUAL = (None, False, "default")


def _rarely_said(resource: CfnResource, names: Sequence[str]) -> list[dict[str, Any]]:
    """Further create-only properties, where they are said: a name is the same without them."""
    properties = resource._cfn_properties
    said = {name: properties.get(name) for name in names if properties.get(name) not in _USUAL}
    return [said] if said else []
