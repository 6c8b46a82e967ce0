"""Deployed stacks whose sessions are drained under faults and governed on a schedule."""

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from agentcore_local import LocalAws

APP = f"{sys.executable} {Path(__file__).parent / 'apps' / 'drained.py'}"
FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "Throttle": ("throttle", {"operation": "*Session*", "count": 15, "probability": 0.5}),
    "ServerError": ("server_error", {"operation": "*Session*", "count": 10, "probability": 0.5}),
    "Latency": ("latency", {"operation": "Stop*", "delay_seconds": 1, "count": 10}),
    "StopFails": ("stop_fails", {"seconds": 5}),
    "ListRepeatsPage": ("list_repeats_page", {}),
    "ExpireDuringDrain": ("expire_during_drain", {"count": 1}),
    "RestartingAgent": ("restarting_agent", {"seconds": 20}),
}

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("without_validation")]


@dataclass
class Deployed:
    """The app's stacks, deployed into a local AWS of this module's own (faults are injected)."""

    aws: LocalAws
    assembly: Path

    def cdk(self, *arguments: str, check: bool = True) -> str:
        """Run the CLI on what was synthesized."""
        finished = self.aws.cdk(
            *arguments, cwd=self.assembly.parent, app=str(self.assembly), check=check
        )
        return finished.stdout + finished.stderr

    def deploy(self, *stacks: str, check: bool = True, **context: str) -> None:
        """Synthesize with some context and deploy."""
        self.aws.cdk(
            "deploy",
            *stacks,
            "--require-approval",
            "never",
            "--concurrency",
            "6",
            "--output",
            str(self.assembly),
            cwd=self.assembly.parent,
            app=APP,
            context={"@aws-cdk/core:defaultCrossStackReferences": "weak", **context},
            check=check,
        )

    def interpreter(self, prefix: str) -> str:
        """The id of the only interpreter whose name begins like this."""
        [found] = self.interpreters(prefix)
        return found

    def interpreters(self, prefix: str) -> list[str]:
        """The ids of the interpreters whose names begin like this."""
        listed = self.aws.client("bedrock-agentcore-control").list_code_interpreters(
            type="CUSTOM", maxResults=100
        )
        return [
            item["codeInterpreterId"]
            for item in listed["codeInterpreterSummaries"]
            if item["name"].startswith(prefix)
        ]

    def open_sessions(self, interpreter: str, *names: str) -> list[str]:
        """Start sessions, as fast as the account's quota lets an agent."""
        client = self.aws.client(
            "bedrock-agentcore",
            config=Config(retries={"mode": "adaptive", "max_attempts": 20}),
        )

        def start(name: str) -> str:
            answer = client.start_code_interpreter_session(
                codeInterpreterIdentifier=interpreter, name=name, sessionTimeoutSeconds=3600
            )
            return str(answer["sessionId"])

        with ThreadPoolExecutor(8) as threads:
            return list(threads.map(start, names))

    def ready(self, interpreter: str) -> set[str]:
        """The names of an interpreter's READY sessions, by the server's own account of them."""
        return {
            session["name"]
            for session in self.aws.admin("GET", "sessions")["sessions"]
            if session["codeInterpreterIdentifier"] == interpreter and session["status"] == "READY"
        }

    def exists(self, stack: str) -> bool:
        """Whether a stack of this name is there, in whatever state."""
        stacks = self.aws.client("cloudformation").describe_stacks()["Stacks"]
        return any(found["StackName"] == stack for found in stacks)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with LocalAws() as aws:
        aws.bootstrap()
        made = aws.client("bedrock-agentcore-control").create_code_interpreter(
            name="Existing", networkConfiguration={"networkMode": "SANDBOX"}
        )
        stacks = Deployed(aws, tmp_path_factory.mktemp("app") / "cdk.out")
        stacks.deploy(*FAULTS, "Governed", "Importing", imported_arn=made["codeInterpreterArn"])
        yield stacks


@pytest.fixture(scope="module")
def destroyed(deployed: Deployed) -> dict[str, str]:
    """The id of each stack's interpreter, after all were destroyed at once with sessions open."""
    interpreters = {stack: deployed.interpreter(stack) for stack in [*FAULTS, "Existing"]}
    for interpreter in interpreters.values():
        deployed.open_sessions(interpreter, *(f"agent-{number}" for number in range(15)))
    for stack, (fault, options) in FAULTS.items():
        deployed.aws.inject(fault, resource=interpreters[stack], **options)
    deployed.cdk("destroy", *FAULTS, "Importing", "--force", "--concurrency", "8")
    deployed.aws.clear_faults()
    return interpreters


def answers(deployed: Deployed, stack: str) -> list[int]:
    """How often each request to a custom resource of a stack was answered."""
    requests = deployed.aws.admin("GET", "cloudformation/requests")["requests"]
    return [request["answers"] for request in requests if f":stack/{stack}/" in request["stackId"]]


@pytest.mark.parametrize("stack", FAULTS)
def test_a_stack_is_destroyed_under_a_fault_of_the_service(
    deployed: Deployed, destroyed: dict[str, str], stack: str
) -> None:
    assert not deployed.exists(stack)
    assert deployed.interpreters(stack) == []
    assert deployed.ready(destroyed[stack]) == set()
    assert answers(deployed, stack) == [1, 1]


def test_a_drain_stops_the_sessions_of_an_imported_interpreter_and_leaves_it(
    deployed: Deployed, destroyed: dict[str, str]
) -> None:
    assert not deployed.exists("Importing")
    assert deployed.ready(destroyed["Existing"]) == set()
    assert deployed.interpreters("Existing") == [destroyed["Existing"]]


def tick(deployed: Deployed, janitor: str) -> dict[str, Any]:
    """Run one janitor as its deployed schedule does, with the schedule's own input."""
    scheduler = deployed.aws.client("scheduler")
    targets = [
        scheduler.get_schedule(Name=item["Name"], GroupName=item["GroupName"])["Target"]
        for item in scheduler.list_schedules()["Schedules"]
    ]
    [target] = [target for target in targets if f'"{janitor}' in target["Input"]]
    answer = deployed.aws.client("lambda").invoke(
        FunctionName=target["Arn"], Payload=target["Input"]
    )
    assert "FunctionError" not in answer, answer["Payload"].read()
    result: dict[str, Any] = json.load(answer["Payload"])
    return result


def test_an_enforcing_janitor_stops_the_oldest_and_a_shadowing_one_none(
    deployed: Deployed,
) -> None:
    names = ["keep-me", "oldest", "older", "newer", "newest"]
    for interpreter in ("Enforced", "Shadowed"):
        for name in names:  # one after the other: their order is what is tested
            deployed.open_sessions(deployed.interpreter(interpreter), name)

    for interpreter in ("Enforced", "Shadowed"):
        tick(deployed, interpreter)

    assert deployed.ready(deployed.interpreter("Enforced")) == {"keep-me", "newer", "newest"}
    assert deployed.ready(deployed.interpreter("Shadowed")) == set(names)
