"""One template, launched under several stack names, in two versions: none touches another's."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agentcore_local import LocalAws

APP = f"{sys.executable} {Path(__file__).parent / 'apps' / 'launched.py'}"

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("without_validation")]


@dataclass
class Launch:
    """One stack of the template."""

    aws: LocalAws
    stack_name: str

    @property
    def interpreter_id(self) -> str:
        resources = self._client.describe_stack_resources(StackName=self.stack_name)
        (found,) = [
            each["PhysicalResourceId"]
            for each in resources["StackResources"]
            if each["ResourceType"] == "AWS::BedrockAgentCore::CodeInterpreterCustom"
        ]
        return str(found)

    @property
    def stop_all(self) -> str:
        (stack,) = self._client.describe_stacks(StackName=self.stack_name)["Stacks"]
        (value,) = [o["OutputValue"] for o in stack["Outputs"] if "StopAll" in o["OutputKey"]]
        return str(value)

    @property
    def _client(self) -> Any:
        return self.aws.client("cloudformation")

    def start(self) -> str:
        data = self.aws.client("bedrock-agentcore")
        started = data.start_code_interpreter_session(
            codeInterpreterIdentifier=self.interpreter_id, sessionTimeoutSeconds=28_800
        )
        return str(started["sessionId"])

    def ready(self) -> set[str]:
        sessions = self.aws.admin("GET", "sessions")["sessions"]
        return {
            each["sessionId"]
            for each in sessions
            if each["codeInterpreterIdentifier"] == self.interpreter_id
            and each["status"] == "READY"
        }


@pytest.fixture(scope="module")
def launches(
    bootstrapped_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Launch]]:
    aws = bootstrapped_aws
    folder = tmp_path_factory.mktemp("launches")
    deploy = ["deploy", "Launched", "--require-approval", "never"]
    aws.cdk(*deploy, cwd=folder, app=APP, context={"version": "1"})
    client = aws.client("cloudformation")
    names = ["Launched"]
    for version in ("2", "3"):
        aws.cdk("synth", "-q", cwd=folder, app=APP, context={"version": version})
        # As Service Catalog or a pipeline launches a template: under a name of their own.
        name = f"Launch{version}"
        template = (folder / "cdk.out" / "Launched.template.json").read_text()
        client.create_stack(
            StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"]
        )
        client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
        names.append(name)
    yield [Launch(aws, name) for name in names]
    for name in names:
        client.delete_stack(StackName=name)
        client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})


def test_a_kill_switch_stops_the_sessions_of_its_own_launch_only(launches: list[Launch]) -> None:
    first, *others = launches
    # Their names begin alike, so nothing but the tag tells them apart.
    assert len({each.interpreter_id.rpartition("_")[0] for each in launches}) == 1
    mine = first.start()
    theirs = {each.stack_name: {each.start()} for each in others}

    printed = first.aws.run(["/bin/sh", "-c", first.stop_all]).stdout

    assert mine not in first.ready()
    assert {each.stack_name: each.ready() for each in others} == theirs
    assert json.loads(printed)["interpreters"] == [first.interpreter_id]


def test_an_enforcing_janitor_sweeps_its_own_launch_only(launches: list[Launch]) -> None:
    first, *others = launches
    # Only the first one's schedule runs: what becomes of the others is its doing.
    scheduler = first.aws.client("scheduler")
    payloads = {}
    for each in scheduler.list_schedules()["Schedules"]:
        found = scheduler.get_schedule(GroupName=each["GroupName"], Name=each["Name"])
        payload = json.loads(found["Target"]["Input"])
        payloads[payload["interpreter_id"]] = (found["Target"]["Arn"], payload)
    started = {each.stack_name: {each.start()} for each in launches}
    function, payload = payloads[first.interpreter_id]
    payload |= {"policy": {**payload["policy"], "max_age_seconds": 0.001}, "scheduled_time": ""}

    answer = first.aws.client("lambda").invoke(
        FunctionName=function, Payload=json.dumps(payload).encode()
    )

    values = json.loads(answer["Payload"].read())
    assert (values["SessionsStopped"] >= 1, values["OrphanInterpreters"]) == (True, 0)
    assert first.ready() == set()
    for each in others:
        assert each.ready() >= started[each.stack_name]


def test_the_command_reads_like_one_document(launches: list[Launch]) -> None:
    first = launches[0]
    ended = subprocess.run(
        ["/bin/sh", "-c", first.stop_all],
        env={**first.aws.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, json.loads(ended.stdout)["left"]) == (0, 0)
    assert "at most 5 minutes" in ended.stderr
