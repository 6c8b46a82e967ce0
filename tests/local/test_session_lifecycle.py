"""Sessions through real deployments: drained, watched, killed, checked; with IAM enforced."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from agentcore_local import LocalAws

APP = Path(__file__).parent / "apps" / "sessions.py"

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("without_validation")]


class Deployed:
    """A stack of the sessions app, and what is going on in its interpreters."""

    def __init__(self, aws: LocalAws, name: str) -> None:
        self.aws = aws
        self.name = name
        self._data = aws.client("bedrock-agentcore")
        self._context: dict[str, str] = {}

    def deploy(self, *, check: bool = True, **context: str) -> dict[str, str]:
        """Deploy with this context, and give back the outputs."""
        self._context = context
        self._cdk("deploy", "--require-approval", "never", check=check)
        outputs = self._describe().get("Outputs", []) if check else []
        return {each["OutputKey"]: each["OutputValue"] for each in outputs}

    def destroy(self, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self._cdk("destroy", "--force", check=check)

    def start(self, interpreter: str, count: int) -> set[str]:
        return {
            self._data.start_code_interpreter_session(
                codeInterpreterIdentifier=interpreter, sessionTimeoutSeconds=28_800
            )["sessionId"]
            for _ in range(count)
        }

    def status(self) -> str:
        return str(self._describe()["StackStatus"])

    def reasons(self) -> list[str]:
        events = self.aws.client("cloudformation").describe_stack_events(StackName=self.name)
        return [
            event["ResourceStatusReason"]
            for event in events["StackEvents"]
            if event["ResourceStatus"].endswith("_FAILED")
        ]

    def _describe(self) -> dict[str, Any]:
        found = self.aws.client("cloudformation").describe_stacks(StackName=self.name)
        stack: dict[str, Any] = found["Stacks"][0]
        return stack

    def _cdk(self, *arguments: str, check: bool) -> subprocess.CompletedProcess[str]:
        return self.aws.cdk(
            *arguments,
            cwd=self.aws.settings.data_folder,
            app=f"{sys.executable} {APP}",
            context={"stack_name": self.name, **self._context},
            check=check,
        )


@pytest.fixture
def aws(bootstrapped_aws: LocalAws) -> Iterator[LocalAws]:
    yield bootstrapped_aws
    bootstrapped_aws.clear_faults()


@pytest.fixture
def stack(aws: LocalAws, request: pytest.FixtureRequest) -> Deployed:
    words = request.node.name.removeprefix("test_").split("_")
    return Deployed(aws, "".join(word.capitalize() for word in words)[:60])


@pytest.fixture
def ready(aws: LocalAws) -> Callable[[str], set[str]]:
    def of(interpreter: str) -> set[str]:
        return {
            each["sessionId"]
            for each in aws.admin("GET", "sessions")["sessions"]
            if each["codeInterpreterIdentifier"] == interpreter and each["status"] == "READY"
        }

    return of


def interpreter_ids(aws: LocalAws) -> set[str]:
    listed = aws.client("bedrock-agentcore-control").list_code_interpreters(type="CUSTOM")
    return {item["codeInterpreterId"] for item in listed["codeInterpreterSummaries"]}


@pytest.fixture
def outsider(aws: LocalAws, ready: Callable[[str], set[str]]) -> Iterator[str]:
    """An interpreter that no stack of ours knows, with sessions of its own."""
    control = aws.client("bedrock-agentcore-control")
    made = control.create_code_interpreter(
        name="Outsider", networkConfiguration={"networkMode": "SANDBOX"}
    )["codeInterpreterId"]
    while control.get_code_interpreter(codeInterpreterId=made)["status"] != "READY":
        aws.admin("POST", "clock", {"advance_seconds": 1})
    yield made
    stop_all(aws, made, sorted(ready(made)))
    control.delete_code_interpreter(codeInterpreterId=made)


def stop_all(aws: LocalAws, interpreter: str, sessions: Sequence[str]) -> None:
    for each in sessions:
        aws.client("bedrock-agentcore").stop_code_interpreter_session(
            codeInterpreterIdentifier=interpreter, sessionId=each
        )


def test_destroy_stops_250_sessions_and_none_of_an_outsider(aws, stack, ready, outsider) -> None:
    theirs = stack.start(outsider, 3)
    interpreter = stack.deploy(kinds="own")["own"]
    stack.start(interpreter, 250)

    stack.destroy()

    assert ready(interpreter) == set()
    assert interpreter not in interpreter_ids(aws)
    assert ready(outsider) == theirs


def test_the_plain_l2_with_one_session_cannot_be_deleted(aws, stack, ready) -> None:
    interpreter = stack.deploy(kinds="undrained_l2")["undrainedl2"]
    sessions = stack.start(interpreter, 1)

    assert stack.destroy(check=False).returncode != 0

    assert stack.status() == "DELETE_FAILED"
    assert ready(interpreter) == sessions
    stop_all(aws, interpreter, list(sessions))
    stack.destroy()


def test_a_replacement_drains_the_old_interpreters_only(aws, stack, ready) -> None:
    kinds = "own,l2,fixed"
    before = stack.deploy(kinds=kinds)
    for each in before.values():
        stack.start(each, 5)
    kept = ready(before["l2"]), ready(before["fixed"])

    after = stack.deploy(kinds=f"{kinds},second", description="first")
    assert {kind: after[kind] for kind in before} == before
    assert all(len(ready(each)) == 5 for each in before.values())

    own = stack.deploy(kinds="own,second", description="second")
    fresh = stack.start(own["own"], 2)

    assert own["own"] != before["own"]
    assert interpreter_ids(aws) >= set(own.values())
    assert not interpreter_ids(aws) & set(before.values())
    assert all(ready(each) == set() for each in before.values())
    assert ready(own["own"]) == fresh
    assert all(kept)
    stack.destroy()
    assert ready(own["own"]) == set()


def test_an_update_that_fails_leaves_the_old_sessions_untouched(aws, stack, ready) -> None:
    interpreter = stack.deploy(kinds="own", command="true")["own"]
    sessions = stack.start(interpreter, 4)

    stack.deploy(kinds="own", command="exit 7", description="second", check=False)

    assert stack.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert any("command 'exit 7' failed with exit code 7" in reason for reason in stack.reasons())
    assert ready(interpreter) == sessions
    assert len([i for i in interpreter_ids(aws) if i.startswith("Sandbox_")]) == 1
    stack.destroy()
    assert ready(interpreter) == set()


def test_a_first_deployment_that_does_not_work_leaves_nothing(aws, stack) -> None:
    before = interpreter_ids(aws)

    stack.deploy(kinds="own", command="exit 7", check=False)

    assert any("command 'exit 7' failed with exit code 7" in reason for reason in stack.reasons())
    assert stack.status() == "ROLLBACK_COMPLETE"
    assert interpreter_ids(aws) == before
    stack.destroy()


def test_a_rollback_with_a_cause_that_both_versions_share_does_not_get_stuck(
    aws, stack, ready
) -> None:
    stack.deploy(kinds="own", command="true")
    aws.inject("deny", operation="InvokeCodeInterpreter")

    stack.deploy(kinds="own", command="true", description="second", check=False)

    assert stack.status() == "UPDATE_ROLLBACK_COMPLETE"
    aws.clear_faults()
    stack.destroy()


def test_block_names_the_count_and_the_way_out_and_a_second_destroy_succeeds(
    aws, stack, ready
) -> None:
    interpreter = stack.deploy(kinds="own", block="yes")["own"]
    stack.start(interpreter, 3)
    aws.inject("deny", operation="StopCodeInterpreterSession")

    assert stack.destroy(check=False).returncode != 0

    assert stack.status() == "DELETE_FAILED"
    (reason,) = [each for each in stack.reasons() if "still running" in each]
    assert f"3 sessions of code interpreter {interpreter} are still running" in reason
    assert "delete the stack again" in reason
    assert len(ready(interpreter)) == 3
    aws.clear_faults()
    stack.destroy()
    assert ready(interpreter) == set()
    assert interpreter not in interpreter_ids(aws)


def test_the_deployed_janitor_enforces_its_policy_and_stops_all_on_command_and_alarm(
    aws, stack, ready
) -> None:
    outputs = stack.deploy(kinds="own,second", janitor="yes")
    stack.start(outputs["own"], 8)
    neighbors = stack.start(outputs["second"], 8)

    tick(aws, outputs["own"])

    assert len(ready(outputs["own"])) == 5
    stack.start(outputs["own"], 95)
    (command,) = [value for key, value in outputs.items() if "StopAllCommand" in key]

    printed = aws.run(["bash", "-c", command]).stdout

    assert json.loads(printed[: printed.index("}") + 1])["stopped"] == 100
    assert ready(outputs["own"]) == set()
    assert ready(outputs["second"]) == neighbors

    stack.start(outputs["own"], 3)
    raise_alarm(aws, outputs["alarm"])

    until(lambda: ready(outputs["own"]) == set())
    assert ready(outputs["second"]) == neighbors

    stack.start(outputs["own"], 2)
    aws.admin("POST", "clock", {"advance_seconds": 4 * 3600})
    young = stack.start(outputs["own"], 2)

    tick(aws, outputs["own"])

    assert ready(outputs["own"]) == young
    assert ready(outputs["second"]) == neighbors
    stack.destroy()


def raise_alarm(aws: LocalAws, name: str) -> None:
    """Publish what the alarm watches for, and let the minute pass that it looks at."""
    datum = {"MetricName": "Starts", "Value": 500.0, "Unit": "Count"}
    aws.client("cloudwatch").put_metric_data(Namespace="Test", MetricData=[datum])
    aws.admin("POST", "clock", {"advance_seconds": 60})
    states = aws.admin("POST", "alarms/evaluate")["alarms"]
    assert states[name] == "ALARM"


def until(condition: Callable[[], bool]) -> None:
    """Wait for what an asynchronous invocation brings about."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.2)


def tick(aws: LocalAws, interpreter: str) -> None:
    """Invoke what the interpreter's schedule invokes, with what it sends."""
    scheduler = aws.client("scheduler")
    targets = [
        scheduler.get_schedule(Name=each["Name"], GroupName=each["GroupName"])["Target"]
        for each in scheduler.list_schedules()["Schedules"]
    ]
    (target,) = [each for each in targets if interpreter in each.get("Input", "")]
    answer = aws.client("lambda").invoke(FunctionName=target["Arn"], Payload=target["Input"])
    assert "FunctionError" not in answer, answer["Payload"].read()
