"""An interpreter in a nested stack goes its whole way with the real CLI."""

import sys
from pathlib import Path

import pytest

from agentcore_local import LocalAws

APP = f"{sys.executable} {Path(__file__).parent / 'apps' / 'nested.py'}"

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("without_validation")]


def interpreters(aws: LocalAws) -> list[str]:
    control = aws.client("bedrock-agentcore-control")
    listed = control.list_code_interpreters(type="CUSTOM", maxResults=100)
    found = [item["codeInterpreterId"] for item in listed["codeInterpreterSummaries"]]
    return [identifier for identifier in found if identifier.startswith("Inner_Sandbox")]


def test_an_interpreter_in_a_nested_stack_is_deployed_replaced_and_destroyed(
    bootstrapped_aws: LocalAws, tmp_path: Path
) -> None:
    def cdk(*arguments: str, variant: str) -> None:
        bootstrapped_aws.cdk(*arguments, app=APP, context={"variant": variant}, cwd=tmp_path)

    def output() -> str:
        client = bootstrapped_aws.client("cloudformation")
        described = client.describe_stacks(StackName="Nesting")["Stacks"][0]
        return str(
            next(
                o["OutputValue"] for o in described["Outputs"] if o["OutputKey"] == "InterpreterId"
            )
        )

    cdk("deploy", "--require-approval", "never", variant="sandbox")
    first = output()
    assert interpreters(bootstrapped_aws) == [first]
    data = bootstrapped_aws.client("bedrock-agentcore")
    data.start_code_interpreter_session(codeInterpreterIdentifier=first)

    cdk("deploy", "--require-approval", "never", variant="public")
    second = output()
    assert second != first
    assert interpreters(bootstrapped_aws) == [second]

    data.start_code_interpreter_session(codeInterpreterIdentifier=second)
    cdk("destroy", "--force", variant="public")
    assert interpreters(bootstrapped_aws) == []
