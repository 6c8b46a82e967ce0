"""What functions log, and whether a deleted log group comes back."""

import io
import json
import re
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


SAYS = "def handler(event, context):\n    print('said')\n"
TELLS_WHERE = """
import os


def handler(event, context):
    print(event["say"])
    if event.get("fail"):
        raise RuntimeError(f"see {context.log_group_name} {context.log_stream_name}")
    return {
        "context": [context.log_group_name, context.log_stream_name],
        "environment": [
            os.environ["AWS_LAMBDA_LOG_GROUP_NAME"], os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        ],
    }
"""
TELLS_WHERE_ON_NODE = """
exports.handler = async (event, context) => {
  console.log(event.say);
  const { AWS_LAMBDA_LOG_GROUP_NAME: group, AWS_LAMBDA_LOG_STREAM_NAME: stream } = process.env;
  return { context: [context.logGroupName, context.logStreamName], environment: [group, stream] };
};
"""


def function_that_may(
    aws, *actions: str, source: str = SAYS, group: str = "", runtime: str = "python3.12"
) -> str:
    """A function whose role allows these actions of CloudWatch Logs, and its log group's name."""
    name = f"logging-{secrets.token_hex(4)}"
    iam = aws.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    arn = f"arn:aws:logs:{aws.region}:{aws.account}:log-group:/aws/lambda/{name}:*"
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*" if group else arn}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_role_policy(RoleName=name, PolicyName="logs", PolicyDocument=json.dumps(policy))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("index.js" if runtime.startswith("nodejs") else "index.py", source)
    aws.client("lambda").create_function(
        FunctionName=name,
        Runtime=runtime,
        Handler="index.handler",
        Role=role,
        Code={"ZipFile": archive.getvalue()},
        **({"LoggingConfig": {"LogGroup": group}} if group else {}),
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


WRITE = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")


def answer_of(aws, name: str, **event: object) -> dict:
    answer = aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return json.load(answer["Payload"])


def lines(aws, group: str, stream: str) -> list[str]:
    found = aws.client("logs").get_log_events(logGroupName=group, logStreamName=stream)
    return [event["message"] for event in found["events"]]


@pytest.mark.parametrize("runtime", ["python3.12", "nodejs22.x"])
@pytest.mark.parametrize("group", ["", "/elsewhere"])
def test_a_function_finds_its_lines_where_it_is_told_that_it_logs(
    local_aws, group, runtime
) -> None:
    source = TELLS_WHERE_ON_NODE if runtime.startswith("nodejs") else TELLS_WHERE
    name = function_that_may(local_aws, *WRITE, source=source, group=group, runtime=runtime)

    first = answer_of(local_aws, name, say="first")
    second = answer_of(local_aws, name, say="second")

    # One execution environment ran both: it has one stream.
    assert first == second
    assert first["environment"] == first["context"]
    assert first["context"][0] == (group or f"/aws/lambda/{name}")
    said = lines(local_aws, *first["context"])
    assert [line for line in said if line in ("first", "second")] == ["first", "second"]
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", first["context"][1])


def test_a_function_that_fails_names_the_stream_with_its_lines(local_aws) -> None:
    name = function_that_may(local_aws, *WRITE, source=TELLS_WHERE)

    failed = answer_of(local_aws, name, say="before it failed", fail=True)

    _see, group, stream = failed["errorMessage"].split()
    assert "before it failed" in lines(local_aws, group, stream)


def test_another_log_group_of_the_same_function_is_told_and_written(local_aws) -> None:
    name = function_that_may(local_aws, *WRITE, source=TELLS_WHERE, group="/changing/a")
    before = answer_of(local_aws, name, say="in a")["context"]

    local_aws.client("lambda").update_function_configuration(
        FunctionName=name, LoggingConfig={"LogGroup": "/changing/a/b"}
    )
    after = answer_of(local_aws, name, say="in b")["context"]

    assert [before[0], after[0]] == ["/changing/a", "/changing/a/b"]
    assert "in a" in lines(local_aws, *before)
    assert "in b" in lines(local_aws, *after)
