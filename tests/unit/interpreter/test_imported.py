"""Interpreters that exist already: what is known of them, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Aws, CfnParameter, Duration, Fn, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm

from cdk_code_interpreter import (
    CodeInterpreter,
    CodeInterpreterAlarms,
    ICodeInterpreter,
    LogDelivery,
    SessionJanitor,
    SystemCodeInterpreter,
)

ARN = "arn:aws:bedrock-agentcore:us-west-2:444455556666:code-interpreter-custom/reports-Abcdefghi1"
ROLE_ARN = "arn:aws:iam::444455556666:role/sandbox"

SYSTEM_CODE_INTERPRETER_ID = "aws.codeinterpreter.v1"


def from_arn(stack: Stack, arn: str, **arguments: Any) -> ICodeInterpreter:
    return CodeInterpreter.from_code_interpreter_arn(stack, "Imported", arn, **arguments)


def test_an_import_is_described_by_its_arn(stack: Stack) -> None:
    interpreter = from_arn(stack, ARN)

    assert interpreter.code_interpreter_arn == ARN
    assert interpreter.prefix_arn == ARN
    assert interpreter.code_interpreter_id == "reports-Abcdefghi1"
    assert interpreter.code_interpreter_name == "reports"
    assert (interpreter.account, interpreter.region) == ("444455556666", "us-west-2")
    assert interpreter.undrained_code_interpreter_id == interpreter.code_interpreter_id
    assert interpreter.undrained_code_interpreter_arn == ARN
    assert interpreter.stack is stack
    assert not interpreter.is_system


def test_an_import_needs_no_role_and_takes_one(stack: Stack) -> None:
    role = iam.Role.from_role_arn(stack, "Role", ROLE_ARN)

    assert from_arn(stack, ARN).execution_role is None
    other = CodeInterpreter.from_code_interpreter_arn(stack, "Other", ARN, execution_role=role)
    assert other.execution_role is role


def test_an_import_creates_nothing(stack: Stack, synthesize: Any) -> None:
    from_arn(stack, ARN)
    SystemCodeInterpreter(stack, "System")

    assert "Resources" not in synthesize(stack)


def test_an_import_tells_callers_its_own_region_and_their_timeout(stack: Stack) -> None:
    interpreter = from_arn(stack, ARN, session_timeout=Duration.hours(1))

    assert interpreter.environment == {
        "CODE_INTERPRETER_ID": "reports-Abcdefghi1",
        "CODE_INTERPRETER_ARN": ARN,
        "CODE_INTERPRETER_REGION": "us-west-2",
        "CODE_INTERPRETER_SESSION_TIMEOUT_SECONDS": "3600",
        "CODE_INTERPRETER_NAME": "reports",
    }


def test_groups_of_an_import_are_those_that_it_was_given(stack: Stack) -> None:
    group = ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-12345678")
    interpreter = from_arn(stack, ARN, security_groups=[group])

    assert [g.security_group_id for g in interpreter.connections.security_groups] == ["sg-12345678"]
    other = CodeInterpreter.from_code_interpreter_arn(stack, "Other", ARN)
    with pytest.raises(ValueError, match=r"Analytics/Other: .*pass security_groups"):
        _ = other.connections


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "reports-Abcdefghi1",
        ARN.replace("bedrock-agentcore", "bedrock"),
        ARN.replace("code-interpreter-custom", "code-interpreter"),
        ARN.replace("code-interpreter-custom", "browser-custom"),
        ARN.replace("444455556666", "4444"),
        ARN.replace("reports", "my-reports"),
        f"{ARN}0",
        f"{ARN}\n",
    ],
)
def test_what_is_clearly_not_an_interpreter_is_refused(stack: Stack, arn: str) -> None:
    with pytest.raises(ValueError, match=r"^Analytics/Imported: ") as got:
        from_arn(stack, arn)

    assert repr(arn) in str(got.value)
    assert "list-code-interpreters" in str(got.value)


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-cn"])
def test_an_arn_of_any_partition_is_taken(stack: Stack, partition: str) -> None:
    assert from_arn(stack, ARN.replace("arn:aws:", f"arn:{partition}:")).account == "444455556666"


def test_a_timeout_that_sessions_cannot_have_is_refused(stack: Stack) -> None:
    with pytest.raises(ValueError, match="Analytics/Imported: session_timeout"):
        from_arn(stack, ARN, session_timeout=Duration.hours(9))


def test_an_arn_that_only_the_deployment_knows_is_taken_apart_there(stack: Stack) -> None:
    parameter = CfnParameter(stack, "Arn")
    interpreter = from_arn(stack, parameter.value_as_string)

    parts = {"Fn::Split": [":", {"Ref": "Arn"}]}
    resource = {"Fn::Select": [5, parts]}
    assert stack.resolve(interpreter.region) == {"Fn::Select": [3, parts]}
    assert stack.resolve(interpreter.account) == {"Fn::Select": [4, parts]}
    assert stack.resolve(interpreter.code_interpreter_id) == {
        "Fn::Select": [1, {"Fn::Split": ["/", resource]}]
    }
    assert interpreter.code_interpreter_name is None
    assert "CODE_INTERPRETER_NAME" not in interpreter.environment


def test_tokens_inside_an_arn_leave_the_rest_readable(stack: Stack) -> None:
    identifier = Fn.import_value("TheId")
    interpreter = from_arn(
        stack,
        f"arn:{Aws.PARTITION}:bedrock-agentcore:us-west-2:{Aws.ACCOUNT_ID}"
        f":code-interpreter-custom/{identifier}",
    )

    assert interpreter.region == "us-west-2"
    assert stack.resolve(interpreter.account) == {"Ref": "AWS::AccountId"}
    assert stack.resolve(interpreter.code_interpreter_id) == {"Fn::ImportValue": "TheId"}


@pytest.mark.parametrize(
    "rest",
    [
        "bedrock-agentcore:us-west-2:aws:code-interpreter/typo-1",
        "bedrock-agentcore:us-west-2:444455556666:code-interpreter-custom/reports",
        f"bedrock:us-west-2:aws:code-interpreter/{SYSTEM_CODE_INTERPRETER_ID}",
        "bedrock-agentcore:${AWS::Region}:444455556666:code-interpreter-custom/reports-Abcdefghi1",
    ],
)
def test_what_is_known_beside_a_token_must_be_an_interpreters(stack: Stack, rest: str) -> None:
    with pytest.raises(ValueError, match=r"^Analytics/Imported: ") as got:
        from_arn(stack, f"arn:{Aws.PARTITION}:{rest}")

    assert f"'arn:...:{rest}'" in str(got.value)


def test_the_system_interpreter_of_any_partition_is_known(stack: Stack) -> None:
    rest = f"us-west-2:aws:code-interpreter/{SYSTEM_CODE_INTERPRETER_ID}"
    assert from_arn(stack, f"arn:{Aws.PARTITION}:bedrock-agentcore:{rest}").is_system


def test_the_system_interpreter_is_that_of_the_stacks_region(stack: Stack, deployed: Any) -> None:
    system = SystemCodeInterpreter(stack, "System")

    arn = deployed(stack.resolve(system.code_interpreter_arn), {})
    assert arn == (
        "arn:aws:bedrock-agentcore:eu-west-1:aws:code-interpreter/aws.codeinterpreter.v1"
    )
    assert system.code_interpreter_id == "aws.codeinterpreter.v1"
    assert system.is_system
    assert stack.resolve(system.account) == {"Ref": "AWS::AccountId"}
    assert stack.resolve(system.region) == {"Ref": "AWS::Region"}
    assert system.code_interpreter_name is None


def test_the_system_interpreter_is_known_by_its_arn(stack: Stack) -> None:
    arn = "arn:aws:bedrock-agentcore:us-west-2:aws:code-interpreter/aws.codeinterpreter.v1"
    interpreter = from_arn(stack, arn)

    assert interpreter.is_system
    assert interpreter.region == "us-west-2"
    assert interpreter.code_interpreter_id == "aws.codeinterpreter.v1"
    assert stack.resolve(interpreter.account) == {"Ref": "AWS::AccountId"}


def test_an_l2_is_known_by_its_name_across_replacements(stack: Stack, deployed: Any) -> None:
    l2 = agentcore.CodeInterpreterCustom(stack, "Plain", code_interpreter_custom_name="plain")
    interpreter = CodeInterpreter.from_l2(l2, session_timeout=Duration.minutes(5))

    prefix = deployed(stack.resolve(interpreter.prefix_arn), {})
    assert prefix.endswith(":111122223333:code-interpreter-custom/plain-*")
    assert interpreter.code_interpreter_id == l2.code_interpreter_id
    assert interpreter.code_interpreter_arn == l2.code_interpreter_arn
    assert interpreter.execution_role is not None
    assert interpreter.execution_role.node.path == "Analytics/Plain/ServiceRole"
    assert interpreter.stack is stack
    assert interpreter.node.path == "Analytics/Plain"
    assert interpreter.environment["CODE_INTERPRETER_SESSION_TIMEOUT_SECONDS"] == "300"
    assert (interpreter.account, interpreter.region) == (stack.account, stack.region)


def test_the_automatic_name_of_an_l2_is_known_too(
    stack: Stack, synthesize: Any, resources: Any, deployed: Any
) -> None:
    l2 = agentcore.CodeInterpreterCustom(stack, "Plain")
    interpreter = CodeInterpreter.from_l2(l2)

    (resource,) = resources(synthesize(stack), "AWS::BedrockAgentCore::CodeInterpreterCustom")
    prefix = deployed(stack.resolve(interpreter.prefix_arn), {})
    assert prefix.endswith(f"/{resource['Properties']['Name']}-*")


def test_an_imported_l2_is_described_by_its_arn_and_not_by_its_stack(stack: Stack) -> None:
    l2 = agentcore.CodeInterpreterCustom.from_code_interpreter_custom_attributes(
        stack, "Plain", code_interpreter_arn=ARN, role_arn=ROLE_ARN
    )
    interpreter = CodeInterpreter.from_l2(l2)

    assert interpreter.prefix_arn == ARN
    assert interpreter.code_interpreter_name is None
    assert (interpreter.account, interpreter.region) == ("444455556666", "us-west-2")


def test_an_l2_outside_of_a_vpc_has_no_groups(stack: Stack) -> None:
    l2 = agentcore.CodeInterpreterCustom(stack, "Plain")

    with pytest.raises(ValueError, match="Analytics/Plain: this interpreter has no security"):
        _ = CodeInterpreter.from_l2(l2).connections


def test_a_parameter_that_is_not_looked_up_yet_does_not_keep_the_app_from_saying_so(
    new_app: Any,
) -> None:
    """The CLI synthesizes once to learn what to look up, and again with what it found."""
    environment = {"account": "111122223333", "region": "eu-west-1"}
    app = new_app()
    stack = Stack(app, "Analytics", env=environment)
    arn = ssm.StringParameter.value_from_lookup(stack, "/reports/arn")
    interpreter = from_arn(stack, arn)
    SessionJanitor(stack, "Janitor", interpreter=interpreter)
    LogDelivery(stack, "Logs", interpreter=interpreter)
    CodeInterpreterAlarms(stack, "Alarms", interpreter=interpreter)

    manifest = json.loads((Path(app.synth().directory) / "manifest.json").read_text())
    (missing,) = manifest["missing"]

    found = {missing["key"]: ARN.replace("us-west-2:444455556666", "eu-west-1:111122223333")}
    stack = Stack(new_app(**found), "Analytics", env=environment)
    interpreter = from_arn(stack, ssm.StringParameter.value_from_lookup(stack, "/reports/arn"))
    assert interpreter.code_interpreter_id == "reports-Abcdefghi1"
