"""References from other stacks: the interpreter stays free to be replaced."""

import json
from typing import Any

from aws_cdk import CfnOutput, NestedStack, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from cdk_code_interpreter import CodeInterpreter


def consume(interpreter: CodeInterpreter, consumer: Stack) -> None:
    for key, value in interpreter.environment.items():
        CfnOutput(consumer, key.replace("_", ""), value=value)


def exports(template: dict[str, Any]) -> list[str]:
    return [key for key, output in template.get("Outputs", {}).items() if "Export" in output]


def test_a_consumer_in_another_stack_refers_weakly_even_where_the_app_refers_strongly(
    new_app: Any, synthesise: Any
) -> None:
    for number, drained in enumerate((True, False)):
        app = new_app()
        producer, consumer = Stack(app, f"Producer{number}"), Stack(app, f"Consumer{number}")
        consume(CodeInterpreter(producer, "Sandbox", drain_on_delete=drained), consumer)

        assert exports(synthesise(producer)) == []
        outputs = synthesise(consumer)["Outputs"]
        assert set(outputs["CODEINTERPRETERID"]["Value"]) == {"Fn::GetStackOutput"}
        assert set(outputs["CODEINTERPRETERARN"]["Value"]) == {"Fn::GetStackOutput"}


def test_a_replacement_changes_the_consumers_own_template(new_app: Any, synthesise: Any) -> None:
    """Without a change of its own, CloudFormation leaves a stack as it is, with the dead id."""
    templates = []
    for description in ("Before", "After"):
        app = new_app()
        producer, consumer = Stack(app, "Producer"), Stack(app, "Consumer")
        interpreter = CodeInterpreter(producer, "Sandbox", description=description)
        consume(interpreter, consumer)
        role = iam.Role(consumer, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        interpreter.grants.use(role)
        templates.append(synthesise(consumer))

    before, after = templates
    changed = [key for key in before["Outputs"] if before["Outputs"][key] != after["Outputs"][key]]
    assert changed == ["CODEINTERPRETERNAME"]
    assert before["Resources"] == after["Resources"]


def test_other_references_to_the_stack_stay_as_the_app_wants_them(
    new_app: Any, synthesise: Any
) -> None:
    app = new_app()
    producer, consumer = Stack(app, "Producer"), Stack(app, "Consumer")
    CodeInterpreter(producer, "Sandbox")
    CfnOutput(consumer, "Bucket", value=s3.Bucket(producer, "Bucket").bucket_arn)

    assert len(exports(synthesise(producer))) == 1


def test_a_consumer_of_a_nested_interpreter_holds_no_export_in_use(
    new_app: Any, synthesise: Any
) -> None:
    app = new_app()
    producer, consumer = Stack(app, "Producer"), Stack(app, "Consumer")
    inner = NestedStack(NestedStack(producer, "Middle"), "Inner")
    consume(CodeInterpreter(inner, "Sandbox"), consumer)

    template = synthesise(consumer)

    assert "Fn::ImportValue" not in json.dumps(template)
    assert "Fn::GetStackOutput" in json.dumps(template["Outputs"]["CODEINTERPRETERID"])


def test_what_others_already_import_from_the_nest_stays_exported(
    new_app: Any, synthesise: Any
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
        exported.append(exports(synthesise(producer)))

    assert exported[0] == exported[1] != []
