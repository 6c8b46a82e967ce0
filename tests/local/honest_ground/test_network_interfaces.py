"""What interpreters in a VPC hold: a security group and its subnets outlive their users."""

import pytest
from botocore.exceptions import ClientError


def vpc(**resources):
    return {
        "Resources": {
            "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
            "Subnet": {
                "Type": "AWS::EC2::Subnet",
                "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"},
            },
            "Group": {
                "Type": "AWS::EC2::SecurityGroup",
                "Properties": {"VpcId": {"Ref": "Vpc"}, "GroupDescription": "the interpreter's"},
            },
            **resources,
        }
    }


def interpreter(name, subnet=None, group=None):
    network = {
        "SecurityGroups": [group or {"Fn::GetAtt": ["Group", "GroupId"]}],
        "Subnets": [subnet or {"Ref": "Subnet"}],
    }
    return {
        "Type": "AWS::BedrockAgentCore::CodeInterpreterCustom",
        "Properties": {
            "Name": name.replace("-", "_"),
            "NetworkConfiguration": {"NetworkMode": "VPC", "VpcConfig": network},
        },
    }


@pytest.fixture
def ec2(local_aws):
    return local_aws.client("ec2")


@pytest.fixture
def interfaces(ec2):
    """The network interfaces that hold a security group."""

    def of(group):
        found = ec2.describe_network_interfaces()["NetworkInterfaces"]
        return [item for item in found if group in [g["GroupId"] for g in item["Groups"]]]

    return of


def test_interpreters_of_one_subnet_and_group_share_an_interface(stacks, interfaces):
    name = stacks.name()
    template = vpc(One=interpreter(f"{name}-1"), Two=interpreter(f"{name}-2"))
    stack = stacks.create(template)
    group = stacks.resources(stack)["Group"]["PhysicalResourceId"]

    (interface,) = interfaces(group)
    assert interface["SubnetId"] == stacks.resources(stack)["Subnet"]["PhysicalResourceId"]
    assert {"Key": "AmazonBedrockAgentCoreManaged", "Value": "true"} in interface["TagSet"]

    assert stacks.delete(stack) == "DELETE_COMPLETE"
    assert interfaces(group) == []


def test_an_interface_that_stays_keeps_its_group_and_subnet(stacks, local_aws, interfaces):
    stack = stacks.create(vpc(It=interpreter(stacks.name())))
    local_aws.inject("network_interfaces_stay")

    assert stacks.delete(stack) == "DELETE_FAILED"

    kept = stacks.resources(stack)
    assert set(kept) == {"Group", "Subnet", "Vpc"}
    reasons = [r for _, status, r in stacks.events(stack, "Group") if status == "DELETE_FAILED"]
    assert "has a dependent object" in reasons[0]
    assert interfaces(kept["Group"]["PhysicalResourceId"])

    local_aws.clear_faults()
    assert stacks.delete(stack) == "DELETE_COMPLETE"


def test_a_group_in_use_is_not_deleted_over_the_api_either(stacks, ec2):
    stack = stacks.create(vpc(It=interpreter(stacks.name())))
    ids = {key: found["PhysicalResourceId"] for key, found in stacks.resources(stack).items()}

    with pytest.raises(ClientError, match="DependencyViolation"):
        ec2.delete_security_group(GroupId=ids["Group"])
    with pytest.raises(ClientError, match="DependencyViolation"):
        ec2.delete_subnet(SubnetId=ids["Subnet"])


def test_a_group_that_another_groups_rule_names_is_not_deleted(stacks, ec2):
    other = {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {
            "VpcId": {"Ref": "Vpc"},
            "GroupDescription": "another",
            "SecurityGroupIngress": [
                {
                    "IpProtocol": "tcp",
                    "FromPort": 443,
                    "ToPort": 443,
                    "SourceSecurityGroupId": {"Fn::GetAtt": ["Group", "GroupId"]},
                }
            ],
        },
    }
    stack = stacks.create(vpc(Other=other))
    group = stacks.resources(stack)["Group"]["PhysicalResourceId"]

    with pytest.raises(ClientError, match="DependencyViolation"):
        ec2.delete_security_group(GroupId=group)
    assert stacks.delete(stack) == "DELETE_COMPLETE"


@pytest.mark.parametrize("missing", ["subnet", "group"])
def test_an_interpreter_in_a_subnet_or_group_that_is_not_there_fails(stacks, missing):
    wrong = {"subnet": "subnet-00000000"} if missing == "subnet" else {"group": "sg-00000000"}
    stack = stacks.create(vpc(It=interpreter(stacks.name(), **wrong)))

    assert stacks.status(stack) == "ROLLBACK_COMPLETE"
    assert any("does not exist" in event[2] for event in stacks.events(stack, "It"))
