"""The two profiles, and what is said of what was given."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Annotations, Match

from cdk_code_interpreter import (
    ComplianceProfile,
    GovernedCodeInterpreter,
    PrivateNetwork,
)

KEY_ARN = "arn:aws:kms:eu-west-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef"


def given_vpc(stack: Stack) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-0123456789abcdef0",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        private_subnet_ids=["subnet-0123456789abcdef0", "subnet-0fedcba9876543210"],
    )


@pytest.fixture
def strict_template(stack: Stack, synthesize: Any) -> dict[str, Any]:
    profile = ComplianceProfile.strict(vpc=given_vpc(stack), key=kms.Key(stack, "Key"))
    GovernedCodeInterpreter(stack, "Sandbox", profile=profile)
    result: dict[str, Any] = synthesize(stack)
    return result


def test_strict_puts_everything_into_the_vpc(
    strict_template: dict[str, Any], resources: Any
) -> None:
    (interpreter,) = resources(strict_template, "AWS::BedrockAgentCore::CodeInterpreterCustom")
    assert interpreter["Properties"]["NetworkConfiguration"]["NetworkMode"] == "VPC"
    functions = resources(strict_template, "AWS::Lambda::Function")
    assert functions
    for function in functions:
        properties = function["Properties"]
        assert properties["VpcConfig"]["SubnetIds"]
        assert properties["KmsKeyArn"]
        assert properties["DeadLetterConfig"]
        assert properties["TracingConfig"] == {"Mode": "Active"}
        assert properties["ReservedConcurrentExecutions"] == 2


def test_strict_encrypts_topic_queue_and_logs(
    strict_template: dict[str, Any], resources: Any
) -> None:
    for kind, key in (
        ("AWS::SNS::Topic", "KmsMasterKeyId"),
        ("AWS::SQS::Queue", "KmsMasterKeyId"),
        ("AWS::Logs::LogGroup", "KmsKeyId"),
    ):
        found = resources(strict_template, kind)
        assert found
        assert all(key in each["Properties"] for each in found)


def test_an_owned_key_lets_logs_and_alarms_use_it(
    strict_template: dict[str, Any], resources: Any, deployed: Any
) -> None:
    (key,) = resources(strict_template, "AWS::KMS::Key")
    statements = deployed(key["Properties"]["KeyPolicy"], strict_template)["Statement"]
    services = [each["Principal"].get("Service") for each in statements]
    # Once each, however many log groups and topics there are.
    assert sorted(filter(None, services)) == [
        "cloudwatch.amazonaws.com",
        "logs.eu-west-1.amazonaws.com",
    ]
    assert all("Condition" in each for each in statements if "Service" in each["Principal"])


def test_an_imported_key_warns_with_the_statements(new_app: Callable[..., App]) -> None:
    stack = Stack(new_app(), "Analytics")
    key = kms.Key.from_key_arn(stack, "Key", KEY_ARN)
    profile = ComplianceProfile.strict(vpc=given_vpc(stack), key=key)
    GovernedCodeInterpreter(stack, "Sandbox", profile=profile)
    for service in ("cloudwatch.amazonaws.com", "logs."):
        Annotations.from_stack(stack).has_warning("*", Match.string_like_regexp(service))


def test_the_statements_for_a_key_are_given_for_the_stack_that_has_the_key(
    new_app: Callable[..., App], synthesize: Any, resources: Any, deployed: Any
) -> None:
    stack = Stack(new_app(), "Keys")
    key = kms.Key(stack, "Key")
    for statement in ComplianceProfile.key_policy_statements():
        key.add_to_resource_policy(statement)
    template = synthesize(stack)
    (resource,) = resources(template, "AWS::KMS::Key")
    policy = json.dumps(deployed(resource["Properties"]["KeyPolicy"], template))
    assert "arn:aws:logs:eu-west-1:111122223333:log-group:*" in policy
    assert '"aws:SourceAccount": "111122223333"' in policy


def test_a_given_vpc_warns_of_what_must_be_reached(new_app: Callable[..., App]) -> None:
    stack = Stack(new_app(), "Analytics")
    profile = ComplianceProfile.strict(vpc=given_vpc(stack), key=kms.Key(stack, "Key"))
    GovernedCodeInterpreter(stack, "Sandbox", profile=profile)
    for needed in ("bedrock-agentcore-control", "cloudformation-custom-resource-response-REGION"):
        Annotations.from_stack(stack).has_warning(
            "/Analytics/Sandbox", Match.string_like_regexp(f"{needed}.*vpcMustReach")
        )


def test_a_private_network_needs_no_such_warning(new_app: Callable[..., App]) -> None:
    stack = Stack(new_app(), "Analytics")
    network = PrivateNetwork(stack, "Network")
    profile = ComplianceProfile.strict(vpc=network, key=kms.Key(stack, "Key"))
    GovernedCodeInterpreter(stack, "Sandbox", profile=profile)
    Annotations.from_stack(stack).has_no_warning("*", Match.string_like_regexp("vpcMustReach"))


def test_subnets_of_a_private_network_are_not_chosen_again(stack: Stack) -> None:
    network = PrivateNetwork(stack, "Network")
    with pytest.raises(ValueError, match="subnets are chosen by the PrivateNetwork"):
        ComplianceProfile.strict(
            vpc=network,
            key=kms.Key(stack, "Key"),
            subnets=ec2.SubnetSelection(subnet_group_name="Sessions"),
        )


def test_lean_has_neither_a_vpc_nor_a_key(stack: Stack, synthesize: Any, resources: Any) -> None:
    GovernedCodeInterpreter(stack, "Sandbox", profile=ComplianceProfile.lean())
    template = synthesize(stack)
    assert resources(template, "AWS::KMS::Key") == []
    assert not any("VpcConfig" in json.dumps(each) for each in template["Resources"].values())
    (interpreter,) = resources(template, "AWS::BedrockAgentCore::CodeInterpreterCustom")
    assert interpreter["Properties"]["NetworkConfiguration"] == {"NetworkMode": "SANDBOX"}


def test_two_profiles_in_one_stack_are_refused(stack: Stack) -> None:
    GovernedCodeInterpreter(stack, "First")
    profile = ComplianceProfile.strict(vpc=given_vpc(stack), key=kms.Key(stack, "Key"))
    with pytest.raises(ValueError, match="already have other settings"):
        GovernedCodeInterpreter(stack, "Second", profile=profile)


def test_functions_are_deleted_before_the_endpoints_of_a_vpc_of_the_same_stack(
    stack: Stack, synthesize: Any
) -> None:
    vpc = ec2.Vpc(stack, "Own", nat_gateways=0, max_azs=2)
    vpc.add_interface_endpoint(
        "Agents", service=ec2.InterfaceVpcEndpointAwsService("bedrock-agentcore")
    )
    isolated = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    profile = ComplianceProfile.strict(vpc=vpc, key=kms.Key(stack, "Key"), subnets=isolated)
    GovernedCodeInterpreter(stack, "Sandbox", profile=profile)
    template = synthesize(stack)
    drains = [
        resource
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Function" and "Drain" in logical_id
    ]
    assert drains
    for drain in drains:
        kinds = {template["Resources"][name]["Type"] for name in drain["DependsOn"]}
        assert "AWS::EC2::VPCEndpoint" in kinds
