"""References from other stacks: the interpreter stays free to be replaced."""

import json
from typing import Any

import pytest
from aws_cdk import CfnOutput, NestedStack, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from cdk_code_interpreter import (
    Canary,
    CodeInterpreter,
    CodeInterpreterAlarms,
    CodeInterpreterDashboard,
    GovernedCodeInterpreter,
    ICodeInterpreter,
    LogDelivery,
    SessionJanitor,
    SmokeTest,
)


def consume(interpreter: CodeInterpreter, consumer: Stack) -> None:
    for key, value in interpreter.environment.items():
        CfnOutput(consumer, key.replace("_", ""), value=value)


def exports(template: dict[str, Any]) -> list[str]:
    return [key for key, output in template.get("Outputs", {}).items() if "Export" in output]


def test_a_consumer_in_another_stack_refers_weakly_even_where_the_app_refers_strongly(
    new_app: Any, synthesize: Any
) -> None:
    for number, drained in enumerate((True, False)):
        app = new_app()
        producer, consumer = Stack(app, f"Producer{number}"), Stack(app, f"Consumer{number}")
        consume(CodeInterpreter(producer, "Sandbox", drain_on_delete=drained), consumer)

        assert exports(synthesize(producer)) == []
        outputs = synthesize(consumer)["Outputs"]
        assert set(outputs["CODEINTERPRETERID"]["Value"]) == {"Fn::GetStackOutput"}
        assert set(outputs["CODEINTERPRETERARN"]["Value"]) == {"Fn::GetStackOutput"}


def test_a_replacement_changes_the_consumers_own_template(new_app: Any, synthesize: Any) -> None:
    """Without a change of its own, CloudFormation leaves a stack as it is, with the dead id."""
    templates = []
    for description in ("Before", "After"):
        app = new_app()
        producer, consumer = Stack(app, "Producer"), Stack(app, "Consumer")
        interpreter = CodeInterpreter(producer, "Sandbox", description=description)
        consume(interpreter, consumer)
        role = iam.Role(consumer, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        interpreter.grants.use(role)
        templates.append(synthesize(consumer))

    before, after = templates
    changed = [key for key in before["Outputs"] if before["Outputs"][key] != after["Outputs"][key]]
    assert changed == ["CODEINTERPRETERNAME"]
    assert before["Resources"] == after["Resources"]


def ours(producer: Stack, replaced: bool) -> ICodeInterpreter:
    return CodeInterpreter(producer, "Sandbox", description="After" if replaced else "Before")


def undrained(producer: Stack, replaced: bool) -> ICodeInterpreter:
    revision = int(replaced)
    return CodeInterpreter(producer, "Sandbox", name_revision=revision, drain_on_delete=False)


def governed(producer: Stack, replaced: bool) -> ICodeInterpreter:
    # Its own logs would be delivered twice.
    revision = int(replaced)
    return GovernedCodeInterpreter(producer, "Sandbox", name_revision=revision, usage_logs=False)


def plain(producer: Stack, replaced: bool) -> ICodeInterpreter:
    # Its name has to change with anything else, since CloudFormation makes the new one first.
    name = f"Sandbox{int(replaced)}"
    l2 = agentcore.CodeInterpreterCustom(
        producer, "Sandbox", code_interpreter_custom_name=name, description=name
    )
    return CodeInterpreter.from_l2(l2)


def govern(interpreter: ICodeInterpreter, scope: Stack) -> None:
    janitor = SessionJanitor(scope, "Janitor", interpreter=interpreter)
    canary = Canary(scope, "Canary", interpreter=interpreter)
    SmokeTest(scope, "SmokeTest", interpreter=interpreter)
    LogDelivery(scope, "Logs", interpreter=interpreter, application_logs=True, traces=True)
    alarms = CodeInterpreterAlarms(
        scope, "Alarms", interpreter=interpreter, janitor=janitor, canary=canary
    )
    janitor.stop_all_on(alarms.alarm("SessionStarts"))
    CodeInterpreterDashboard(scope, "Dashboard", interpreters=[interpreter], alarms=[alarms])
    interpreter.export_to_parameter_store(scope, "Parameters", path="/analytics/sandbox")
    role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    interpreter.grants.use(role)


@pytest.mark.parametrize("make", [ours, undrained, governed, plain])
def test_a_replacement_changes_each_resource_of_another_stack_that_refers_to_the_interpreter(
    new_app: Any, synthesize: Any, make: Any
) -> None:
    before, after = (
        _governed_elsewhere(make, replaced, new_app, synthesize)["Resources"]
        for replaced in (False, True)
    )
    referring = [key for key, each in before.items() if "Fn::GetStackOutput" in json.dumps(each)]
    types = {before[key]["Type"].rpartition("::")[2] for key in referring}
    assert types >= {
        "Alarm",
        "Alias",
        "CodeInterpreterSmokeTest",
        "Dashboard",
        "DeliverySource",
        "Parameter",
        "Schedule",
    }
    assert [key for key in referring if after.get(key) == before[key]] == []


def _governed_elsewhere(make: Any, replaced: bool, new_app: Any, synthesize: Any) -> Any:
    app = new_app(**{"@aws-cdk/core:defaultCrossStackReferences": "weak"})
    producer, consumer = Stack(app, "Producer"), Stack(app, "Consumer")
    govern(make(producer, replaced), consumer)
    return synthesize(consumer)


def test_nothing_is_added_where_the_interpreter_is_in_the_same_stack(
    new_app: Any, synthesize: Any
) -> None:
    stack = Stack(new_app(), "Analytics")
    interpreter = CodeInterpreter(stack, "Sandbox")
    govern(interpreter, stack)
    template = synthesize(stack)
    (resource,) = [
        key
        for key, each in template["Resources"].items()
        if "CodeInterpreterCustom" in each["Type"]
    ]
    name = template["Resources"].pop(resource)["Properties"]["Name"]
    said = {key for key, each in template["Resources"].items() if name in json.dumps(each)}
    assert {template["Resources"][key]["Properties"].get("Value") for key in said} == {name}


def test_other_references_to_the_stack_stay_as_the_app_wants_them(
    new_app: Any, synthesize: Any
) -> None:
    app = new_app()
    producer, consumer = Stack(app, "Producer"), Stack(app, "Consumer")
    CodeInterpreter(producer, "Sandbox")
    CfnOutput(consumer, "Bucket", value=s3.Bucket(producer, "Bucket").bucket_arn)

    assert len(exports(synthesize(producer))) == 1


def test_a_consumer_of_a_nested_interpreter_holds_no_export_in_use(
    new_app: Any, synthesize: Any
) -> None:
    app = new_app()
    producer, consumer = Stack(app, "Producer"), Stack(app, "Consumer")
    inner = NestedStack(NestedStack(producer, "Middle"), "Inner")
    consume(CodeInterpreter(inner, "Sandbox"), consumer)

    template = synthesize(consumer)

    assert "Fn::ImportValue" not in json.dumps(template)
    assert "Fn::GetStackOutput" in json.dumps(template["Outputs"]["CODEINTERPRETERID"])


def test_what_others_already_import_from_the_nest_stays_exported(
    new_app: Any, synthesize: Any
) -> None:
    """An export that disappears while it is imported fails the deployment."""
    exported = []
    for with_interpreter in (False, True):
        app = new_app()
        producer, consumer = Stack(app, "Producer"), Stack(app, "Consumer")
        nested = NestedStack(producer, "Nested")
        CfnOutput(consumer, "Bucket", value=s3.Bucket(nested, "Bucket").bucket_arn)
        if with_interpreter:
            CodeInterpreter(nested, "Sandbox")
        exported.append(exports(synthesize(producer)))

    assert exported[0] == exported[1] != []
