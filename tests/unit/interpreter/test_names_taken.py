"""A fixed name that another interpreter of the app has is found at synthesis."""

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_bedrockagentcore as agentcore

from cdk_code_interpreter import CodeInterpreter

from ..apps import QUICK


def app() -> App:
    return App(analytics_reporting=False, **QUICK)


def l2(stack: Stack) -> None:
    agentcore.CodeInterpreterCustom(stack, "Plain", code_interpreter_custom_name="tool")


def l1(stack: Stack) -> None:
    network = agentcore.CfnCodeInterpreterCustom.CodeInterpreterNetworkConfigurationProperty(
        network_mode="SANDBOX"
    )
    agentcore.CfnCodeInterpreterCustom(stack, "Raw", name="tool", network_configuration=network)


def ours(stack: Stack) -> None:
    CodeInterpreter(stack, "Other", code_interpreter_name="tool", drain_on_delete=False)


@pytest.mark.parametrize("make", [l2, l1, ours])
def test_a_name_that_another_stack_has_is_found(make: object) -> None:
    root = app()
    CodeInterpreter(Stack(root, "First"), "Sandbox", code_interpreter_name="tool")
    make(Stack(root, "Second"))  # type: ignore[operator]
    with pytest.raises(RuntimeError, match=r"code_interpreter_name 'tool' is that of .* in Second"):
        root.synth()


def test_the_same_name_in_another_account_is_fine() -> None:
    root = app()
    for account in ("111122223333", "999988887777"):
        stack = Stack(root, f"In{account}", env=Environment(account=account, region="eu-west-1"))
        CodeInterpreter(stack, "Sandbox", code_interpreter_name="tool", drain_on_delete=False)
    root.synth()


@pytest.mark.parametrize("identifier", ["reports-0123456789", "a_1-ABCDEFGHIJ"])
def test_an_interpreter_is_imported_by_its_id(identifier: str) -> None:
    stack = Stack(app(), "Analytics", env=Environment(account="111122223333", region="eu-west-1"))
    imported = CodeInterpreter.from_code_interpreter_id(stack, "Reports", identifier)
    assert stack.resolve(imported.code_interpreter_id) == identifier
    assert str(stack.resolve(imported.code_interpreter_arn)).endswith(
        f":bedrock-agentcore:eu-west-1:111122223333:code-interpreter-custom/{identifier}']]}}"
    )


@pytest.mark.parametrize("identifier", ["reports", "aws.codeinterpreter.v1", "a-b-0123456789", ""])
def test_what_is_no_id_is_refused(identifier: str) -> None:
    with pytest.raises(ValueError, match="Analytics/Reports: code_interpreter_id must be the id"):
        CodeInterpreter.from_code_interpreter_id(Stack(app(), "Analytics"), "Reports", identifier)
