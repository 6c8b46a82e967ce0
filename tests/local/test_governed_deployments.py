"""A governed interpreter under the strict profile, in a private network, with IAM enforced."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from agentcore_local import LocalAws

APP = Path(__file__).parent / "apps" / "governed.py"
PARTNER, STRANGER = "999988887777", "222233334444"

pytestmark = pytest.mark.timeout(600)


def cdk(aws: LocalAws, *arguments: str) -> None:
    aws.cdk(
        *arguments,
        cwd=aws.settings.data_folder,
        app=f"{sys.executable} {APP}",
        context={"profile": "strict", "@aws-cdk/core:defaultCrossStackReferences": "weak"},
    )


@pytest.fixture(scope="module")
def aws(bootstrapped_aws: LocalAws) -> LocalAws:
    return bootstrapped_aws


@pytest.fixture(scope="module")
def outputs(aws: LocalAws) -> Iterator[dict[str, str]]:
    """The outputs of the deployed stack; after the tests it is destroyed, and nothing is left."""
    cdk(aws, "deploy", "--require-approval", "never")
    (stack,) = aws.client("cloudformation").describe_stacks(StackName="Governed")["Stacks"]
    found = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    yield found
    # Sessions are open by now: the drain runs in the VPC's functions.
    for bucket in (found["DataBucket"], found["OtherBucket"]):
        client = aws.client("s3")
        for item in client.list_objects_v2(Bucket=bucket).get("Contents", []):
            client.delete_object(Bucket=bucket, Key=item["Key"])
    cdk(aws, "destroy", "--force")
    listed = aws.client("bedrock-agentcore-control").list_code_interpreters(type="CUSTOM")
    assert found["Interpreter"] not in {
        each["codeInterpreterId"] for each in listed["codeInterpreterSummaries"]
    }


@pytest.fixture(scope="module")
def session(aws: LocalAws, outputs: dict[str, str]) -> str:
    started = aws.client("bedrock-agentcore").start_code_interpreter_session(
        codeInterpreterIdentifier=outputs["Interpreter"], sessionTimeoutSeconds=3600
    )
    return str(started["sessionId"])


def run(aws: LocalAws, interpreter: str, session: str, command: str) -> Any:
    answer = aws.client("bedrock-agentcore").invoke_code_interpreter(
        codeInterpreterIdentifier=interpreter,
        sessionId=session,
        name="executeCommand",
        arguments={"command": command},
    )
    (result,) = [event["result"] for event in answer["stream"]]
    return result["structuredContent"]


def test_the_smoke_test_passed(aws: LocalAws, outputs: dict[str, str]) -> None:
    resources = aws.client("cloudformation").describe_stack_resources(StackName="Governed")
    (tested,) = (
        each
        for each in resources["StackResources"]
        if each["ResourceType"] == "Custom::CodeInterpreterSmokeTest"
    )
    assert tested["ResourceStatus"] == "CREATE_COMPLETE"


def test_the_default_security_group_is_closed(aws: LocalAws, outputs: dict[str, str]) -> None:
    resources = aws.client("cloudformation").describe_stack_resources(StackName="Governed")
    (vpc,) = (
        each["PhysicalResourceId"]
        for each in resources["StackResources"]
        if each["ResourceType"] == "AWS::EC2::VPC"
    )
    chosen = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    (group,) = aws.client("ec2").describe_security_groups(Filters=chosen)["SecurityGroups"]
    assert group["IpPermissions"] == []
    assert group["IpPermissionsEgress"] == []


def test_a_session_reaches_the_bucket_that_is_named(
    aws: LocalAws, outputs: dict[str, str], session: str
) -> None:
    command = f"echo report > r.txt && aws s3 cp r.txt s3://{outputs['DataBucket']}/r.txt"
    result = run(aws, outputs["Interpreter"], session, command)
    assert result["exitCode"] == 0, result
    assert aws.client("s3").get_object(Bucket=outputs["DataBucket"], Key="r.txt")


def test_a_session_is_denied_any_other_bucket(
    aws: LocalAws, outputs: dict[str, str], session: str
) -> None:
    command = f"echo report > r.txt && aws s3 cp r.txt s3://{outputs['OtherBucket']}/r.txt"
    result = run(aws, outputs["Interpreter"], session, command)
    assert result["exitCode"] != 0
    assert "AccessDenied" in result["stderr"]


def assume(aws: LocalAws, role: str, account: str, external_id: str | None) -> Any:
    given = {"ExternalId": external_id} if external_id else {}
    # MiniStack takes an access key of twelve digits for the root of that account.
    sts = aws.client("sts", aws_access_key_id=account)
    return sts.assume_role(RoleArn=role, RoleSessionName="partner", **given)["Credentials"]


def test_the_partner_uses_the_interpreter_with_the_external_id(
    aws: LocalAws, outputs: dict[str, str]
) -> None:
    credentials = assume(aws, outputs["PartnerRole"], PARTNER, "agreed-with-partner")
    client = aws.client(
        "bedrock-agentcore",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
    started = client.start_code_interpreter_session(
        codeInterpreterIdentifier=outputs["Interpreter"]
    )
    assert started["sessionId"]


@pytest.mark.parametrize(
    ("account", "external_id"),
    [(PARTNER, None), (PARTNER, "guessed"), (STRANGER, "agreed-with-partner")],
    ids=["no external id", "wrong external id", "another account"],
)
def test_nobody_else_gets_the_role(
    account: str, external_id: str | None, aws: LocalAws, outputs: dict[str, str]
) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        assume(aws, outputs["PartnerRole"], account, external_id)
