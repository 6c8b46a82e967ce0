"""What tests of constructs share: apps that synthesize quickly, and templates made concrete."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from aws_cdk import App, Stack

from .apps import QUICK

ACCOUNT = "111122223333"
REGION = "eu-west-1"


def make_app(**context: object) -> App:
    """An app without the template validation, which has tests of its own."""
    return App(
        **QUICK,
        analytics_reporting=False,
        context={"@aws-cdk/core:defaultCrossStackReferences": "strong", **context},
    )


def template_of(stack: Stack) -> dict[str, Any]:
    """The synthesized template of one stack."""
    root = stack.node.root
    assert isinstance(root, App)
    assembly = root.synth(force=True)
    if stack.nested_stack_parent is not None:
        return assembly.get_stack_by_name(stack.nested_stack_parent.stack_name).template
    return assembly.get_stack_artifact(stack.artifact_id).template


def of_type(template: Mapping[str, Any], resource_type: str) -> list[dict[str, Any]]:
    """All resources of one type, by their order in the template."""
    return [r for r in template["Resources"].values() if r["Type"] == resource_type]


INTERPRETER_TYPE = "AWS::BedrockAgentCore::CodeInterpreterCustom"


def concrete(value: Any, template: Mapping[str, Any]) -> Any:
    """A template value as it is once deployed, to the test account, with invented suffixes."""
    if isinstance(value, list):
        return [concrete(item, template) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"}:
        return {
            "AWS::Partition": "aws",
            "AWS::Region": REGION,
            "AWS::AccountId": ACCOUNT,
            "AWS::URLSuffix": "amazonaws.com",
        }.get(value["Ref"], value)
    if "Fn::Join" in value:
        delimiter, parts = value["Fn::Join"]
        return delimiter.join(concrete(part, template) for part in parts)
    if "Fn::Sub" in value:
        return _substituted(value["Fn::Sub"], template)
    if "Fn::GetAtt" in value:
        return _attribute(value["Fn::GetAtt"], template)
    return {key: concrete(item, template) for key, item in value.items()}


def _substituted(value: Any, template: Mapping[str, Any]) -> str:
    text, variables = value if isinstance(value, list) else (value, {})

    def replacement(found: re.Match[str]) -> str:
        name = found[1]
        if name.startswith("!"):
            return f"${{{name[1:]}}}"
        return str(concrete(variables.get(name, {"Ref": name}), template))

    return re.sub(r"\$\{([^}]*)\}", replacement, text)


def _attribute(get_att: list[str], template: Mapping[str, Any]) -> Any:
    logical_id, attribute = get_att
    resource = template["Resources"][logical_id]
    if resource["Type"] == INTERPRETER_TYPE:
        deployed_id = f"{resource['Properties']['Name']}-ABCDEFGHIJ"
        arn = f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:code-interpreter-custom/{deployed_id}"
        return {"CodeInterpreterId": deployed_id, "CodeInterpreterArn": arn}[attribute]
    if resource["Type"] == "Custom::CodeInterpreterSessionDrain":  # it answers what it is given
        given = {"CodeInterpreterId": "InterpreterId", "CodeInterpreterArn": "InterpreterArn"}
        return concrete(resource["Properties"][given[attribute]], template)
    return {"Fn::GetAtt": get_att}


@pytest.fixture(scope="session")
def new_app() -> Callable[..., App]:
    return make_app


@pytest.fixture
def stack() -> Stack:
    """A stack in an app of its own, of no account and region in particular."""
    return Stack(make_app(), "Analytics")


@pytest.fixture(scope="session")
def synthesize() -> Callable[[Stack], dict[str, Any]]:
    return template_of


@pytest.fixture(scope="session")
def resources() -> Callable[[Mapping[str, Any], str], list[dict[str, Any]]]:
    return of_type


@pytest.fixture(scope="session")
def deployed() -> Callable[[Any, Mapping[str, Any]], Any]:
    return concrete
