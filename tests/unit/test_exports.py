"""What a caller is told: environment, parameters, outputs."""

from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from cdk_code_interpreter import CodeInterpreter, SystemCodeInterpreter


def plain(stack: Stack, construct_id: str = "Sandbox", **arguments: Any) -> CodeInterpreter:
    return CodeInterpreter(stack, construct_id, drain_on_delete=False, **arguments)


def test_the_environment_is_what_a_function_takes(
    stack: Stack, synthesize: Any, resources: Any, deployed: Any
) -> None:
    interpreter = plain(stack, session_timeout=Duration.minutes(20))
    lambda_.Function(
        stack,
        "Agent",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(event, context): pass"),
        environment=interpreter.environment,
    )
    template = synthesize(stack)

    (function,) = resources(template, "AWS::Lambda::Function")
    (resource,) = resources(template, "AWS::BedrockAgentCore::CodeInterpreterCustom")
    name = resource["Properties"]["Name"]
    assert deployed(function["Properties"]["Environment"]["Variables"], template) == {
        "CODE_INTERPRETER_ID": f"{name}-ABCDEFGHIJ",
        "CODE_INTERPRETER_ARN": "arn:aws:bedrock-agentcore:eu-west-1:111122223333"
        f":code-interpreter-custom/{name}-ABCDEFGHIJ",
        "CODE_INTERPRETER_REGION": "eu-west-1",
        "CODE_INTERPRETER_SESSION_TIMEOUT_SECONDS": "1200",
        "CODE_INTERPRETER_NAME": name,
    }


def test_fifteen_minutes_is_the_timeout_as_the_service_has_it(stack: Stack) -> None:
    environment = plain(stack).environment

    assert environment["CODE_INTERPRETER_SESSION_TIMEOUT_SECONDS"] == "900"


def test_an_agent_runtime_takes_the_environment_and_the_grant(
    stack: Stack, synthesize: Any, resources: Any, deployed: Any
) -> None:
    interpreter = plain(stack)
    runtime = agentcore.Runtime(
        stack,
        "Runtime",
        agent_runtime_artifact=agentcore.AgentRuntimeArtifact.from_image_uri(
            "111122223333.dkr.ecr.eu-west-1.amazonaws.com/agent:1"
        ),
        environment_variables=interpreter.environment,
    )
    interpreter.grants.use(runtime)
    template = synthesize(stack)

    (resource,) = resources(template, "AWS::BedrockAgentCore::Runtime")
    variables = deployed(resource["Properties"]["EnvironmentVariables"], template)
    assert variables["CODE_INTERPRETER_ID"].endswith("-ABCDEFGHIJ")
    statements = [
        statement
        for policy in resources(template, "AWS::IAM::Policy")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if "bedrock-agentcore:StartCodeInterpreterSession" in statement["Action"]
    ]
    assert len(statements) == 1


def test_parameters_hold_what_the_environment_holds(
    stack: Stack, synthesize: Any, resources: Any
) -> None:
    interpreter = plain(stack)
    export = interpreter.export_to_parameter_store(stack, "Export", path="/analytics/sandbox")
    reader = iam.Role(stack, "Reader", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    export.grant_read(reader)
    template = synthesize(stack)

    parameters = {
        parameter["Properties"]["Name"]: parameter["Properties"]["Value"]
        for parameter in resources(template, "AWS::SSM::Parameter")
    }
    environment = stack.resolve(dict(interpreter.environment))
    assert parameters == {
        f"/analytics/sandbox/{key.removeprefix('CODE_INTERPRETER_').lower().replace('_', '-')}": v
        for key, v in environment.items()
    }
    (policy,) = resources(template, "AWS::IAM::Policy")
    assert "ssm:GetParameter" in str(policy)


def test_the_system_interpreter_can_be_exported_without_a_name(
    stack: Stack, synthesize: Any, resources: Any
) -> None:
    SystemCodeInterpreter(stack, "System").export_to_parameter_store(stack, "E", path="/system")

    names = {p["Properties"]["Name"] for p in resources(synthesize(stack), "AWS::SSM::Parameter")}
    assert names == {
        f"/system/{word}" for word in ("id", "arn", "region", "session-timeout-seconds")
    }


def test_outputs_of_the_same_id_in_two_places_do_not_collide(stack: Stack, synthesize: Any) -> None:
    for team in ("TeamA", "TeamB"):
        plain(Construct(stack, team)).add_outputs()

    assert {"TeamASandboxId", "TeamBSandboxId"} <= set(synthesize(stack)["Outputs"])


@pytest.mark.parametrize("path", ["", "/", "analytics", "/a/", "/a b", "/aws/x", "/SSM", "/a" * 15])
def test_a_path_that_parameter_store_refuses_is_refused_here(stack: Stack, path: str) -> None:
    with pytest.raises(ValueError, match=r"^Analytics/Export: path must be") as got:
        plain(stack).export_to_parameter_store(stack, "Export", path=path)

    assert repr(path) in str(got.value)


def test_outputs_are_named_by_the_construct_or_as_told(stack: Stack, synthesize: Any) -> None:
    plain(stack).add_outputs()
    plain(stack, "Other").add_outputs(prefix="Reports")
    SystemCodeInterpreter(stack, "System").add_outputs()
    template = synthesize(stack)

    assert set(template["Outputs"]) == {
        *("SandboxId", "SandboxArn", "SandboxName"),
        *("ReportsId", "ReportsArn", "ReportsName"),
        *("SystemId", "SystemArn"),
    }
    assert template["Outputs"]["SandboxId"]["Value"]["Fn::GetAtt"][1] == "CodeInterpreterId"
