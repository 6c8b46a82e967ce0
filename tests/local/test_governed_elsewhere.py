"""What governs an interpreter from another stack follows when it is replaced."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentcore_local import LocalAws

APP = f"{sys.executable} {Path(__file__).parent / 'apps' / 'elsewhere.py'}"

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("without_validation")]


def output(aws: LocalAws, stack: str, key: str) -> str:
    (described,) = aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    (value,) = [o["OutputValue"] for o in described["Outputs"] if key in o["OutputKey"]]
    return str(value)


def schedules(aws: LocalAws) -> Any:
    client = aws.client("scheduler")
    for each in client.list_schedules()["Schedules"]:
        found = client.get_schedule(GroupName=each["GroupName"], Name=each["Name"])
        yield found["Target"]["Input"]


def delivery_sources(aws: LocalAws) -> Any:
    return [
        each["resourceArns"]
        for each in aws.client("logs").describe_delivery_sources()["deliverySources"]
    ]


def alarms(aws: LocalAws) -> Any:
    for each in aws.client("cloudwatch").describe_alarms()["MetricAlarms"]:
        text = json.dumps(each, default=str)
        if "code-interpreter-custom" in text:
            yield text


def aliases(aws: LocalAws) -> Any:
    client = aws.client("lambda")
    for function in client.list_functions()["Functions"]:
        for each in client.list_aliases(FunctionName=function["FunctionName"])["Aliases"]:
            yield each["Name"]


def parameters(aws: LocalAws) -> Any:
    found = aws.client("ssm").get_parameters_by_path(Path="/elsewhere/sandbox")["Parameters"]
    return [each["Value"] for each in found if each["Name"].endswith(("/id", "/arn"))]


REFERRING: list[Callable[[LocalAws], Any]] = [
    schedules,
    delivery_sources,
    alarms,
    aliases,
    parameters,
]


def named(aws: LocalAws, interpreter: str) -> dict[str, int]:
    """How many of each kind name an interpreter."""
    return {
        kind.__name__: sum(interpreter in str(each) for each in kind(aws)) for kind in REFERRING
    }


def test_all_of_another_stack_follows_a_replacement_and_the_kill_switch_even_before(
    bootstrapped_aws: LocalAws, tmp_path: Path
) -> None:
    aws = bootstrapped_aws

    def deploy(*stacks: str, description: str) -> str:
        arguments = ["deploy", *stacks, "--require-approval", "never"]
        aws.cdk(*arguments, app=APP, context={"description": description}, cwd=tmp_path)
        return output(aws, "Interpreters", "Present")

    first = deploy("--all", description="first")
    assert all(count > 0 for count in named(aws, first).values()), named(aws, first)
    before = named(aws, first)

    second = deploy("Interpreters", description="second")
    assert second != first
    # Nobody has told the other stack yet; the sessions of the new one are stopped all the same.
    data = aws.client("bedrock-agentcore")
    data.start_code_interpreter_session(codeInterpreterIdentifier=second)
    stop_all = output(aws, "Governing", "StopAllCommand")
    printed = tmp_path / "printed"
    aws.run(["bash", "-c", f"({stop_all}) > {printed}"])
    assert json.JSONDecoder().raw_decode(printed.read_text())[0] == {
        "interpreter_id": first,
        "interpreters": [second],
        "stopped": 1,
        "left": 0,
    }

    deploy("--all", description="second")
    assert named(aws, second) == before
    assert set(named(aws, first).values()) == {0}

    aws.cdk("destroy", "--all", "--force", app=APP, context={"description": "x"}, cwd=tmp_path)
    assert set(named(aws, second).values()) == {0}
