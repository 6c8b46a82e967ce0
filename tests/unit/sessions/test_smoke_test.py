"""The smoke test's custom resource: when it runs, what it may do, what it is told."""

from __future__ import annotations

import pytest
from aws_cdk import Stack
from aws_cdk import aws_s3 as s3

from cdk_code_interpreter import CodeInterpreter, SmokeTest, SystemCodeInterpreter

SMOKE = "Custom::CodeInterpreterSmokeTest"
DRAIN = "Custom::CodeInterpreterSessionDrain"


def smoke_tested(new_app, synthesize, description="one", **arguments):
    stack = Stack(new_app(), "Analytics")
    interpreter = CodeInterpreter(stack, "Sandbox", description=description)
    SmokeTest(stack, "Works", interpreter=interpreter, **arguments)
    template = synthesize(stack)
    (resource,) = [r for r in template["Resources"].values() if r["Type"] == SMOKE]
    return template, resource


def test_it_runs_again_when_the_interpreter_is_replaced_and_only_then(
    new_app, synthesize, deployed
):
    def told(description):
        template, resource = smoke_tested(new_app, synthesize, description)
        return deployed(resource["Properties"]["InterpreterId"], template)

    assert told("one") == told("one")
    assert told("one") != told("two")


def test_it_runs_again_for_another_revision_or_other_commands(new_app, synthesize):
    told = [
        smoke_tested(new_app, synthesize, **arguments)[1]["Properties"]
        for arguments in ({}, {"revision": "2"}, {"commands": ["true"]})
    ]
    assert told[0] != told[1] != told[2]
    assert told[1]["Revision"] == "2"
    assert told[2]["Commands"] == ["true"]


def test_it_comes_after_the_drain_and_its_own_permission(new_app, synthesize):
    template, resource = smoke_tested(new_app, synthesize)
    drain = resource["Properties"]["InterpreterId"]["Fn::GetAtt"][0]
    assert template["Resources"][drain]["Type"] == DRAIN
    (policy,) = resource["DependsOn"]
    (statement,) = template["Resources"][policy]["Properties"]["PolicyDocument"]["Statement"]
    assert set(statement["Action"]) == {
        "bedrock-agentcore:InvokeCodeInterpreter",
        "bedrock-agentcore:StartCodeInterpreterSession",
        "bedrock-agentcore:StopCodeInterpreterSession",
    }


def test_its_commands_come_after_what_was_granted_to_the_execution_role(new_app, synthesize):
    stack = Stack(new_app(), "Analytics")
    interpreter = CodeInterpreter(stack, "Sandbox")
    SmokeTest(stack, "Works", interpreter=interpreter, commands=["aws s3 ls"])
    s3.Bucket(stack, "Data").grant_read(interpreter)
    resources = synthesize(stack)["Resources"]
    (test,) = [each for each in resources.values() if each["Type"] == SMOKE]
    granted = [
        name
        for name, each in resources.items()
        if each["Type"] == "AWS::IAM::Policy"
        and "s3:GetObject*" in str(each["Properties"]["PolicyDocument"])
    ]
    assert granted
    assert set(granted) <= set(test["DependsOn"])


def test_the_status_of_its_own_stack_is_all_that_it_may_read(new_app, synthesize):
    template, _ = smoke_tested(new_app, synthesize)
    found = [
        statement["Resource"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::IAM::ManagedPolicy"
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]
        if "cloudformation:DescribeStacks" in statement["Action"]
    ]
    # The smoke test's function and the drain's ask what happens to the stack.
    assert found == [{"Ref": "AWS::StackId"}] * 2


def test_its_service_timeout_is_a_number(new_app, synthesize):
    _, resource = smoke_tested(new_app, synthesize)
    assert resource["Properties"]["ServiceTimeout"] == 3600


def test_the_system_interpreter_can_be_tested(stack, synthesize, resources):
    SmokeTest(stack, "Works", interpreter=SystemCodeInterpreter(stack, "System"))
    (resource,) = resources(synthesize(stack), SMOKE)
    assert resource["Properties"]["InterpreterId"] == "aws.codeinterpreter.v1"


@pytest.mark.parametrize(
    ("commands", "message"),
    [
        (["true"] * 21, "commands must be at most 20, got 21"),
        ([""], "a command must have 1 to 4096 characters, got 0"),
        (["x" * 4097], "a command must have 1 to 4096 characters, got 4097"),
    ],
)
def test_commands_that_cannot_be_run_are_refused(stack, commands, message):
    interpreter = CodeInterpreter(stack, "Sandbox")
    with pytest.raises(ValueError, match=f"Analytics/Works: {message}"):
        SmokeTest(stack, "Works", interpreter=interpreter, commands=commands)


def test_another_accounts_interpreter_is_refused(new_app):
    stack = Stack(new_app(), "Analytics", env={"account": "444455556666", "region": "eu-west-1"})
    imported = CodeInterpreter.from_code_interpreter_arn(
        stack,
        "Import",
        "arn:aws:bedrock-agentcore:eu-west-1:111122223333:code-interpreter-custom/Old-ABCDEFGHIJ",
    )
    with pytest.raises(ValueError, match="in account 111122223333"):
        SmokeTest(stack, "Works", interpreter=imported)
