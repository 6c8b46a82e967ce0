"""What functions log, and whether a deleted log group comes back."""

import io
import json
import secrets
import zipfile

import pytest

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def function_that_may(aws, *actions: str) -> str:
    """A function whose role allows these actions of CloudWatch Logs, and its log group's name."""
    name = f"logging-{secrets.token_hex(4)}"
    iam = aws.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    group = f"arn:aws:logs:{aws.region}:{aws.account}:log-group:/aws/lambda/{name}:*"
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": group}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_role_policy(RoleName=name, PolicyName="logs", PolicyDocument=json.dumps(policy))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("index.py", "def handler(event, context):\n    print('said')\n")
    aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="index.handler",
        Role=role,
        Code={"ZipFile": archive.getvalue()},
    )
    return name


def groups(aws, name: str) -> list[str]:
    found = aws.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")
    return [group["logGroupName"] for group in found["logGroups"]]


@pytest.mark.parametrize(
    ("actions", "comes_back"),
    [
        (["logs:CreateLogStream", "logs:PutLogEvents"], False),
        (["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], True),
        (["logs:CreateLogGroup"], False),
    ],
)
def test_a_deleted_log_group_comes_back_only_if_the_role_may_create_it(
    local_aws, actions, comes_back
) -> None:
    name = function_that_may(local_aws, *actions)

    local_aws.client("lambda").invoke(FunctionName=name)

    assert groups(local_aws, name) == ([f"/aws/lambda/{name}"] if comes_back else [])


def test_an_existing_log_group_is_written_without_the_right_to_create_it(local_aws) -> None:
    name = function_that_may(local_aws, "logs:CreateLogStream", "logs:PutLogEvents")
    logs = local_aws.client("logs")
    logs.create_log_group(logGroupName=f"/aws/lambda/{name}")

    local_aws.client("lambda").invoke(FunctionName=name)

    events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    assert "said" in "".join(event["message"] for event in events)
