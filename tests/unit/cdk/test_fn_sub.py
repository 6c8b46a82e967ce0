"""Texts with tokens, as CloudFormation puts them together."""

from __future__ import annotations

import json

import pytest
from aws_cdk import App, Aws, CfnOutput, Fn, Stack
from aws_cdk import aws_sqs as sqs

from cdk_code_interpreter._cdk.fn_sub import substituted


@pytest.fixture
def written(stack, synthesize):
    """What a template says in the place of a text."""

    def of(text: str):
        CfnOutput(stack, "Text", value=substituted(text))
        return synthesize(stack)["Outputs"]["Text"]["Value"]

    return of


def test_pseudo_parameters_are_named_as_cloudformation_names_them(written, deployed):
    value = written(f"arn:{Aws.PARTITION}:x:{Aws.REGION}:{Aws.ACCOUNT_ID}:y")
    assert value == {"Fn::Sub": "arn:${AWS::Partition}:x:${AWS::Region}:${AWS::AccountId}:y"}
    assert deployed(value, {}) == "arn:aws:x:eu-west-1:111122223333:y"


def test_a_token_is_a_variable_however_often_it_stands_there(stack, written):
    queue = sqs.Queue(stack, "Queue")
    text, variables = written(f"{queue.queue_arn} and {queue.queue_arn}")["Fn::Sub"]
    assert text == "${Value1} and ${Value1}"
    assert variables == {
        "Value1": {"Fn::GetAtt": [stack.get_logical_id(queue.node.default_child), "Arn"]}
    }


def test_what_only_looks_like_a_variable_stays_as_it_is(written, deployed):
    text = json.dumps({"label": "${PROP('Dim.Resource')} ${AWS::Region} ${!x}"})
    assert deployed(written(text), {}) == text


def test_a_text_without_tokens_stays_a_text(written):
    assert written("plain") == "plain"


def test_tokens_that_are_numbered_otherwise_make_the_same_template(new_app, synthesize):
    def template():
        stack = Stack(new_app(), "Numbered")
        queues = [sqs.Queue(stack, name) for name in ("A", "B")]
        # The numbers go up from token to token, in every app of a process.
        text = "+".join(each.queue_arn for each in queues)
        CfnOutput(stack, "Text", value=substituted(text))
        return text, synthesize(stack)["Outputs"]["Text"]

    (one, first), (other, second) = template(), template()
    assert one != other
    assert first == second


def test_no_token_is_left(new_app):
    app = App()
    stack = Stack(app, "S")
    CfnOutput(stack, "Text", value=substituted(f"{stack.stack_id}{Fn.ref('AWS::StackName')}"))
    assert "${Token" not in json.dumps(app.synth().get_stack_by_name("S").template)
