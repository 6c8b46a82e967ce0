"""A permissions boundary that a template sets counts, as on AWS."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

POLICY = {
    "Type": "AWS::IAM::ManagedPolicy",
    "Properties": {
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}],
        }
    },
}


def template(boundary: Any) -> dict[str, Any]:
    everything = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["s3:*", "sqs:*"], "Resource": "*"}],
    }
    role: dict[str, Any] = {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": {"Ref": "AWS::AccountId"}},
                    "Action": "sts:AssumeRole",
                }
            ],
        },
        "Policies": [{"PolicyName": "Everything", "PolicyDocument": everything}],
    }
    if boundary is not None:
        role["PermissionsBoundary"] = boundary
    return {
        "Resources": {
            "Boundary": POLICY,
            "Role": {"Type": "AWS::IAM::Role", "Properties": role},
        },
        "Outputs": {"Role": {"Value": {"Ref": "Role"}}},
    }


@pytest.fixture
def boundary_of(stacks: Any) -> Any:
    def read(stack: str) -> str | None:
        (described,) = stacks.client.describe_stacks(StackName=stack)["Stacks"]
        (output,) = described["Outputs"]
        role = stacks.aws.client("iam").get_role(RoleName=output["OutputValue"])["Role"]
        found = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        return None if found is None else str(found)

    return read


def may_list_queues(stacks: Any, stack: str) -> bool:
    (described,) = stacks.client.describe_stacks(StackName=stack)["Stacks"]
    (output,) = described["Outputs"]
    arn = f"arn:aws:iam::{stacks.aws.account}:role/{output['OutputValue']}"
    user = stacks.aws.client("iam")
    name = f"user-{stack.rpartition('/')[2][:8]}"
    with suppress(ClientError):  # it is there from the question before
        user.create_user(UserName=name)
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}],
    }
    user.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(document))
    keys = user.create_access_key(UserName=name)["AccessKey"]
    session = boto3.session.Session(
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        region_name=stacks.aws.region,
    )
    assumed = session.client("sts", endpoint_url=stacks.aws.endpoint_url).assume_role(
        RoleArn=arn, RoleSessionName="test"
    )["Credentials"]
    client = boto3.session.Session(
        aws_access_key_id=assumed["AccessKeyId"],
        aws_secret_access_key=assumed["SecretAccessKey"],
        aws_session_token=assumed["SessionToken"],
        region_name=stacks.aws.region,
    ).client("sqs", endpoint_url=stacks.aws.endpoint_url)
    try:
        client.list_queues()
    except ClientError as error:
        return "AccessDenied" not in error.response["Error"]["Code"]
    return True


def test_a_boundary_is_there_after_creation_and_update_and_counts(
    stacks: Any, boundary_of: Any
) -> None:
    stack = stacks.create(template({"Ref": "Boundary"}))
    assert stacks.status(stack) == "CREATE_COMPLETE"
    assert "Boundary" in boundary_of(stack)
    assert not may_list_queues(stacks, stack)

    assert stacks.update(stack, template(None)) == "UPDATE_COMPLETE"
    assert boundary_of(stack) is None
    assert may_list_queues(stacks, stack)

    assert stacks.update(stack, template({"Ref": "Boundary"})) == "UPDATE_COMPLETE"
    assert not may_list_queues(stacks, stack)


def test_a_boundary_that_does_not_exist_fails_the_role(stacks: Any) -> None:
    stack = stacks.create(template("arn:aws:iam::111122223333:policy/nothing"))
    assert stacks.status(stack) == "ROLLBACK_COMPLETE"
    events = stacks.client.describe_stack_events(StackName=stack)["StackEvents"]
    reasons = [each.get("ResourceStatusReason", "") for each in events]
    assert any("does not exist or is not attachable" in reason for reason in reasons)
