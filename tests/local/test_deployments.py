"""Real `cdk deploy` and `cdk destroy` into the local AWS, with IAM enforced."""

import json
import sys
from pathlib import Path

import pytest

from agentcore_local import LocalAws

APPS = Path(__file__).parent / "apps"
VARIANTS = ["sandbox", "public", "vpc", "role", "description"]

pytestmark = [pytest.mark.xdist_group("deployments"), pytest.mark.timeout(600)]


class App:
    """A CDK app of this folder, deployed with the real CLI."""

    def __init__(self, aws: LocalAws, name: str, folder: Path) -> None:
        self.aws = aws
        self.folder = folder
        self.command = f"{sys.executable} {APPS / name}"

    def cdk(self, *arguments: str, check: bool = True, **context: str) -> str:
        """Run one command of the CLI and return all it printed."""
        given = [part for name, value in context.items() for part in ("-c", f"{name}={value}")]
        flags = ["-c", "@aws-cdk/core:defaultCrossStackReferences=weak"]
        finished = self.aws.cdk(
            *arguments, "--app", self.command, *given, *flags, cwd=self.folder, check=check
        )
        return finished.stdout + finished.stderr

    def deploy(self, *arguments: str, check: bool = True, **context: str) -> str:
        """Deploy without asking."""
        return self.cdk("deploy", "--require-approval", "never", *arguments, check=check, **context)


def interpreters(aws: LocalAws, prefix: str = "") -> list[dict[str, str]]:
    listed = aws.client("bedrock-agentcore-control").list_code_interpreters(type="CUSTOM")
    return [item for item in listed["codeInterpreterSummaries"] if item["name"].startswith(prefix)]


def stack_status(aws: LocalAws, name: str) -> str:
    stacks = aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    return str(stacks[0]["StackStatus"])


def failures(aws: LocalAws, stack: str) -> list[str]:
    """Why resources of a stack failed."""
    events = aws.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return [
        event["ResourceStatusReason"]
        for event in events
        if event["ResourceStatus"].endswith("_FAILED") and "Stack" not in event["ResourceType"]
    ]


@pytest.fixture
def changing(bootstrapped_aws: LocalAws, tmp_path: Path) -> App:
    return App(bootstrapped_aws, "changing.py", tmp_path)


def test_every_create_only_property_changes_by_a_deployment(
    bootstrapped_aws: LocalAws, changing: App
) -> None:
    context = {"stack_name": "Ours", "construct": "ours"}
    seen = set()

    for variant in VARIANTS:
        changing.deploy(**context, variant=variant)
        [interpreter] = interpreters(bootstrapped_aws, "Sandbox")
        seen.add(interpreter["codeInterpreterId"])
        difference = changing.cdk("diff", "--fail", **context, variant=variant)
        assert "There were no differences" in difference
    changing.cdk("destroy", "--force", **context, variant=VARIANTS[-1])

    assert len(seen) == len(VARIANTS)
    assert interpreters(bootstrapped_aws, "Sandbox") == []


def test_the_plain_l2_with_its_automatic_name_conflicts_on_the_same_change(
    bootstrapped_aws: LocalAws, changing: App
) -> None:
    context = {"stack_name": "Plain", "construct": "plain"}
    changing.deploy(**context, variant="sandbox")
    before = interpreters(bootstrapped_aws, "Plain")

    changing.deploy(**context, variant="public", check=False)

    [failure] = failures(bootstrapped_aws, "Plain")
    assert "ConflictException" in failure
    assert stack_status(bootstrapped_aws, "Plain") == "UPDATE_ROLLBACK_COMPLETE"
    assert interpreters(bootstrapped_aws, "Plain") == before
    assert len(before) == 1
    changing.cdk("destroy", "--force", **context, variant="sandbox")


def test_a_consumer_in_another_stack_keeps_working_through_a_replacement(
    bootstrapped_aws: LocalAws, tmp_path: Path
) -> None:
    app = App(bootstrapped_aws, "two_stacks.py", tmp_path)
    functions = bootstrapped_aws.client("lambda")
    answers = []

    for description in ("first", "second"):
        app.deploy("--all", description=description)
        stack = bootstrapped_aws.client("cloudformation").describe_stacks(StackName="Product")
        [output] = stack["Stacks"][0]["Outputs"]
        answer = functions.invoke(
            FunctionName=output["OutputValue"], Payload=json.dumps({"code": "print(6 * 7)"})
        )
        answers.append(json.load(answer["Payload"]))
        assert len(interpreters(bootstrapped_aws, "Sandbox")) == 1
    app.cdk("destroy", "--all", "--force", description="second")

    assert answers == [{"output": "42", "is_error": False}] * 2
    assert interpreters(bootstrapped_aws, "Sandbox") == []
