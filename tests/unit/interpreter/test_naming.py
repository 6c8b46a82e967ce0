"""Names by which CloudFormation can replace an interpreter."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsii
import pytest
from aws_cdk import App, Aspects, CfnResource, IAspect, NestedStack, Stack, Stage, Tags
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from botocore.session import get_session
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from constructs import Construct
from hypothesis import given
from hypothesis import strategies as st

from cdk_code_interpreter import CodeInterpreter, ExecutionRole, NetworkAccess
from cdk_code_interpreter.interpreter._naming import MAX_LABEL, id_digest, label_of, revision_digest
from cdk_code_interpreter.network import network_access

HERE = Path(__file__).parent
API_NAME = re.compile(
    get_session()
    .get_service_model("bedrock-agentcore-control")
    .operation_model("CreateCodeInterpreter")
    .input_shape.members["name"]
    .metadata["pattern"]
)


def name_in(stack: Stack, **arguments: object) -> str:
    interpreter = CodeInterpreter(stack, "Sandbox", drain_on_delete=False, **arguments)
    return stack.resolve(interpreter.code_interpreter_name)


def fresh_stack(name: str = "Analytics") -> Stack:
    return Stack(App(), name)


@pytest.fixture(scope="module")
def plain_name() -> str:
    return name_in(fresh_stack())


def test_the_names_of_every_kind_of_interpreter_are_those_of_the_golden_file() -> None:
    """The algorithm is API: another name replaces everybody's interpreters.

    Run in a process of its own with a hash seed of its own, so that it also shows that names do
    not depend on the process.
    """
    names = subprocess.run(
        [sys.executable, "-W", "error", str(HERE / "naming_app.py")],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONHASHSEED": "random"},
    ).stdout

    assert json.loads(names) == json.loads((HERE / "golden" / "names.json").read_text())


def test_all_golden_names_are_accepted_by_the_service_and_differ() -> None:
    names = json.loads((HERE / "golden" / "names.json").read_text()).values()

    assert len(set(names)) == len(names)
    for name in names:
        assert API_NAME.fullmatch(name)


@given(st.lists(st.text(max_size=60), max_size=6), st.text(min_size=1))
def test_any_construct_path_gives_a_name_that_the_service_accepts(
    path: list[str], stack_name: str
) -> None:
    label = label_of(path)
    name = f"{label}_{id_digest(stack_name, path)}_{revision_digest({'any': path})}"

    assert API_NAME.fullmatch(name)
    assert len(label) <= MAX_LABEL


def test_the_label_reads_like_the_constructs_ids() -> None:
    assert label_of(["Reports", "Sandbox"]) == "Reports_Sandbox"
    assert label_of(["my-sandbox"]) == "my_sandbox"
    assert label_of(["2nd"]) == "ci_2nd"
    assert label_of(["----"]) == "ci"


def test_the_longest_prefix_still_fits(plain_name: str) -> None:
    name = name_in(fresh_stack(), name_prefix="p" * MAX_LABEL)

    assert API_NAME.fullmatch(name)
    assert len(name) == 48


def test_one_app_under_two_stack_names_gives_two_names(plain_name: str) -> None:
    other = name_in(Stack(App(), "Analytics", stack_name="Analytics-blue"))

    assert other.split("_")[1] != plain_name.split("_")[1]


def test_moving_a_stack_below_a_stage_keeps_the_name_while_the_stack_name_stays(
    plain_name: str,
) -> None:
    stage = Stage(App(), "Beta")

    assert name_in(Stack(stage, "Moved", stack_name="Analytics")) == plain_name


def test_interpreters_of_a_nested_stack_are_named_by_the_stack_that_is_deployed() -> None:
    names = set()
    for stack_name in ("Analytics", "Analytics-blue"):
        outer = Stack(App(), "Analytics", stack_name=stack_name)
        inner = NestedStack(NestedStack(outer, "Middle"), "Inner")
        names.add(name_in(inner).rsplit("_", 1)[0])

    assert len(names) == 2


def _vpc(stack: Stack, cidr: str = "10.0.0.0/16") -> ec2.Vpc:
    isolated = ec2.SubnetConfiguration(name="i", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    return ec2.Vpc(
        stack,
        "Vpc",
        max_azs=2,
        nat_gateways=0,
        subnet_configuration=[isolated],
        ip_addresses=ec2.IpAddresses.cidr(cidr),
    )


def _role(stack: Stack, **arguments: object) -> iam.Role:
    principal = iam.ServicePrincipal("bedrock-agentcore.amazonaws.com")
    return iam.Role(stack, "Role", assumed_by=principal, **arguments)


def _changed(stack: Stack, part: str, name: str, value: object) -> NetworkAccess:
    """A network in which the VPC or its subnets have one more property."""
    vpc = _vpc(stack)
    for construct in [vpc] if part == "vpc" else vpc.isolated_subnets:
        resource = construct.node.default_child
        assert isinstance(resource, CfnResource)
        setattr(resource, name, value)
    return NetworkAccess.vpc(vpc)


def _own_group(stack: Stack, **arguments: object) -> NetworkAccess:
    vpc = _vpc(stack)
    group = ec2.SecurityGroup(stack, "Group", vpc=vpc, **arguments)
    return NetworkAccess.vpc(vpc, security_groups=[group])


CREATE_ONLY_CHANGES = {
    "description": lambda stack: {"description": "Other"},
    "network": lambda stack: {"network": NetworkAccess.public()},
    "VPC": lambda stack: {"network": NetworkAccess.vpc(_vpc(stack))},
    "VPC's addresses": lambda stack: {"network": NetworkAccess.vpc(_vpc(stack, "10.1.0.0/16"))},
    **{
        f"{part}'s {name}": lambda stack, part=part, name=name, value=value: {
            "network": _changed(stack, part, name, value)
        }
        for part, name, value in (
            ("vpc", "instance_tenancy", "dedicated"),
            ("vpc", "ipv4_ipam_pool_id", "ipam-pool-0123456789abcdef0"),
            ("vpc", "ipv4_netmask_length", 24),
            ("subnet", "availability_zone_id", "use1-az4"),
            ("subnet", "ipv4_ipam_pool_id", "ipam-pool-0123456789abcdef0"),
            ("subnet", "ipv4_netmask_length", 28),
            ("subnet", "ipv6_ipam_pool_id", "ipam-pool-0123456789abcdef0"),
            ("subnet", "ipv6_native", True),
            ("subnet", "ipv6_netmask_length", 64),
            ("subnet", "outpost_arn", "arn:aws:outposts:us-east-1:111122223333:outpost/op-0"),
        )
    },
    "group": lambda stack: {"network": _own_group(stack)},
    "group's description": lambda stack: {"network": _own_group(stack, description="Other")},
    "group's name": lambda stack: {"network": _own_group(stack, security_group_name="other")},
    "no role": lambda stack: {"execution_role": ExecutionRole.none()},
    "role": lambda stack: {"execution_role": _role(stack)},
    "role's path": lambda stack: {"execution_role": _role(stack, path="/other/")},
    "role's name": lambda stack: {"execution_role": _role(stack, role_name="other")},
    "certificate": lambda stack: {"certificates": [secretsmanager.Secret(stack, "Secret")]},
    "certificate's name": lambda stack: {
        "certificates": [secretsmanager.Secret(stack, "Secret", secret_name="other")]
    },
    "revision": lambda stack: {"name_revision": 1},
    "other revision": lambda stack: {"name_revision": 2},
}


def _override(stack: Stack, interpreter: CodeInterpreter) -> None:
    resource = interpreter.resource.node.default_child
    assert isinstance(resource, CfnResource)
    resource.override_logical_id("Other")


def _rename(stack: Stack, interpreter: CodeInterpreter) -> None:
    resource = interpreter.resource.node.default_child
    assert isinstance(resource, CfnResource)
    stack.rename_logical_id(stack.get_logical_id(resource), "Other")


@pytest.mark.parametrize("nested", [False, True])
def test_another_logical_id_changes_the_name_since_it_is_another_resource(nested: bool) -> None:
    names = []
    for change in (None, _override, _rename):
        outer = fresh_stack()
        stack = NestedStack(outer, "Inner") if nested else outer
        interpreter = CodeInterpreter(Construct(stack, "Team"), "Sandbox", drain_on_delete=False)
        if change is not None:
            change(stack, interpreter)
        names.append(stack.resolve(interpreter.code_interpreter_name))

    usual, overridden, renamed = names
    assert overridden == renamed != usual
    assert usual.rsplit("_", 1)[0] == overridden.rsplit("_", 1)[0]


@pytest.mark.parametrize(
    ("kind", "constant"), [("AWS::EC2::VPC", "_OF_VPC"), ("AWS::EC2::Subnet", "_OF_SUBNET")]
)
def test_every_create_only_property_of_what_is_behind_counts(kind: str, constant: str) -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    create_only = {each.rpartition("/")[2] for each in schema["createOnlyProperties"]}
    always = {"CidrBlock", "AvailabilityZone", "VpcId"}
    rarely = {name[0].upper() + name[1:] for name in getattr(network_access, constant)}
    assert create_only - always <= rarely


def test_every_change_that_replaces_the_interpreter_changes_the_last_part_of_its_name(
    plain_name: str,
) -> None:
    names = {"nothing": plain_name}
    for change, arguments in CREATE_ONLY_CHANGES.items():
        stack = fresh_stack()
        names[change] = name_in(stack, **arguments(stack))

    assert len(set(names.values())) == len(names), names
    assert {name.rsplit("_", 1)[0] for name in names.values()} == {plain_name.rsplit("_", 1)[0]}


@jsii.implements(IAspect)
class _MakePublic:
    def visit(self, node: Construct) -> None:
        if isinstance(node, agentcore.CfnCodeInterpreterCustom):
            node.network_configuration = (
                agentcore.CfnCodeInterpreterCustom.CodeInterpreterNetworkConfigurationProperty(
                    network_mode="PUBLIC"
                )
            )


def test_what_an_aspect_changes_changes_the_name(plain_name: str) -> None:
    stack = fresh_stack()
    CodeInterpreter(stack, "Sandbox", drain_on_delete=False)
    Aspects.of(stack).add(_MakePublic())

    template = stack.node.root.synth().get_stack_by_name("Analytics").template
    (properties,) = [
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::BedrockAgentCore::CodeInterpreterCustom"
    ]

    assert properties["NetworkConfiguration"] == {"NetworkMode": "PUBLIC"}
    assert properties["Name"] != plain_name


def test_tags_and_everything_that_is_updated_in_place_leave_the_name_alone(
    plain_name: str,
) -> None:
    stack = fresh_stack()
    Tags.of(stack).add("team", "analytics")
    boundary = iam.ManagedPolicy.from_aws_managed_policy_name("ReadOnlyAccess")
    iam.PermissionsBoundary.of(stack).apply(boundary)

    assert name_in(stack, tags={"purpose": "reports"}) == plain_name


def test_a_change_elsewhere_in_the_stack_leaves_the_name_alone(plain_name: str) -> None:
    stack = fresh_stack()
    for number in range(3):  # tokens get other numbers
        _role(Stack(stack.node.root, f"Other{number}"))
    CodeInterpreter(stack, "Another", drain_on_delete=False)

    assert name_in(stack) == plain_name


def test_a_role_of_another_stack_counts_by_that_stacks_name() -> None:
    names = set()
    for stack_name in ("Roles", "Roles-blue"):
        app = App()
        role = _role(Stack(app, "Roles", stack_name=stack_name))
        stack = Stack(app, "Analytics")
        names.add(name_in(stack, execution_role=role))

    assert len(names) == 2
