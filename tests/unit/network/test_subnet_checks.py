"""Subnets that are public by any route, or another VPC's, are refused."""

from collections.abc import Callable

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam

from cdk_code_interpreter import CodeInterpreter, CredentialPerimeter, NetworkAccess, PrivateNetwork

from ..apps import QUICK

ISOLATED = ec2.SubnetConfiguration(name="isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
PUBLIC = ec2.SubnetConfiguration(name="public", subnet_type=ec2.SubnetType.PUBLIC)


@pytest.fixture
def stack() -> Stack:
    return Stack(App(analytics_reporting=False, **QUICK), "Analytics")


@pytest.fixture
def vpc(stack: Stack) -> ec2.Vpc:
    return ec2.Vpc(stack, "Vpc", max_azs=1, nat_gateways=0, subnet_configuration=[ISOLATED, PUBLIC])


def place(stack: Stack, vpc: ec2.IVpc, *subnets: ec2.ISubnet) -> CodeInterpreter:
    chosen = ec2.SubnetSelection(subnets=list(subnets))
    return CodeInterpreter(
        stack, "Sandbox", network=NetworkAccess.vpc(vpc, subnets=chosen), drain_on_delete=False
    )


def public_subnet(stack: Stack, vpc: ec2.Vpc) -> ec2.ISubnet:
    return ec2.PublicSubnet(
        stack, "Own", availability_zone="a", cidr_block="10.0.250.0/24", vpc_id=vpc.vpc_id
    )


def mapped(stack: Stack, vpc: ec2.Vpc) -> ec2.ISubnet:
    return ec2.Subnet(
        stack,
        "Mapped",
        availability_zone="a",
        cidr_block="10.0.250.0/24",
        vpc_id=vpc.vpc_id,
        map_public_ip_on_launch=True,
    )


def of_its_own_vpc(stack: Stack, vpc: ec2.Vpc) -> ec2.ISubnet:
    return vpc.public_subnets[0]


def of_an_imported_vpc(stack: Stack, vpc: ec2.Vpc) -> ec2.ISubnet:
    return ec2.Vpc.from_vpc_attributes(
        stack,
        "Imported",
        vpc_id="vpc-1",
        availability_zones=["a"],
        public_subnet_ids=["subnet-1"],
    ).public_subnets[0]


@pytest.mark.parametrize("make", [public_subnet, mapped, of_its_own_vpc, of_an_imported_vpc])
def test_a_public_subnet_is_refused(
    stack: Stack, vpc: ec2.Vpc, make: Callable[[Stack, ec2.Vpc], ec2.ISubnet]
) -> None:
    with pytest.raises(ValueError, match="subnets must be private or isolated, got public ones"):
        place(stack, vpc, make(stack, vpc))


def test_subnets_of_another_vpc_are_refused(stack: Stack, vpc: ec2.Vpc) -> None:
    other = ec2.Vpc(stack, "Other", max_azs=1, nat_gateways=0, subnet_configuration=[ISOLATED])
    with pytest.raises(ValueError, match=r"got subnets of another one \(Analytics/Other/"):
        place(stack, vpc, other.isolated_subnets[0])


def test_subnets_of_a_vpc_with_the_same_ids_in_another_stack_are_refused(
    stack: Stack, vpc: ec2.Vpc
) -> None:
    elsewhere = Stack(stack.node.scope, "Elsewhere")  # type: ignore[arg-type]
    other = ec2.Vpc(elsewhere, "Vpc", max_azs=1, nat_gateways=0, subnet_configuration=[ISOLATED])
    with pytest.raises(ValueError, match=r"got subnets of another one \(Elsewhere/"):
        place(stack, vpc, other.isolated_subnets[0])


def test_a_subnet_of_the_vpc_by_its_id_passes(stack: Stack, vpc: ec2.Vpc) -> None:
    place(stack, vpc, ec2.Subnet.from_subnet_id(stack, "Imported", "subnet-0123"))
    place_own = ec2.Subnet(
        stack, "Own", availability_zone="a", cidr_block="10.0.9.0/24", vpc_id=vpc.vpc_id
    )
    CodeInterpreter(
        stack,
        "Second",
        network=NetworkAccess.vpc(vpc, subnets=ec2.SubnetSelection(subnets=[place_own])),
    )


def test_a_route_to_the_internet_that_is_added_later_is_found(stack: Stack, vpc: ec2.Vpc) -> None:
    place(stack, vpc, vpc.isolated_subnets[0])
    subnet = vpc.isolated_subnets[0]
    assert vpc.internet_gateway_id is not None
    ec2.CfnRoute(
        stack,
        "Route",
        route_table_id=subnet.route_table.route_table_id,
        destination_cidr_block="0.0.0.0/0",
        gateway_id=vpc.internet_gateway_id,
    )
    with pytest.raises(RuntimeError, match="has a route to an internet gateway"):
        app_of(stack).synth()


def app_of(stack: Stack) -> App:
    root = stack.node.root
    assert isinstance(root, App)
    return root


@pytest.mark.parametrize("service", ["s3", "s3express", "s3-global.accesspoint"])
def test_an_endpoint_of_sessions_cannot_open_every_bucket(stack: Stack, service: str) -> None:
    endpoint = ec2.InterfaceVpcEndpointAwsService(service)
    with pytest.raises(ValueError, match="session_endpoints cannot hold S3"):
        PrivateNetwork(stack, "Network", session_endpoints=[endpoint])


def test_a_perimeter_around_a_sandbox_is_refused(stack: Stack, vpc: ec2.Vpc) -> None:
    sandbox = CodeInterpreter(stack, "Sandbox")
    assert sandbox.execution_role is not None
    CredentialPerimeter(stack, "Perimeter", role=sandbox.execution_role, vpc=vpc)
    with pytest.raises(RuntimeError, match="is used by Analytics/Sandbox, outside of a VPC"):
        app_of(stack).synth()


def test_a_perimeter_around_an_interpreter_in_a_vpc_passes(stack: Stack, vpc: ec2.Vpc) -> None:
    role = iam.Role.from_role_arn(stack, "Role", "arn:aws:iam::111122223333:role/agent")
    private = place(stack, vpc, vpc.isolated_subnets[0])
    assert private.execution_role is not None
    CredentialPerimeter(stack, "Perimeter", role=private.execution_role, vpc=vpc)
    CredentialPerimeter(stack, "Unused", role=role, vpc=vpc)
    app_of(stack).synth()
