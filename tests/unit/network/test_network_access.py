"""Where sessions run, and what is refused before it fails at deployment."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import NestedStack, RemovalPolicy, Stack, assertions
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_ec2 as ec2

from cdk_code_interpreter import CodeInterpreter, NetworkAccess

TYPE = "AWS::BedrockAgentCore::CodeInterpreterCustom"
ISOLATED = ec2.SubnetType.PRIVATE_ISOLATED


def vpc_in(
    stack: Stack, *, kinds: tuple[ec2.SubnetType, ...] = (ISOLATED,), zones: int = 2
) -> ec2.Vpc:
    return ec2.Vpc(
        stack,
        "Vpc",
        max_azs=zones,
        nat_gateways=0,
        subnet_configuration=[
            ec2.SubnetConfiguration(name=kind.value, subnet_type=kind) for kind in kinds
        ],
    )


def imported_vpc(stack: Stack, *, zone: str = "eu-west-1a") -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        stack,
        "Imported",
        vpc_id="vpc-12345678",
        availability_zones=[zone],
        private_subnet_ids=["subnet-12345678"],
    )


def plain(
    stack: Stack, network: NetworkAccess | None = None, construct_id: str = "Sandbox", **more: Any
) -> CodeInterpreter:
    return CodeInterpreter(stack, construct_id, network=network, drain_on_delete=False, **more)


@pytest.fixture
def network_of(synthesize: Any, resources: Any) -> Any:
    def read(stack: Stack) -> dict[str, Any]:
        (interpreter, *_) = resources(synthesize(stack), TYPE)
        configuration: dict[str, Any] = interpreter["Properties"]["NetworkConfiguration"]
        return configuration

    return read


def warnings(stack: Stack) -> list[str]:
    found = assertions.Annotations.from_stack(stack).find_warning(
        "*", assertions.Match.string_like_regexp("cdk-code-interpreter:")
    )
    return [str(warning.entry.data) for warning in found]


def test_the_sandbox_is_the_default_and_warns_of_nothing(stack: Stack, network_of: Any) -> None:
    plain(stack)

    assert network_of(stack) == {"NetworkMode": "SANDBOX"}
    assert warnings(stack) == []


def test_the_internet_has_to_be_asked_for_and_warns(stack: Stack, network_of: Any) -> None:
    plain(stack, NetworkAccess.public())

    assert network_of(stack) == {"NetworkMode": "PUBLIC"}
    (warning,) = warnings(stack)
    assert "[ack: cdk-code-interpreter:publicNetwork]" in warning


def test_a_vpc_gets_all_its_isolated_subnets_and_a_group_without_a_way_out(
    stack: Stack, synthesize: Any, resources: Any
) -> None:
    plain(stack, NetworkAccess.vpc(vpc_in(stack)))
    template = synthesize(stack)

    (interpreter,) = resources(template, TYPE)
    configuration = interpreter["Properties"]["NetworkConfiguration"]
    assert configuration["NetworkMode"] == "VPC"
    assert len(configuration["VpcConfig"]["Subnets"]) == 2
    (group,) = resources(template, "AWS::EC2::SecurityGroup")
    (rule,) = group["Properties"]["SecurityGroupEgress"]
    assert rule["CidrIp"] == "255.255.255.255/32"  # CDK's way to write no way out
    assert "SecurityGroupIngress" not in group["Properties"]


def test_private_subnets_are_chosen_before_isolated_ones(stack: Stack, network_of: Any) -> None:
    private = ec2.SubnetType.PRIVATE_WITH_EGRESS
    vpc = vpc_in(stack, kinds=(private, ISOLATED), zones=1)
    plain(stack, NetworkAccess.vpc(vpc))

    (subnet,) = network_of(stack)["VpcConfig"]["Subnets"]
    assert "PRIVATEWITHEGRESS" in subnet["Ref"]


def test_a_way_out_can_be_opened_altogether_or_rule_by_rule(
    stack: Stack, synthesize: Any, resources: Any
) -> None:
    vpc = vpc_in(stack)
    plain(stack, NetworkAccess.vpc(vpc, allow_all_outbound=True), "Open")
    one = plain(stack, NetworkAccess.vpc(vpc), "One")
    one.connections.allow_to(ec2.Peer.ipv4("10.0.0.0/8"), ec2.Port.tcp(5432))
    template = synthesize(stack)

    rules = [
        group["Properties"]["SecurityGroupEgress"]
        for group in resources(template, "AWS::EC2::SecurityGroup")
    ]
    assert [rule["CidrIp"] for (rule,) in rules] == ["0.0.0.0/0", "10.0.0.0/8"]


def test_several_interpreters_of_one_scope_share_a_network_access(
    stack: Stack, synthesize: Any, resources: Any
) -> None:
    access = NetworkAccess.vpc(vpc_in(stack))
    for construct_id in ("Reports", "Charts", "Drafts"):
        plain(stack, access, construct_id)
    template = synthesize(stack)

    assert len(resources(template, "AWS::EC2::SecurityGroup")) == 3
    groups = [
        interpreter["Properties"]["NetworkConfiguration"]["VpcConfig"]["SecurityGroups"]
        for interpreter in resources(template, TYPE)
    ]
    assert len({str(group) for group in groups}) == 3


def test_groups_of_yours_are_used_and_none_is_made(
    stack: Stack, synthesize: Any, resources: Any
) -> None:
    vpc = vpc_in(stack)
    groups = [ec2.SecurityGroup(stack, f"Group{n}", vpc=vpc) for n in range(2)]
    interpreter = plain(stack, NetworkAccess.vpc(vpc, security_groups=groups))
    template = synthesize(stack)

    assert len(resources(template, "AWS::EC2::SecurityGroup")) == 2
    assert [g.node.path for g in interpreter.connections.security_groups] == [
        g.node.path for g in groups
    ]


@pytest.mark.parametrize(
    ("owned", "choice", "expected"),
    [
        (True, None, None),
        (False, None, "Retain"),
        (False, RemovalPolicy.DESTROY, "Delete"),
        (True, RemovalPolicy.RETAIN, "Retain"),
    ],
)
def test_a_group_in_a_vpc_that_lives_on_is_kept_unless_chosen_otherwise(
    stack: Stack,
    synthesize: Any,
    resources: Any,
    owned: bool,
    choice: RemovalPolicy | None,
    expected: str | None,
) -> None:
    vpc = vpc_in(stack) if owned else imported_vpc(stack)
    plain(stack, NetworkAccess.vpc(vpc, security_group_removal_policy=choice))

    (group,) = resources(synthesize(stack), "AWS::EC2::SecurityGroup")
    assert group.get("DeletionPolicy") == expected
    assert group.get("UpdateReplacePolicy") == expected


def test_a_vpc_of_another_stack_lives_on_and_one_of_the_same_nest_does_not(
    new_app: Any, synthesize: Any, resources: Any
) -> None:
    app = new_app()
    elsewhere = Stack(app, "Elsewhere")
    plain(elsewhere, NetworkAccess.vpc(vpc_in(Stack(app, "Network"))))
    nest = Stack(app, "Nest")
    plain(nest, NetworkAccess.vpc(vpc_in(NestedStack(nest, "Network"))))

    (kept,) = resources(synthesize(elsewhere), "AWS::EC2::SecurityGroup")
    (destroyed,) = resources(synthesize(nest), "AWS::EC2::SecurityGroup")
    assert kept["DeletionPolicy"] == "Retain"
    assert "DeletionPolicy" not in destroyed


def refused(stack: Stack, network: NetworkAccess) -> str:
    before = len(stack.node.find_all())
    with pytest.raises(ValueError, match=r"^Analytics/Sandbox: ") as got:
        plain(stack, network)
    assert len(stack.node.find_all()) == before, "something was made before the check"
    return str(got.value)


def test_public_subnets_are_refused(stack: Stack) -> None:
    vpc = vpc_in(stack, kinds=(ec2.SubnetType.PUBLIC, ISOLATED))
    choice = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)

    error = refused(stack, NetworkAccess.vpc(vpc, subnets=choice))

    assert "Analytics/Vpc/PUBLICSubnet1" in error
    assert "PRIVATE_ISOLATED" in error


def test_a_public_subnet_that_is_named_one_by_one_is_refused_too(stack: Stack) -> None:
    vpc = vpc_in(stack, kinds=(ec2.SubnetType.PUBLIC, ISOLATED))
    choice = ec2.SubnetSelection(subnets=[vpc.isolated_subnets[0], vpc.public_subnets[0]])

    assert "must be private" in refused(stack, NetworkAccess.vpc(vpc, subnets=choice))


def test_a_vpc_of_public_subnets_only_is_refused(stack: Stack) -> None:
    vpc = vpc_in(stack, kinds=(ec2.SubnetType.PUBLIC,))

    assert "must be private or isolated" in refused(stack, NetworkAccess.vpc(vpc))


def test_a_selection_that_the_vpc_does_not_have_is_refused(stack: Stack) -> None:
    choice = ec2.SubnetSelection(subnet_group_name="Missing")

    error = refused(stack, NetworkAccess.vpc(vpc_in(stack), subnets=choice))

    assert "subnets selects none of Analytics/Vpc" in error
    assert "Missing" in error


@pytest.mark.parametrize("count", [0, 17])
def test_a_number_of_groups_that_the_service_does_not_take_is_refused(
    stack: Stack, count: int
) -> None:
    vpc = vpc_in(stack)
    groups = [
        ec2.SecurityGroup.from_security_group_id(stack, f"Group{n}", f"sg-{n:08}")
        for n in range(count)
    ]

    error = refused(stack, NetworkAccess.vpc(vpc, security_groups=groups))

    assert f"security_groups must be 1 to 16, got {count}" in error


def test_more_subnets_than_the_service_takes_are_refused(stack: Stack) -> None:
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Imported",
        vpc_id="vpc-12345678",
        availability_zones=["eu-west-1a"],
        isolated_subnet_ids=[f"subnet-{n:08}" for n in range(17)],
    )

    assert "subnets must be 1 to 16, got 17" in refused(stack, NetworkAccess.vpc(vpc))


def test_a_zone_that_the_mapping_shows_as_unsupported_is_refused(stack: Stack) -> None:
    vpc = imported_vpc(stack, zone="us-east-1a")
    access = NetworkAccess.vpc(vpc, availability_zone_ids={"us-east-1a": "use1-az3"})

    error = refused(stack, access)

    assert "use1-az3" in error
    assert "use1-az1, use1-az2, use1-az4" in error


def test_a_subnet_that_names_its_zone_by_id_is_checked(stack: Stack) -> None:
    vpc = vpc_in(stack, zones=1)
    (subnet,) = vpc.isolated_subnets
    resource = subnet.node.default_child
    assert isinstance(resource, ec2.CfnSubnet)
    resource.availability_zone_id = "apne1-az3"

    assert "apne1-az3" in refused(stack, NetworkAccess.vpc(vpc))


def test_a_subnet_whose_zone_is_not_known_is_let_through(stack: Stack) -> None:
    subnets = [
        ec2.Subnet.from_subnet_attributes(stack, "Subnet", subnet_id="subnet-12345678"),
        ec2.Subnet.from_subnet_attributes(
            stack, "Other", subnet_id="subnet-12345679", availability_zone="us-east-1b"
        ),
    ]
    access = NetworkAccess.vpc(
        imported_vpc(stack),
        subnets=ec2.SubnetSelection(subnets=subnets),
        availability_zone_ids={"us-east-1a": "use1-az3"},
    )

    assert plain(stack, access).connections.security_groups


def test_several_findings_come_in_one_error(stack: Stack) -> None:
    vpc = vpc_in(stack, kinds=(ec2.SubnetType.PUBLIC,))

    error = refused(stack, NetworkAccess.vpc(vpc, security_groups=[]))

    assert "2 arguments are wrong" in error


def test_options_for_a_group_of_ours_do_not_go_with_groups_of_yours(stack: Stack) -> None:
    vpc = vpc_in(stack)
    group = ec2.SecurityGroup(stack, "Group", vpc=vpc)

    with pytest.raises(ValueError, match="leave security_groups out"):
        NetworkAccess.vpc(vpc, security_groups=[group], allow_all_outbound=True)
    with pytest.raises(ValueError, match="leave security_groups out"):
        NetworkAccess.vpc(
            vpc, security_groups=[group], security_group_removal_policy=RemovalPolicy.DESTROY
        )


def test_a_vpc_that_is_still_to_be_looked_up_is_let_through(new_app: Any) -> None:
    stack = Stack(new_app(), "Analytics", env={"account": "111122223333", "region": "eu-west-1"})
    vpc = ec2.Vpc.from_lookup(stack, "Vpc", vpc_id="vpc-12345678")

    assert plain(stack, NetworkAccess.vpc(vpc)).connections.security_groups


def test_what_is_chosen_of_a_vpc_that_is_still_to_be_looked_up_is_let_through(
    new_app: Any,
) -> None:
    """Else the CLI never learns what to look up."""
    app = new_app()
    stack = Stack(app, "Analytics", env={"account": "111122223333", "region": "eu-west-1"})
    vpc = ec2.Vpc.from_lookup(stack, "Vpc", vpc_id="vpc-12345678")
    chosen = vpc.select_subnets(subnet_group_name="App").subnets
    plain(stack, NetworkAccess.vpc(vpc, subnets=ec2.SubnetSelection(subnets=chosen)))

    manifest = json.loads((Path(app.synth().directory) / "manifest.json").read_text())
    assert [each["provider"] for each in manifest["missing"]] == ["vpc-provider"]


def test_no_subnets_of_a_vpc_that_is_known_are_refused(stack: Stack) -> None:
    with pytest.raises(ValueError, match="subnets must be 1 to 16, got 0"):
        plain(stack, NetworkAccess.vpc(vpc_in(stack), subnets=ec2.SubnetSelection(subnets=[])))


def test_without_a_vpc_there_are_no_groups_to_open(stack: Stack) -> None:
    with pytest.raises(ValueError, match=r"Analytics/Sandbox: .*NetworkAccess.vpc"):
        _ = plain(stack).connections


def test_an_l2_in_a_vpc_has_its_groups(stack: Stack) -> None:
    configuration = agentcore.CodeInterpreterNetworkConfiguration.using_vpc(
        stack, vpc=vpc_in(stack)
    )
    l2 = agentcore.CodeInterpreterCustom(stack, "Plain", network_configuration=configuration)

    assert CodeInterpreter.from_l2(l2).connections.security_groups
