"""Whoever deploys, and how long a policy takes."""

import json
import secrets

import pytest
from botocore.exceptions import ClientError

ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@pytest.fixture
def role(local_aws):
    """A role that anybody in the account may assume, and its name."""
    name = f"role-{secrets.token_hex(4)}"
    principal = {"AWS": f"arn:aws:iam::{local_aws.account}:root"}
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    local_aws.client("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    return name


@pytest.fixture
def allow(local_aws):
    def put(role, policy_name="all", statement=ALLOW_ALL):
        local_aws.client("iam").put_role_policy(
            RoleName=role,
            PolicyName=policy_name,
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )

    return put


@pytest.fixture
def client_of(local_aws):
    """A client with the credentials of a role."""

    def make(role, service):
        arn = f"arn:aws:iam::{local_aws.account}:role/{role}"
        session = local_aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")
        credentials = session["Credentials"]
        return local_aws.client(
            service,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
        )

    return make


def test_an_interpreter_can_be_deployed_with_the_credentials_of_a_role(
    stacks, role, allow, client_of
):
    allow(role)
    stacks.client = client_of(role, "cloudformation")
    resource = {
        "Type": "AWS::BedrockAgentCore::CodeInterpreterCustom",
        "Properties": {
            "Name": stacks.name().replace("-", "_"),
            "NetworkConfiguration": {"NetworkMode": "SANDBOX"},
        },
    }
    stack = stacks.create({"Resources": {"It": resource}})

    assert stacks.status(stack) == "CREATE_COMPLETE", stacks.events(stack)
    assert client_of(role, "ec2").describe_network_interfaces()
    assert stacks.delete(stack) == "DELETE_COMPLETE"


def test_a_new_policy_takes_as_long_as_the_fault_says(local_aws, stacks, role, allow, client_of):
    list_parameters = client_of(role, "ssm").describe_parameters
    local_aws.inject("policy_delay", resource=role, delay_seconds=30)
    allow(role)

    with pytest.raises(ClientError, match="AccessDenied"):
        list_parameters()
    local_aws.admin("POST", "clock", {"advance_seconds": 29})
    with pytest.raises(ClientError, match="AccessDenied"):
        list_parameters()
    local_aws.admin("POST", "clock", {"advance_seconds": 2})
    assert list_parameters()


def test_a_policy_from_before_the_fault_applies(local_aws, stacks, role, allow, client_of):
    allow(role)
    local_aws.inject("policy_delay", resource=role, delay_seconds=3600)
    assert client_of(role, "ssm").describe_parameters()
