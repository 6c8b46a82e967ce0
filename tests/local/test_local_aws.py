"""The server behind `LocalAws`: it serves, keeps to itself, and ends with whoever started it."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from botocore.exceptions import ClientError

from agentcore_local import LocalAws

START_AND_WAIT = """
import sys
from agentcore_local import LocalAws
with LocalAws() as aws:
    print(aws.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def parent() -> Iterator[tuple[subprocess.Popen[str], psutil.Process]]:
    """A process that uses a local AWS, and the server that it started."""
    process = subprocess.Popen(
        [sys.executable, "-c", START_AND_WAIT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:
        yield process, psutil.Process(int(process.stdout.readline()))
        process.kill()
        process.wait()


def test_callers_are_in_the_settings_account_and_region(local_aws: LocalAws) -> None:
    assert local_aws.client("sts").get_caller_identity()["Account"] == local_aws.account


def test_a_command_gets_endpoint_credentials_and_tools(local_aws: LocalAws) -> None:
    identity = local_aws.run(["aws", "sts", "get-caller-identity", "--output", "json"])
    node = local_aws.run(["node", "--version"])

    assert json.loads(identity.stdout)["Account"] == local_aws.account
    assert node.stdout.startswith("v24.")


def test_a_role_without_a_policy_is_denied(local_aws: LocalAws) -> None:
    iam = local_aws.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"},
        ],
    }
    role = iam.create_role(RoleName="powerless", AssumeRolePolicyDocument=json.dumps(trust))
    keys = local_aws.client("sts").assume_role(RoleArn=role["Role"]["Arn"], RoleSessionName="test")[
        "Credentials"
    ]
    queues = local_aws.client(
        "sqs",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )

    with pytest.raises(ClientError, match="not authorized to perform: sqs:ListQueues"):
        queues.list_queues()


def test_neither_server_nor_commands_see_the_callers_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")

    with LocalAws() as aws:
        server = psutil.Process(aws.pid).environ()
        command = aws.run(["env"]).stdout

    assert "AWS_PROFILE" not in server
    assert "AWS_PROFILE" not in command


def test_the_data_folder_is_removed_at_the_end() -> None:
    with LocalAws() as aws:
        folder = aws.settings.data_folder
        assert folder.exists()

    assert not folder.exists()


def test_the_folders_of_functions_are_removed_at_the_end_and_those_of_a_crash_at_the_start(
    tmp_path: Path,
) -> None:
    temporary = tmp_path / "tmp"
    left = temporary / "ministack-lambda-left"
    left.mkdir(parents=True)

    with LocalAws(data_folder=tmp_path, enforce_iam=False) as aws:
        assert not left.exists()
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            zipped.writestr("index.py", "def handler(event, context):\n    return 'ran'\n")
        aws.client("lambda").create_function(
            FunctionName="function",
            Runtime="python3.12",
            Handler="index.handler",
            Role=f"arn:aws:iam::{aws.account}:role/any",
            Code={"ZipFile": archive.getvalue()},
        )
        answer = aws.client("lambda").invoke(FunctionName="function")["Payload"]
        assert json.load(answer) == "ran"
        assert list(temporary.glob("ministack-lambda-function-*"))

    assert not temporary.exists()


def test_a_taken_port_is_named_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        aws = LocalAws(port=port, data_folder=tmp_path)

        with pytest.raises(RuntimeError, match=rf"cannot listen on 127.0.0.1:{port}"):
            aws.start()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_server_ends_with_the_process_that_started_it(
    parent: tuple[subprocess.Popen[str], psutil.Process], how: signal.Signals
) -> None:
    process, server = parent

    os.kill(process.pid, how)
    process.wait()

    assert psutil.wait_procs([server], timeout=30) == ([server], [])


def test_an_unknown_administration_request_lists_what_there_is(local_aws: LocalAws) -> None:
    with pytest.raises(ValueError, match="GET status"):
        local_aws.admin("GET", "nothing-of-the-kind")


def test_a_reset_goes_back_to_the_present_time() -> None:
    with LocalAws() as aws:
        aws.admin("POST", "clock", {"advance_seconds": 7200})
        assert aws.admin("GET", "status")["now"] > time.time() + 7000

        aws.reset()

        assert abs(aws.admin("GET", "status")["now"] - time.time()) < 600


def test_the_clock_moves_forward_only(local_aws: LocalAws) -> None:
    before = local_aws.admin("GET", "status")["now"]

    moved = local_aws.admin("POST", "clock", {"advance_seconds": 10})["now"]

    assert moved >= before + 10
    with pytest.raises(ValueError, match="time moves forward only"):
        local_aws.admin("POST", "clock", {"advance_seconds": -1})


def test_a_data_folder_is_one_servers_alone(tmp_path: Path) -> None:
    """A second one would take the first one's processes for those of a dead predecessor."""
    with LocalAws(data_folder=tmp_path) as first:
        with pytest.raises(RuntimeError, match="is another local AWS's"):
            LocalAws(data_folder=tmp_path).start()
        data = first.client("bedrock-agentcore")
        session = data.start_code_interpreter_session(
            codeInterpreterIdentifier="aws.codeinterpreter.v1"
        )["sessionId"]
        answer = data.invoke_code_interpreter(
            codeInterpreterIdentifier="aws.codeinterpreter.v1",
            sessionId=session,
            name="executeCode",
            arguments={"code": "print(6 * 7)", "language": "python"},
        )
        (event,) = answer["stream"]
        assert event["result"]["structuredContent"]["stdout"] == "42"

    with LocalAws(data_folder=tmp_path):  # and free again
        pass


def test_what_needs_a_running_server_says_so() -> None:
    aws = LocalAws()
    with pytest.raises(RuntimeError, match="not running; use it in a `with` block"):
        aws.client("s3")
    with aws, pytest.raises(RuntimeError, match=r"runs already, at http://127.0.0.1:"):
        aws.start()


@pytest.mark.parametrize(
    ("seconds", "message"),
    [
        ("x", "advance_seconds must be a number of seconds, got 'x'"),
        (None, "advance_seconds must be a number of seconds, got None"),
        (-5, "time moves forward only, got -5.0"),
        (1e12, "by a thousand years at the most, got 1000000000000.0"),
        (float("inf"), "by a thousand years at the most, got inf"),
        (float("nan"), "by a thousand years at the most, got nan"),
    ],
)
def test_the_clock_stays_where_there_are_dates(
    local_aws: LocalAws, seconds: object, message: str
) -> None:
    before = local_aws.admin("GET", "status")["now"]
    with pytest.raises(ValueError, match=message):
        local_aws.admin("POST", "clock", {"advance_seconds": seconds})

    assert 0 <= local_aws.admin("GET", "status")["now"] - before < 60


def test_a_time_that_cannot_be_is_refused_whole_where_minutes_are_lived_through(
    local_aws: LocalAws,
) -> None:
    """An alarm makes the clock live through the last hours of a jump."""
    cloudwatch = local_aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="watching",
        Namespace="Test",
        MetricName="Silence",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    try:
        for seconds in (1e12, float("nan")):
            before = local_aws.admin("GET", "status")["now"]
            with pytest.raises(ValueError, match=f"at the most, got {seconds}"):
                local_aws.admin("POST", "clock", {"advance_seconds": seconds})
            assert 0 <= local_aws.admin("GET", "status")["now"] - before < 60
    finally:
        cloudwatch.delete_alarms(AlarmNames=["watching"])


@pytest.mark.parametrize("name", ["secrets", "types", "asyncio", "ministack"])
def test_files_of_the_users_folder_are_not_run_in_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / f"{name}.py").write_text("raise SystemExit('a file of the user was run')\n")
    monkeypatch.chdir(tmp_path)
    with LocalAws() as aws:
        assert aws.client("sts").get_caller_identity()["Account"] == aws.account
