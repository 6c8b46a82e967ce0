"""A network out of which there is no way, but to what was named."""

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from aws_cdk import App, Environment, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from cdk_code_interpreter import CodeInterpreter
from cdk_code_interpreter.network.network_access import NetworkAccess
from cdk_code_interpreter.network.private_network import PrivateNetwork

Template = dict[str, Any]
Resources = Callable[[Mapping[str, Any], str], list[dict[str, Any]]]
STS = ec2.InterfaceVpcEndpointAwsService.STS

# As the documentation lists them for two regions, one of which has no zone 3.
ZONES = {"us-east-1": {"use1-az1", "use1-az2", "use1-az4"}, "eu-west-1": {"euw1-az1", "euw1-az2"}}


@pytest.fixture(scope="module")
def template(new_app: Callable[..., App], synthesize: Callable[[Stack], Template]) -> Template:
    """A network with one allowed bucket, one endpoint for sessions, and an interpreter in it."""
    stack = Stack(new_app(), "Network", env=Environment(account="111122223333", region="eu-west-1"))
    network = PrivateNetwork(
        stack,
        "Private",
        allowed_buckets=[s3.Bucket.from_bucket_name(stack, "Data", "data")],
        session_endpoints=[STS],
        encryption_key=kms.Key(stack, "Key"),
    )
    CodeInterpreter(stack, "Sandbox", network=network.network_access(), drain_on_delete=False)
    return synthesize(stack)


def endpoint(template: Template, words: str) -> dict[str, Any]:
    """The endpoint whose logical id has these words."""
    (found,) = (
        resource["Properties"]
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::EC2::VPCEndpoint" and words in logical_id
    )
    return found


def passes(policy: Any, action: str, resource: str = "*", account: str = "111122223333") -> bool:
    """Whether an endpoint's policy lets a call through, by MiniStack's evaluator."""
    context = EvalContext(
        principal_arn=f"arn:aws:iam::{account}:role/sandbox",
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region="eu-west-1",
    )
    return bool(evaluate(context, [parse_policy_document(policy)]).decision == "Allow")


@pytest.fixture
def s3_of_sessions(template: Template, deployed: Callable[[Any, Any], Any]) -> Any:
    return deployed(endpoint(template, "SessionsS3")["PolicyDocument"], template)


@pytest.fixture
def s3_of_functions(template: Template, deployed: Callable[[Any, Any], Any]) -> Any:
    return deployed(endpoint(template, "FunctionsS3")["PolicyDocument"], template)


ANSWERS = "arn:aws:s3:::cloudformation-custom-resource-response-euwest1/some-answer"


def test_sessions_reach_the_allowed_bucket(s3_of_sessions: Any) -> None:
    assert passes(s3_of_sessions, "s3:PutObject", "arn:aws:s3:::data/report.csv")
    assert passes(s3_of_sessions, "s3:ListBucket", "arn:aws:s3:::data")


@pytest.mark.parametrize(
    ("action", "resource", "account"),
    [
        ("s3:PutObject", "arn:aws:s3:::other/report.csv", "111122223333"),
        ("s3:PutObject", "arn:aws:s3:::data-2/report.csv", "111122223333"),
        ("s3:ListAllMyBuckets", "*", "111122223333"),
        ("s3:CreateBucket", "arn:aws:s3:::data", "111122223333"),
        ("s3:PutBucketPolicy", "arn:aws:s3:::data", "111122223333"),
        ("s3:PutObject", "arn:aws:s3:::data/report.csv", "999988887777"),
        ("s3:PutObject", ANSWERS, "111122223333"),
    ],
    ids=["other bucket", "like name", "list", "create", "policy", "other account", "answers"],
)
def test_sessions_reach_nothing_else_in_s3(
    action: str, resource: str, account: str, s3_of_sessions: Any
) -> None:
    assert not passes(s3_of_sessions, action, resource, account)


def test_functions_answer_cloudformation_whoever_signed(s3_of_functions: Any) -> None:
    assert passes(s3_of_functions, "s3:PutObject", ANSWERS, account="999988887777")


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", ANSWERS),
        ("s3:PutObject", "arn:aws:s3:::data/report.csv"),
        ("s3:PutObject", "arn:aws:s3:::cloudformation-custom-resource-response-euwest2/answer"),
    ],
)
def test_functions_reach_nothing_else_in_s3(
    action: str, resource: str, s3_of_functions: Any
) -> None:
    assert not passes(s3_of_functions, action, resource)


def test_no_route_table_leads_to_both_s3_endpoints(template: Template) -> None:
    tables = [
        {table["Ref"] for table in endpoint(template, words)["RouteTableIds"]}
        for words in ("SessionsS3", "FunctionsS3")
    ]
    assert all(tables)
    assert not tables[0] & tables[1]


def test_endpoints_let_principals_of_the_account_through_and_no_others(template: Template) -> None:
    policy = endpoint(template, "StsEndpoint")["PolicyDocument"]
    assert passes(policy, "sts:GetCallerIdentity")
    assert not passes(policy, "sts:GetCallerIdentity", account="999988887777")


def test_there_is_no_way_to_the_internet(template: Template, resources: Resources) -> None:
    for kind in ("InternetGateway", "NatGateway", "EgressOnlyInternetGateway", "Route"):
        assert resources(template, f"AWS::EC2::{kind}") == []
    subnets = resources(template, "AWS::EC2::Subnet")
    assert not any(subnet["Properties"].get("MapPublicIpOnLaunch") for subnet in subnets)


def test_an_interpreter_gets_the_sessions_subnets_and_group(template: Template) -> None:
    (interpreter,) = (
        resource["Properties"]["NetworkConfiguration"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::BedrockAgentCore::CodeInterpreterCustom"
    )
    assert interpreter["NetworkMode"] == "VPC"
    assert all("Sessions" in each["Ref"] for each in interpreter["VpcConfig"]["Subnets"])
    (group,) = interpreter["VpcConfig"]["SecurityGroups"]
    assert "SessionsGroup" in group["Fn::GetAtt"][0]


def rules(template: Template, group: str, direction: str) -> list[dict[str, Any]]:
    (found,) = (
        resource["Properties"].get(f"SecurityGroup{direction}", [])
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::EC2::SecurityGroup" and group in logical_id
    )
    return found


def reach(rule: Mapping[str, Any], addresses: str) -> bool:
    network = ipaddress.IPv4Network(addresses)
    return network.subnet_of(ipaddress.IPv4Network(rule["CidrIp"]))


def cidrs(template: Template, words: str) -> list[str]:
    return [
        resource["Properties"]["CidrBlock"]
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::EC2::Subnet" and words in logical_id
    ]


def test_sessions_reach_the_endpoints_that_they_may_and_no_others(template: Template) -> None:
    for subnet in cidrs(template, "Sessions"):
        assert any(reach(rule, subnet) for rule in rules(template, "StsEndpoint", "Ingress"))
        for other in ("BedrockAgentcoreEndpoint", "CloudformationEndpoint"):
            assert not any(reach(rule, subnet) for rule in rules(template, other, "Ingress"))


def test_functions_reach_what_they_call(template: Template) -> None:
    services = {
        resource["Properties"]["ServiceName"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::EC2::VPCEndpoint"
        and resource["Properties"]["VpcEndpointType"] == "Interface"
    }
    root = "com.amazonaws.eu-west-1"
    called = ("bedrock-agentcore", "bedrock-agentcore-control", "cloudformation")
    assert services == {f"{root}.sts", *(f"{root}.{name}" for name in called)}
    for subnet in cidrs(template, "Functions"):
        for name in ("BedrockAgentcoreEndpoint", "CloudformationEndpoint"):
            assert any(reach(rule, subnet) for rule in rules(template, name, "Ingress"))


def test_nobody_reaches_sessions(template: Template, resources: Resources) -> None:
    assert rules(template, "SessionsGroup", "Ingress") == []
    assert resources(template, "AWS::EC2::SecurityGroupIngress") == []


def test_groups_are_deleted_before_the_ways_that_their_users_need(template: Template) -> None:
    # Rules of a resource of their own could be deleted while the drain still runs.
    (group,) = (
        resource
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::EC2::SecurityGroup" and "FunctionsGroup" in logical_id
    )
    kinds = {template["Resources"][name]["Type"] for name in group["DependsOn"]}
    assert {"AWS::EC2::VPCEndpoint", "AWS::EC2::SubnetRouteTableAssociation"} <= kinds
    assert not any("SecurityGroupEgress" in r["Type"] for r in template["Resources"].values())


def test_the_default_group_is_closed_and_traffic_is_logged(
    template: Template, resources: Resources
) -> None:
    assert len(resources(template, "Custom::VpcRestrictDefaultSG")) == 1
    (flow_log,) = resources(template, "AWS::EC2::FlowLog")
    assert flow_log["Properties"]["TrafficType"] == "ALL"
    group = template["Resources"][flow_log["Properties"]["LogGroupName"]["Ref"]]["Properties"]
    assert group["RetentionInDays"] == 365
    assert "KmsKeyId" in group


@pytest.mark.parametrize("region", ZONES)
def test_zones_are_those_that_the_service_supports(
    region: str,
    new_app: Callable[..., App],
    synthesize: Callable[[Stack], Template],
    resources: Resources,
) -> None:
    env = Environment(account="111122223333", region=region)
    stack = Stack(new_app(), "Network", env=env)
    PrivateNetwork(stack, "Private", max_azs=len(ZONES[region]))
    subnets = resources(synthesize(stack), "AWS::EC2::Subnet")
    assert {s["Properties"]["AvailabilityZoneId"] for s in subnets} == ZONES[region]
    assert not any("AvailabilityZone" in s["Properties"] for s in subnets)


def test_a_stack_without_a_region_finds_zones_when_it_is_deployed(
    stack: Stack, synthesize: Callable[[Stack], Template], resources: Resources
) -> None:
    PrivateNetwork(stack, "Private", max_azs=3)
    template = synthesize(stack)
    (mapping,) = template["Mappings"].values()
    for subnet in resources(template, "AWS::EC2::Subnet"):
        _, region, zone = subnet["Properties"]["AvailabilityZoneId"]["Fn::FindInMap"]
        assert region == {"Ref": "AWS::Region"}
        assert mapping["us-east-1"][zone] in ZONES["us-east-1"]


def test_without_buckets_sessions_reach_no_s3(
    stack: Stack, synthesize: Callable[[Stack], Template]
) -> None:
    PrivateNetwork(stack, "Private")
    template = synthesize(stack)
    assert not any("SessionsS3" in name for name in template["Resources"])
    out = rules(template, "SessionsGroup", "Egress")
    assert [rule["CidrIp"] for rule in out] == ["255.255.255.255/32"]


def test_a_prefix_list_narrows_the_sessions_group(
    stack: Stack, synthesize: Callable[[Stack], Template], resources: Resources
) -> None:
    bucket = s3.Bucket.from_bucket_name(stack, "Data", "data")
    PrivateNetwork(stack, "Private", allowed_buckets=[bucket], s3_prefix_list_id="pl-0123")
    template = synthesize(stack)
    # Without a rule of its own the group would begin with one that lets everything out.
    inline = rules(template, "SessionsGroup", "Egress")
    assert [rule["CidrIp"] for rule in inline] == ["127.0.0.1/32"]
    (rule,) = resources(template, "AWS::EC2::SecurityGroupEgress")
    assert rule["Properties"]["DestinationPrefixListId"] == "pl-0123"
    assert rule["Properties"]["FromPort"] == 443


def test_retained_everything_stays(stack: Stack, synthesize: Callable[[Stack], Template]) -> None:
    PrivateNetwork(stack, "Private", removal_policy=RemovalPolicy.RETAIN)
    template = synthesize(stack)
    kept = {"AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::SecurityGroup", "AWS::EC2::VPCEndpoint"}
    for resource in template["Resources"].values():
        if resource["Type"] in kept:
            assert resource["DeletionPolicy"] == "Retain"


def test_the_functions_settings_put_them_beside_their_endpoints(stack: Stack) -> None:
    network = PrivateNetwork(stack, "Private")
    settings = network.session_manager_settings()
    assert settings.vpc is network.vpc
    assert list(settings.security_groups or []) == [network.function_security_group]
    assert isinstance(network.network_access(), NetworkAccess)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"max_azs": 4}, "max_azs must be 1 to 3, got 4"),
        ({"ip_addresses": "10.0.0.0/26"}, "must be /16 to /25"),
        ({"ip_addresses": "10.0.0.1/24"}, "must be a network in CIDR notation"),
        ({"s3_prefix_list_id": "pl-0123"}, "s3_prefix_list_id opens the way to allowed_buckets"),
    ],
)
def test_what_cannot_be_is_refused(arguments: dict[str, Any], expected: str, stack: Stack) -> None:
    with pytest.raises(ValueError, match=f"Analytics/Private: .*{expected}"):
        PrivateNetwork(stack, "Private", **arguments)


def test_a_region_without_supported_zones_is_refused(new_app: Callable[..., App]) -> None:
    env = Environment(account="111122223333", region="us-west-1")
    stack = Stack(new_app(), "Network", env=env)
    with pytest.raises(ValueError, match="no availability zone of region 'us-west-1'"):
        PrivateNetwork(stack, "Private")


@pytest.mark.parametrize("addresses", ["10.0.0.0/25", "10.8.0.0/16"])
def test_subnets_fit_into_the_network(
    addresses: str, stack: Stack, synthesize: Callable[[Stack], Template], resources: Resources
) -> None:
    PrivateNetwork(stack, "Private", ip_addresses=addresses, max_azs=3)
    blocks = [
        ipaddress.IPv4Network(subnet["Properties"]["CidrBlock"])
        for subnet in resources(synthesize(stack), "AWS::EC2::Subnet")
    ]
    assert len(blocks) == 6
    assert all(block.subnet_of(ipaddress.IPv4Network(addresses)) for block in blocks)
    assert all(block.prefixlen <= 28 for block in blocks)


def test_an_imported_key_warns_with_the_statement_that_its_policy_needs(
    new_app: Callable[..., App],
) -> None:
    from aws_cdk.assertions import Annotations, Match

    stack = Stack(new_app(), "Network")
    key = kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:111122223333:key/example")
    PrivateNetwork(stack, "Private", encryption_key=key)
    Annotations.from_stack(stack).has_warning(
        "/Network/Private", Match.string_like_regexp("kms:EncryptionContext:aws:logs:arn")
    )
