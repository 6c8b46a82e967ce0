"""Wrong values are refused in the user's terms, against the limits of the service's own model."""

import re
from typing import Any

import jsii
import pytest
from aws_cdk import Duration, IStableStringProducer, Lazy, RemovalPolicy, Stack, Token
from aws_cdk import aws_secretsmanager as secretsmanager
from botocore.model import Shape
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st

from cdk_code_interpreter import CodeInterpreter
from cdk_code_interpreter._arguments.limits import (
    MAX_DESCRIPTION,
    MAX_SESSION_TIMEOUT_SECONDS,
    MAX_TAG_KEY,
    MAX_TAG_VALUE,
    MAX_TAGS,
    Findings,
    check_name,
    check_tags,
)


def member(service: str, operation: str, name: str) -> Shape:
    model = get_session().get_service_model(service).operation_model(operation)
    shape: Shape = model.input_shape.members[name]
    return shape


def create(name: str) -> Shape:
    return member("bedrock-agentcore-control", "CreateCodeInterpreter", name)


def plain(stack: Stack, **arguments: Any) -> CodeInterpreter:
    return CodeInterpreter(stack, "Sandbox", drain_on_delete=False, **arguments)


def test_the_limits_are_those_of_the_service() -> None:
    tags = create("tags")
    timeout = member("bedrock-agentcore", "StartCodeInterpreterSession", "sessionTimeoutSeconds")

    assert create("description").metadata["max"] == MAX_DESCRIPTION
    assert (tags.metadata["max"], tags.key.metadata["max"]) == (MAX_TAGS, MAX_TAG_KEY)
    assert tags.value.metadata["max"] == MAX_TAG_VALUE
    assert timeout.metadata["max"] == MAX_SESSION_TIMEOUT_SECONDS


def found_in_name(stack: Stack, name: str) -> bool:
    findings = Findings(stack, "Sandbox")
    check_name(findings, "code_interpreter_name", name)
    return _raises(findings)


def _raises(findings: Findings) -> bool:
    try:
        findings.raise_if_any()
    except ValueError:
        return True
    return False


NAMES = st.text(st.sampled_from("aZ9_-. é"), max_size=50) | st.from_regex(
    r"\A[a-z][a-z0-9_]{46,48}\n?\Z"
)


@given(name=NAMES)
def test_a_name_is_refused_exactly_where_the_service_refuses_it(name: str) -> None:
    pattern = create("name").metadata["pattern"]

    assert found_in_name(_STACK, name) is (re.fullmatch(pattern, name) is None)


@given(
    key=st.text(st.sampled_from("aZ9 ._:/=+@-é$"), max_size=130),
    value=st.text(st.sampled_from("aZ9 ._:/=+@-é$"), min_size=1, max_size=258),
)
def test_a_tag_is_refused_exactly_where_the_service_refuses_it(key: str, value: str) -> None:
    tags = create("tags")
    findings = Findings(_STACK, "Sandbox")

    check_tags(findings, {key: value})

    accepted = _fits(tags.key, key) and _fits(tags.value, value)
    assert _raises(findings) is not (accepted and not key.lower().startswith("aws:"))


def _fits(shape: Shape, text: str) -> bool:
    limits = shape.metadata
    within = limits["min"] <= len(text) <= limits["max"]
    return within and re.fullmatch(limits["pattern"], text) is not None


_STACK = Stack()

WRONG = {
    "hyphen": ({"code_interpreter_name": "my-sandbox"}, "'my-sandbox'", "underscore"),
    "digit first": ({"code_interpreter_name": "1st"}, "'1st'", "begin with a letter"),
    "empty name": ({"code_interpreter_name": ""}, "''", "1 to 48"),
    "long prefix": ({"name_prefix": "p" * 29}, "'ppppp", "1 to 28"),
    "two names": (
        {"code_interpreter_name": "sandbox", "name_prefix": "sand"},
        "name_prefix='sand'",
        "either",
    ),
    "name and revision": (
        {"code_interpreter_name": "sandbox", "name_revision": 2},
        "name_revision=2",
        "either",
    ),
    "empty description": ({"description": ""}, "got 0", "leave it out"),
    "long description": ({"description": "d" * 4097}, "got 4097", "shorten"),
    "reserved tag": ({"tags": {"AWS:team": "a"}}, "'AWS:team'", "rename"),
    "tag without a key": ({"tags": {"": "a"}}, "''", "rename"),
    "tag without a value": ({"tags": {"team": ""}}, "got ''", "leave the tag out"),
    "strange tag value": ({"tags": {"team": "a#b"}}, "'a#b'", "change it"),
    "many tags": ({"tags": {f"t{n}": "a" for n in range(51)}}, "got 51", "leave some out"),
    "no certificate": ({"certificates": []}, "got 0", "leave the argument out"),
    "short timeout": ({"session_timeout": Duration.seconds(0)}, "got 0 seconds", "1 to 28800"),
    "long timeout": ({"session_timeout": Duration.hours(9)}, "got 32400 seconds", "minutes(15)"),
    "broken timeout": ({"session_timeout": Duration.millis(1500)}, "got 1.5", "whole"),
    "snapshot": ({"removal_policy": RemovalPolicy.SNAPSHOT}, "SNAPSHOT", "RETAIN"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_value_is_refused_with_the_path_the_value_and_the_way_out(
    stack: Stack, wrong: str
) -> None:
    arguments, value, fix = WRONG[wrong]

    with pytest.raises(ValueError, match=r"^Analytics/Sandbox: ") as got:
        plain(stack, **arguments)

    assert value in str(got.value)
    assert fix in str(got.value)
    assert stack.node.children == [], "something was made before the check"


def test_all_wrong_values_come_in_one_error(stack: Stack) -> None:
    with pytest.raises(ValueError, match="3 arguments are wrong") as got:
        plain(stack, code_interpreter_name="a-b", description="", tags={"aws:a": "b"})

    assert str(got.value).count("\n- ") == 3


def test_more_certificates_than_cloudformation_takes_are_refused(stack: Stack) -> None:
    secrets = [secretsmanager.Secret(stack, f"Secret{n}") for n in range(11)]

    with pytest.raises(ValueError, match="certificates must be 1 to 10, got 11"):
        plain(stack, certificates=secrets)


def test_what_only_the_deployment_knows_is_let_through(
    stack: Stack, synthesize: Any, resources: Any
) -> None:
    token = Token.as_string({"Ref": "AWS::StackName"})
    plain(
        stack,
        code_interpreter_name=f"a-{token}",
        description=token,
        tags={"team": token},
        session_timeout=Duration.seconds(Token.as_number({"Ref": "AWS::StackName"})),
    )

    template = synthesize(stack)

    (interpreter,) = resources(template, "AWS::BedrockAgentCore::CodeInterpreterCustom")
    assert interpreter["Properties"]["Description"] == {"Ref": "AWS::StackName"}
    assert interpreter["Properties"]["Tags"]["team"] == {"Ref": "AWS::StackName"}


@jsii.implements(IStableStringProducer)
class _Later:
    def produce(self) -> str:
        return "later"


def test_a_prefix_may_be_known_later(stack: Stack) -> None:
    prefix = Lazy.string(_Later())
    interpreter = plain(stack, name_prefix=prefix)

    assert stack.resolve(interpreter.code_interpreter_name).startswith("later_")
