"""Real `cdk deploy` and `cdk destroy` into the local AWS, with IAM enforced."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from agentcore_local import LocalAws

APPS = Path(__file__).parent / "apps"
VARIANTS = ["sandbox", "public", "vpc", "role", "description"]

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("without_validation")]


def cdk(
    aws: LocalAws, app: str, *arguments: str, check: bool = True, **context: str
) -> subprocess.CompletedProcess[str]:
    """Run one command of the CLI on an app of this folder."""
    return aws.cdk(
        *arguments,
        cwd=aws.settings.data_folder,
        app=f"{sys.executable} {APPS / app}",
        context={"@aws-cdk/core:defaultCrossStackReferences": "weak", **context},
        check=check,
    )


def deploy(
    aws: LocalAws, app: str, *arguments: str, check: bool = True, **context: str
) -> subprocess.CompletedProcess[str]:
    """Deploy without asking."""
    return cdk(
        aws, app, "deploy", "--require-approval", "never", *arguments, check=check, **context
    )


@pytest.fixture(scope="module")
def aws(bootstrapped_aws: LocalAws) -> LocalAws:
    """The session's local AWS, under a short name."""
    return bootstrapped_aws


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


def test_every_create_only_property_changes_by_a_deployment(aws: LocalAws) -> None:
    context = {"stack_name": "Ours", "construct": "ours"}
    seen = set()

    for variant in VARIANTS:
        deploy(aws, "changing.py", **context, variant=variant)
        [interpreter] = interpreters(aws, "Sandbox")
        seen.add(interpreter["codeInterpreterId"])
        difference = cdk(aws, "changing.py", "diff", "--fail", **context, variant=variant)
        assert "There were no differences" in difference.stdout + difference.stderr
    cdk(aws, "changing.py", "destroy", "--force", **context, variant=VARIANTS[-1])

    assert len(seen) == len(VARIANTS)
    assert interpreters(aws, "Sandbox") == []


def test_the_plain_l2_with_its_automatic_name_conflicts_on_the_same_change(aws: LocalAws) -> None:
    context = {"stack_name": "Plain", "construct": "plain"}
    deploy(aws, "changing.py", **context, variant="sandbox")
    before = interpreters(aws, "Plain")

    deploy(aws, "changing.py", **context, variant="public", check=False)

    [failure] = failures(aws, "Plain")
    assert "ConflictException" in failure
    assert stack_status(aws, "Plain") == "UPDATE_ROLLBACK_COMPLETE"
    assert interpreters(aws, "Plain") == before
    assert len(before) == 1
    cdk(aws, "changing.py", "destroy", "--force", **context, variant="sandbox")


def test_a_consumer_in_another_stack_keeps_working_through_a_replacement(aws: LocalAws) -> None:
    functions = aws.client("lambda")
    answers = []

    for description in ("first", "second"):
        deploy(aws, "two_stacks.py", "--all", description=description)
        stack = aws.client("cloudformation").describe_stacks(StackName="Product")
        [output] = stack["Stacks"][0]["Outputs"]
        answer = functions.invoke(
            FunctionName=output["OutputValue"], Payload=json.dumps({"code": "print(6 * 7)"})
        )
        answers.append(json.load(answer["Payload"]))
        assert len(interpreters(aws, "Sandbox")) == 1
    cdk(aws, "two_stacks.py", "destroy", "--all", "--force", description="second")

    assert answers == [{"output": "42", "is_error": False}] * 2
    assert interpreters(aws, "Sandbox") == []


def test_a_plain_l2_that_was_drained_moves_without_leaving_a_session(aws: LocalAws) -> None:
    sessions = aws.client("bedrock-agentcore")
    deploy(aws, "moving.py", "--all", "--concurrency", "2")
    old = [each["codeInterpreterId"] for each in interpreters(aws, "Moving")]
    for each in old:
        sessions.start_code_interpreter_session(codeInterpreterIdentifier=each, name="agent")

    moved = deploy(aws, "moving.py", "--all", "--concurrency", "2", moved="true")

    ready = [
        each["codeInterpreterIdentifier"]
        for each in aws.admin("GET", "sessions")["sessions"]
        if each["status"] == "READY"
    ]
    now = {each["codeInterpreterId"] for each in interpreters(aws)}
    cdk(aws, "moving.py", "destroy", "--all", "--force", moved="true")

    assert len(old) == 2
    assert not set(ready) & set(old)
    assert now.isdisjoint(old)
    assert "skipped" not in moved.stdout + moved.stderr
    assert interpreters(aws, "Sandbox") == []
