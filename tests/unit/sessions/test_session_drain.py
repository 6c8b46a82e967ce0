"""The drain's custom resource: who waits for whom, and what the function is told."""

from __future__ import annotations

import json

import pytest
from aws_cdk import App, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from cdk_code_interpreter import (
    CodeInterpreter,
    GovernedCodeInterpreter,
    OnDrainFailure,
    SessionDrain,
    SystemCodeInterpreter,
)
from session_manager.drain import Settings

DRAIN = "Custom::CodeInterpreterSessionDrain"
IMPORTED = "arn:aws:bedrock-agentcore:eu-west-1:111122223333:code-interpreter-custom/Old-ABCDEFGHIJ"


def plain(stack: Stack) -> CodeInterpreter:
    return CodeInterpreter(stack, "Sandbox", drain_on_delete=False)


def test_an_interpreter_has_a_drain_unless_it_is_switched_off(stack, synthesize, resources):
    CodeInterpreter(stack, "Drained")
    CodeInterpreter(stack, "Plain", drain_on_delete=False)
    assert len(resources(synthesize(stack), DRAIN)) == 1


@pytest.fixture(scope="module")
def drained(new_app, synthesize):
    stack = Stack(new_app(), "Analytics")
    interpreter = CodeInterpreter(stack, "Sandbox")
    CfnOutput(stack, "Id", value=interpreter.code_interpreter_id)
    CfnOutput(stack, "Arn", value=interpreter.code_interpreter_arn)
    return synthesize(stack)


def resource_of(template, resource_type):
    return next(r for r in template["Resources"].values() if r["Type"] == resource_type)


def test_the_function_understands_what_it_is_told(drained, deployed):
    properties = deployed(resource_of(drained, DRAIN)["Properties"], drained)
    settings = Settings.read(properties)
    assert settings.interpreter_id.startswith("Sandbox_")
    assert settings.interpreter_arn.endswith(settings.interpreter_id)
    assert settings.interpreter_id.startswith(f"{settings.name}_")
    assert (settings.block, settings.timeout, settings.region) == (False, 840.0, None)


def test_users_of_the_interpreter_wait_for_the_drain_and_the_drain_for_the_interpreter(drained):
    def names(value):
        return {inner["Fn::GetAtt"][0] for inner in walk(value) if "Fn::GetAtt" in inner}

    def walk(value):
        if isinstance(value, dict):
            yield value
            for inner in value.values():
                yield from walk(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from walk(inner)

    drain = next(n for n, r in drained["Resources"].items() if r["Type"] == DRAIN)
    assert names(drained["Outputs"]) == {drain}
    used = names(drained["Resources"][drain]["Properties"])
    types = {drained["Resources"][each]["Type"] for each in used}
    assert types == {"AWS::BedrockAgentCore::CodeInterpreterCustom", "AWS::Lambda::Function"}


def test_the_answer_has_the_attributes_that_the_template_reads(drained):
    read = {each["Value"]["Fn::GetAtt"][1] for each in drained["Outputs"].values()}
    from session_manager import drain
    from session_manager.cloudformation import Request

    request = Request("Update", "x", "stack", "Drain", {"InterpreterId": "a-0123456789"})

    class Context:
        def get_remaining_time_in_millis(self):
            return 900_000

    assert read == set(drain.handle(request, Context()).data)


def test_the_service_timeout_is_a_number_and_earns_no_warning(tmp_path):
    app = App(outdir=str(tmp_path))
    CodeInterpreter(Stack(app, "Analytics"), "Sandbox")
    assembly = app.synth()
    template = assembly.get_stack_by_name("Analytics").template
    assert resource_of(template, DRAIN)["Properties"]["ServiceTimeout"] == 3600
    report = tmp_path / "validation-report.json"
    found = json.loads(report.read_text())["pluginReports"] if report.exists() else []
    assert [violation for each in found for violation in each.get("violations", [])] == []


def may(template, deployed, action, arn):
    """What the drain's role may do, by an evaluator that is not ours."""
    documents = [
        parse_policy_document(deployed(resource["Properties"]["PolicyDocument"], template))
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::ManagedPolicy" and "DrainAccess" in name
    ]
    context = EvalContext(
        principal_arn="arn:aws:iam::111122223333:role/drain",
        principal_type="AssumedRole",
        principal_account="111122223333",
        action=f"bedrock-agentcore:{action}",
        resource_arn=arn,
        region="eu-west-1",
    )
    return evaluate(context, documents).decision == "Allow"


def test_the_drain_may_list_and_stop_in_every_generation_and_nothing_else(drained, deployed):
    settings = Settings.read(deployed(resource_of(drained, DRAIN)["Properties"], drained))
    older = f"{settings.interpreter_arn.rpartition('/')[0]}/{settings.name}_00000000-ZZZZZZZZZZ"
    other = f"{settings.interpreter_arn.rpartition('/')[0]}/Other_0123456789_00000000-ZZZZZZZZZZ"
    for action in ("ListCodeInterpreterSessions", "StopCodeInterpreterSession"):
        assert may(drained, deployed, action, settings.interpreter_arn)
        assert may(drained, deployed, action, older)
        assert not may(drained, deployed, action, other)
    for action in ("InvokeCodeInterpreter", "StartCodeInterpreterSession", "DeleteCodeInterpreter"):
        assert not may(drained, deployed, action, settings.interpreter_arn)


def test_block_and_timeout_reach_the_function(stack, synthesize, resources):
    SessionDrain(
        stack,
        "Drain",
        interpreter=plain(stack),
        on_failure=OnDrainFailure.BLOCK,
        timeout=Duration.minutes(5),
    )
    (drain,) = resources(synthesize(stack), DRAIN)
    settings = Settings.read(drain["Properties"])
    assert (settings.block, settings.timeout) == (True, 300.0)


@pytest.mark.parametrize("make", [CodeInterpreter, GovernedCodeInterpreter])
def test_an_interpreters_own_drain_blocks_where_it_is_told_to_without_being_moved(
    new_app, synthesize, make
):
    def drain(**options):
        stack = Stack(new_app(), "Analytics")
        make(stack, "Sandbox", **options)
        ((name, found),) = [
            (name, each)
            for name, each in synthesize(stack)["Resources"].items()
            if each["Type"] == DRAIN
        ]
        return name, Settings.read(found["Properties"])

    name, default = drain()
    same_name, told = drain(
        on_drain_failure=OnDrainFailure.BLOCK, drain_timeout=Duration.minutes(5)
    )
    assert (default.block, default.timeout) == (False, 840.0)
    assert (told.block, told.timeout) == (True, 300.0)
    # Another logical id would be a new drain, and deleting the old one would stop all sessions.
    assert name == same_name


@pytest.mark.parametrize(
    "undrained", [{"drain_on_delete": False}, {"removal_policy": RemovalPolicy.RETAIN}]
)
@pytest.mark.parametrize(
    ("option", "value"),
    [("on_drain_failure", OnDrainFailure.BLOCK), ("drain_timeout", Duration.minutes(5))],
)
def test_an_interpreter_without_a_drain_takes_no_options_of_one(stack, undrained, option, value):
    with pytest.raises(ValueError, match=f"Analytics/Sandbox: got {option}, but nothing stops"):
        CodeInterpreter(stack, "Sandbox", **undrained, **{option: value})


def test_a_drain_timeout_out_of_range_is_refused_by_its_own_name(stack):
    with pytest.raises(ValueError, match="drain_timeout must be 60 to 840 whole seconds, got 900"):
        CodeInterpreter(stack, "Sandbox", drain_timeout=Duration.minutes(15))


def test_an_l2_and_an_import_are_drained_like_our_own(stack, synthesize, resources, deployed):
    l2 = agentcore.CodeInterpreterCustom(stack, "Plain")
    SessionDrain(stack, "OfL2", interpreter=CodeInterpreter.from_l2(l2))
    imported = CodeInterpreter.from_code_interpreter_arn(stack, "Import", IMPORTED)
    SessionDrain(stack, "OfImport", interpreter=imported)
    template = synthesize(stack)
    settings = [
        Settings.read(deployed(r["Properties"], template)) for r in resources(template, DRAIN)
    ]
    assert {each.interpreter_id.rpartition("-")[2] for each in settings} == {"ABCDEFGHIJ"}
    assert settings[1].name == "Old-ABCDEFGHIJ"
    for each in settings:
        assert may(template, deployed, "StopCodeInterpreterSession", each.interpreter_arn)


def test_an_import_from_another_region_is_drained_there(new_app, synthesize, resources):
    stack = Stack(new_app(), "Analytics", env={"account": "111122223333", "region": "us-east-1"})
    imported = CodeInterpreter.from_code_interpreter_arn(stack, "Import", IMPORTED)
    SessionDrain(stack, "Drain", interpreter=imported)
    (drain,) = resources(synthesize(stack), DRAIN)
    assert Settings.read(drain["Properties"]).region == "eu-west-1"


def test_another_accounts_interpreter_is_refused(new_app):
    stack = Stack(new_app(), "Analytics", env={"account": "444455556666", "region": "eu-west-1"})
    imported = CodeInterpreter.from_code_interpreter_arn(stack, "Import", IMPORTED)
    with pytest.raises(ValueError, match="in account 111122223333, this stack in 444455556666"):
        SessionDrain(stack, "Drain", interpreter=imported)


def test_another_stacks_interpreter_is_refused(new_app):
    app = new_app()
    interpreter = plain(Stack(app, "Analytics"))
    with pytest.raises(ValueError, match="Agents/Drain: the interpreter is defined in the stack"):
        SessionDrain(Stack(app, "Agents"), "Drain", interpreter=interpreter)


def test_the_system_interpreter_is_refused(stack):
    with pytest.raises(ValueError, match="Analytics/Drain: the system interpreter is never"):
        SessionDrain(stack, "Drain", interpreter=SystemCodeInterpreter(stack, "System"))


@pytest.mark.parametrize("seconds", [59, 841])
def test_a_timeout_that_leaves_no_time_to_answer_is_refused(stack, seconds):
    with pytest.raises(ValueError, match=f"60 to 840 whole seconds, got {seconds} seconds"):
        SessionDrain(stack, "Drain", interpreter=plain(stack), timeout=Duration.seconds(seconds))


@pytest.mark.parametrize("seconds", [60, 840])
def test_the_limits_of_the_timeout_are_possible(stack, seconds):
    SessionDrain(stack, "Drain", interpreter=plain(stack), timeout=Duration.seconds(seconds))


def test_the_functions_timeout_leaves_time_to_answer_after_the_longest_drain(drained):
    from session_manager.cloudformation import TIME_TO_ANSWER
    from session_manager.drain import LONGEST_DRAIN

    function = resource_of(drained, "AWS::Lambda::Function")
    assert LONGEST_DRAIN + TIME_TO_ANSWER <= function["Properties"]["Timeout"] == 900
