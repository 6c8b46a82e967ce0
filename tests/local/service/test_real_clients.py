"""boto3, the AWS CLI and the `bedrock-agentcore` SDK against the whole local AWS, unchanged."""

from __future__ import annotations

import gc
import json
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from agentcore_local import LocalAws

with warnings.catch_warnings():  # the SDK's own use of pydantic is not ours to mend
    warnings.simplefilter("ignore", DeprecationWarning)
    from bedrock_agentcore.tools.code_interpreter_client import CodeInterpreter, code_session

SYSTEM = "aws.codeinterpreter.v1"
SOURCE = "bedrock-agentcore.amazonaws.com"


@pytest.fixture
def sdk_environment(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but environment variables leads the SDK here."""
    for name, value in local_aws.environment.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)


@pytest.fixture
def sdk(local_aws: LocalAws, sdk_environment: None) -> Iterator[CodeInterpreter]:
    client = CodeInterpreter(local_aws.region)
    client.start()
    yield client
    client.stop()
    client.data_plane_client.close()
    client.control_plane_client.close()


def result_of(answer: dict[str, Any]) -> dict[str, Any]:
    (event,) = answer["stream"]
    result: dict[str, Any] = event["result"]
    return result


def stdout_of(answer: dict[str, Any]) -> str:
    stdout: str = result_of(answer)["structuredContent"]["stdout"]
    return stdout.strip()


@contextmanager
def streams_left_open() -> Iterator[None]:
    """For calls of the SDK that read one event and leave the connection to the collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


class TestSdk:
    def test_code_runs_in_all_its_languages(self, sdk: CodeInterpreter) -> None:
        assert stdout_of(sdk.execute_code("x = 6 * 7; print(x)")) == "42"
        script = "const y = 6 * 7; console.log(y)"
        assert stdout_of(sdk.execute_code(script, language="javascript")) == "42"
        script = "const z: number = 6 * 7; console.log(z)"
        assert stdout_of(sdk.execute_code(script, language="typescript")) == "42"

    def test_clear_context_forgets_variables(self, sdk: CodeInterpreter) -> None:
        result_of(sdk.execute_code("x = 10"))
        assert stdout_of(sdk.execute_code("print(x)")) == "10"
        assert result_of(sdk.clear_context())["isError"] is False
        failed = result_of(sdk.execute_code("print(x)"))
        assert "NameError" in failed["structuredContent"]["stderr"]

    def test_commands_run(self, sdk: CodeInterpreter) -> None:
        assert stdout_of(sdk.execute_command("echo $((6 * 7))")) == "42"

    def test_files_and_folders_go_up_and_down(self, sdk: CodeInterpreter) -> None:
        binary = bytes(range(256))
        result_of(sdk.upload_file("data.csv", "a,b\n1,2\n", description="a table"))
        files = [
            {"path": "dir/one.txt", "content": "one"},
            {"path": "dir/two.bin", "content": binary},
        ]
        result_of(sdk.upload_files(files))
        with streams_left_open():
            assert sdk.download_file("data.csv") == "a,b\n1,2\n"
            assert sdk.download_file("dir/two.bin") == binary
        down = sdk.download_files(["data.csv", "dir/one.txt"])
        assert {path.lstrip("/"): text for path, text in down.items()} == {
            "data.csv": "a,b\n1,2\n",
            "dir/one.txt": "one",
        }
        with pytest.raises(FileNotFoundError):
            sdk.download_file("missing.txt")

    def test_packages_cannot_be_installed_from_the_sandbox(self, sdk: CodeInterpreter) -> None:
        result = result_of(sdk.install_packages(["no-such-package-for-certain"]))
        assert result["isError"] is True
        assert "No matching distribution found" in result["structuredContent"]["stderr"]

    def test_sessions_are_listed_and_stopped(
        self, local_aws: LocalAws, sdk: CodeInterpreter
    ) -> None:
        session = sdk.session_id
        listed = sdk.list_sessions(SYSTEM, status="READY", max_results=100)["items"]
        assert session in [item["sessionId"] for item in listed]
        assert sdk.get_session()["status"] == "READY"
        sdk.stop()
        found = local_aws.client("bedrock-agentcore").get_code_interpreter_session(
            codeInterpreterIdentifier=SYSTEM, sessionId=session
        )
        assert found["status"] == "TERMINATED"

    def test_code_session_ends_what_it_has_started(
        self, local_aws: LocalAws, sdk_environment: None
    ) -> None:
        with code_session(local_aws.region) as client:
            session = client.session_id
            assert stdout_of(client.invoke("executeCode", {"code": "print(1)"})) == "1"
            client.stop()
        found = local_aws.client("bedrock-agentcore").get_code_interpreter_session(
            codeInterpreterIdentifier=SYSTEM, sessionId=session
        )
        assert found["status"] == "TERMINATED"
        client.data_plane_client.close()
        client.control_plane_client.close()

    def test_interpreters_are_managed(self, sdk: CodeInterpreter, role: str) -> None:
        created = sdk.create_code_interpreter(unique("sdk"), role, tags={"a": "b"})
        identifier = created["codeInterpreterId"]
        assert sdk.get_code_interpreter(identifier)["networkConfiguration"] == {
            "networkMode": "PUBLIC"
        }
        listed = sdk.list_code_interpreters("CUSTOM", max_results=100)["codeInterpreterSummaries"]
        assert identifier in [each["codeInterpreterId"] for each in listed]
        wait_until_ready(sdk.control_plane_client, identifier)
        assert sdk.delete_code_interpreter(identifier)["status"] == "DELETING"


class TestCli:
    def call(self, aws: LocalAws, service: str, *arguments: str) -> Any:
        done = aws.run(["aws", service, *arguments, "--output", "json"])
        return json.loads(done.stdout or "null")

    def test_an_interpreter_lives_from_creation_to_deletion(self, local_aws: LocalAws) -> None:
        control = "bedrock-agentcore-control"
        created = self.call(
            local_aws,
            control,
            "create-code-interpreter",
            "--name",
            unique("cli"),
            "--network-configuration",
            "networkMode=SANDBOX",
        )
        identifier = created["codeInterpreterId"]
        wait_until_ready(local_aws.client(control), identifier)
        data = "bedrock-agentcore"
        named = ["--code-interpreter-identifier", identifier]
        session = self.call(local_aws, data, "start-code-interpreter-session", *named)["sessionId"]
        in_session = [*named, "--session-id", session]
        found = self.call(local_aws, data, "get-code-interpreter-session", *in_session)
        assert found["status"] == "READY"
        listed = self.call(local_aws, data, "list-code-interpreter-sessions", *named)["items"]
        assert [item["sessionId"] for item in listed] == [session]
        self.call(local_aws, data, "stop-code-interpreter-session", *in_session)
        named = ["--code-interpreter-id", identifier]
        deleted = self.call(local_aws, control, "delete-code-interpreter", *named)
        assert deleted["status"] == "DELETING"


def unique(name: str) -> str:
    return f"{name}_{uuid.uuid4().hex[:8]}"


def wait_until_ready(control: Any, identifier: str) -> None:
    while control.get_code_interpreter(codeInterpreterId=identifier)["status"] == "CREATING":
        pass


def make_role(aws: LocalAws, statements: list[dict[str, Any]]) -> str:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": SOURCE},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": aws.account},
                    "ArnLike": {
                        "aws:SourceArn": f"arn:aws:bedrock-agentcore:{aws.region}:{aws.account}:*"
                    },
                },
            }
        ],
    }
    iam = aws.client("iam")
    name = unique("role")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    if statements:
        policy = {"Version": "2012-10-17", "Statement": statements}
        iam.put_role_policy(RoleName=name, PolicyName="allowed", PolicyDocument=json.dumps(policy))
    arn: str = role["Arn"]
    return arn


@pytest.fixture
def role(local_aws: LocalAws) -> str:
    return make_role(local_aws, [])


class Invoked:
    """A session of an interpreter with a role."""

    def __init__(self, aws: LocalAws, role: str) -> None:
        control = aws.client("bedrock-agentcore-control")
        created = control.create_code_interpreter(
            name=unique("roled"),
            executionRoleArn=role,
            networkConfiguration={"networkMode": "SANDBOX"},
        )
        self.identifier: str = created["codeInterpreterId"]
        wait_until_ready(control, self.identifier)
        self._data = aws.client("bedrock-agentcore")
        started = self._data.start_code_interpreter_session(
            codeInterpreterIdentifier=self.identifier
        )
        self.session: str = started["sessionId"]

    def command(self, command: str) -> dict[str, Any]:
        return self._invoke("executeCommand", command=command)

    def code(self, code: str) -> dict[str, Any]:
        return self._invoke("executeCode", code=code)

    def _invoke(self, tool: str, **arguments: Any) -> dict[str, Any]:
        answer = self._data.invoke_code_interpreter(
            codeInterpreterIdentifier=self.identifier,
            sessionId=self.session,
            name=tool,
            arguments=arguments,
        )
        found: dict[str, Any] = result_of(answer)["structuredContent"]
        return found


def test_the_aws_cli_in_a_session_reaches_as_far_as_the_role(local_aws: LocalAws) -> None:
    s3 = local_aws.client("s3")
    allowed, denied = (f"{word}-{uuid.uuid4().hex[:8]}" for word in ("allowed", "denied"))
    for bucket in (allowed, denied):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="data.txt", Body=b"content")
    role = make_role(
        local_aws,
        [
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": f"arn:aws:s3:::{allowed}/*",
            }
        ],
    )
    session = Invoked(local_aws, role)
    read = session.command(f"aws s3 cp s3://{allowed}/data.txt mine.txt && cat mine.txt")
    assert read["exitCode"] == 0, read["stderr"]
    assert "content" in read["stdout"]
    wrote = session.command(f"echo back > back.txt; aws s3 cp back.txt s3://{allowed}/back.txt")
    assert wrote["exitCode"] == 0, wrote["stderr"]
    assert s3.get_object(Bucket=allowed, Key="back.txt")["Body"].read() == b"back\n"
    refused = session.command(f"aws s3 cp s3://{denied}/data.txt theirs.txt; ls theirs.txt")
    assert refused["exitCode"] != 0
    assert "403" in refused["stderr"] or "AccessDenied" in refused["stderr"]
    code = f"import boto3; boto3.client('s3').get_object(Bucket='{denied}', Key='data.txt')"
    failed = session.code(code)
    assert "AccessDenied" in failed["stderr"]


def test_a_session_is_the_role_and_nobody_else(local_aws: LocalAws, role: str) -> None:
    session = Invoked(local_aws, role)
    arn = session.command(
        "aws sts get-caller-identity --region us-east-1 --query Arn --output text"
    )["stdout"]
    name = role.rsplit("/", 1)[-1]
    assert f":assumed-role/{name}/" in arn
    assert "AccessDenied" in session.command("aws --region us-east-1 iam list-users")["stderr"]


def test_a_dropped_connection_is_no_answer_to_a_real_client(local_aws: LocalAws) -> None:
    data = local_aws.client("bedrock-agentcore", config=Config(retries={"total_max_attempts": 1}))
    local_aws.inject("drop_connection", operation="Get*", count=1)
    params = {"codeInterpreterIdentifier": SYSTEM, "sessionId": "0"}
    with pytest.raises(ConnectionClosedError):
        data.get_code_interpreter_session(**params)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        data.get_code_interpreter_session(**params)


def test_metrics_of_calls_are_in_cloudwatch(local_aws: LocalAws) -> None:
    control = local_aws.client("bedrock-agentcore-control")
    created = control.create_code_interpreter(
        name=unique("metrics"), networkConfiguration={"networkMode": "SANDBOX"}
    )
    wait_until_ready(control, created["codeInterpreterId"])
    data = local_aws.client("bedrock-agentcore")
    named = {"codeInterpreterIdentifier": created["codeInterpreterId"]}
    session = data.start_code_interpreter_session(**named)["sessionId"]
    data.stop_code_interpreter_session(**named, sessionId=session)
    listed = local_aws.client("cloudwatch").list_metrics(
        Namespace="AWS/Bedrock-AgentCore",
        Dimensions=[{"Name": "Resource", "Value": created["codeInterpreterArn"]}],
    )["Metrics"]
    found = {
        (metric["MetricName"], dimension["Value"])
        for metric in listed
        for dimension in metric["Dimensions"]
        if dimension["Name"] == "Operation"
    }
    assert {
        ("Invocations", "StartCodeInterpreterSession"),
        ("Latency", "StopCodeInterpreterSession"),
        ("Duration", "CodeInterpreterSession"),
    } <= found
