"""Every example deploys with the real CLI, works, and is destroyed with nothing left."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentcore_local import LocalAws

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples").glob("*.py"))

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws() as started:
        started.bootstrap()
        yield started


@pytest.fixture(scope="module")
def existing_arn(aws: LocalAws) -> str:
    """An interpreter that the example about imports finds there already."""
    made = aws.client("bedrock-agentcore-control").create_code_interpreter(
        name="reports", networkConfiguration={"networkMode": "SANDBOX"}
    )
    return str(made["codeInterpreterArn"])


def print_in(aws: LocalAws, interpreter: str) -> str:
    """What a print in a new session of the interpreter printed."""
    client = aws.client("bedrock-agentcore")
    session = client.start_code_interpreter_session(codeInterpreterIdentifier=interpreter)
    answer = client.invoke_code_interpreter(
        codeInterpreterIdentifier=interpreter,
        sessionId=session["sessionId"],
        name="executeCode",
        arguments={"language": "python", "code": "print(6 * 7)"},
    )
    results: list[dict[str, Any]] = [event["result"] for event in answer["stream"]]
    return "".join(item["text"] for result in results for item in result["content"])


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_deploys_runs_code_and_is_destroyed(
    aws: LocalAws, existing_arn: str, example: Path, tmp_path: Path
) -> None:
    # As a user has it: the context of cdk.json, the app's own command, a folder of its own.
    context = json.loads((example.parents[1] / "cdk.json").read_text())["context"]
    settings = {
        "app": f"{sys.executable} {example}",
        "context": {**context, "arn": existing_arn},
    }
    (tmp_path / "cdk.json").write_text(json.dumps(settings))

    aws.cdk("deploy", "--all", "--require-approval", "never", cwd=tmp_path)
    stacks = aws.client("cloudformation").describe_stacks()["Stacks"]
    interpreters = [
        output["OutputValue"]
        for stack in stacks
        for output in stack.get("Outputs", [])
        if output["OutputKey"].endswith("InterpreterId")
    ]
    printed = [print_in(aws, interpreter).strip() for interpreter in interpreters]
    aws.cdk("destroy", "--all", "--force", cwd=tmp_path, app="cdk.out")

    assert set(printed) == {"42"}
    remaining = aws.client("cloudformation").describe_stacks()["Stacks"]
    assert [stack["StackName"] for stack in remaining] == ["CDKToolkit"]
    listed = aws.client("bedrock-agentcore-control").list_code_interpreters(type="CUSTOM")
    left = [item["codeInterpreterArn"] for item in listed["codeInterpreterSummaries"]]
    assert left == [existing_arn]
