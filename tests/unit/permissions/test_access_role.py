"""Callers of other accounts: who may assume the role, decided by an evaluator that is not ours."""

from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, Stack
from aws_cdk import aws_iam as iam
from ministack.core.iam_evaluator import (
    EvalContext,
    evaluate,
    evaluate_trust_policy,
    parse_policy_document,
)

from cdk_code_interpreter import CodeInterpreter

PARTNER = "arn:aws:iam::999988887777:role/agent"
STRANGER = "arn:aws:iam::222233334444:role/agent"
EXTERNAL_ID = "agreed-with-partner"


def access(stack: Stack, **arguments: Any) -> iam.Role:
    interpreter = CodeInterpreter(stack, "Sandbox", drain_on_delete=False)
    chosen = {"trusted": ["999988887777"], "external_id": EXTERNAL_ID, **arguments}
    return interpreter.grants.access_role(stack, "Partner", **chosen)


@pytest.fixture
def template_with(stack: Stack, synthesize: Any) -> Any:
    def make(**arguments: Any) -> dict[str, Any]:
        access(stack, **arguments)
        result: dict[str, Any] = synthesize(stack)
        return result

    return make


def trust_of(template: dict[str, Any], deployed: Any) -> Any:
    (role,) = (
        resource["Properties"]
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role" and logical_id.startswith("Partner")
    )
    return deployed(role["AssumeRolePolicyDocument"], template)


def may_assume(trust: Any, caller: str, external_id: str | None) -> bool:
    account = caller.split(":")[4]
    context = EvalContext(
        principal_arn=caller,
        principal_type="AssumedRole",
        principal_account=account,
        action="sts:AssumeRole",
        resource_arn="arn:aws:iam::111122223333:role/partner",
        region="eu-west-1",
        service_context={"sts:externalid": external_id} if external_id else {},
    )
    return bool(evaluate_trust_policy(trust, caller, context))


@pytest.mark.parametrize("trusted", ["999988887777", PARTNER])
def test_who_is_trusted_may_be_known_at_the_deployment_only(
    stack: Stack, synthesize: Any, deployed: Any, trusted: str
) -> None:
    parameter = CfnParameter(stack, "Trusted", default=trusted)
    access(stack, trusted=[parameter.value_as_string])
    template = synthesize(stack)
    (role,) = (
        resource["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role" and logical_id.startswith("Partner")
    )
    assert role == {"AWS": {"Ref": "Trusted"}}


def test_the_trusted_account_gets_in_with_the_external_id(
    template_with: Any, deployed: Any
) -> None:
    trust = trust_of(template_with(), deployed)
    assert may_assume(trust, PARTNER, EXTERNAL_ID)


@pytest.mark.parametrize(
    ("caller", "external_id"),
    [(PARTNER, None), (PARTNER, "guessed"), (STRANGER, EXTERNAL_ID)],
    ids=["no external id", "wrong external id", "another account"],
)
def test_nobody_else_gets_in(
    caller: str, external_id: str | None, template_with: Any, deployed: Any
) -> None:
    trust = trust_of(template_with(), deployed)
    assert not may_assume(trust, caller, external_id)


def test_a_role_can_be_trusted_instead_of_its_account(template_with: Any, deployed: Any) -> None:
    trust = trust_of(template_with(trusted=[PARTNER]), deployed)
    assert may_assume(trust, PARTNER, EXTERNAL_ID)
    assert not may_assume(trust, "arn:aws:iam::999988887777:role/other", EXTERNAL_ID)


def test_the_role_may_use_the_interpreter_and_nothing_else(
    template_with: Any, deployed: Any, resources: Any
) -> None:
    template = template_with()
    (policy,) = resources(template, "AWS::IAM::ManagedPolicy")
    document = deployed(policy["Properties"]["PolicyDocument"], template)
    (interpreter,) = resources(template, "AWS::BedrockAgentCore::CodeInterpreterCustom")
    name = interpreter["Properties"]["Name"]
    root = "arn:aws:bedrock-agentcore:eu-west-1:111122223333:code-interpreter-custom"

    def may(operation: str, arn: str) -> bool:
        context = EvalContext(
            principal_arn="arn:aws:sts::111122223333:assumed-role/partner/session",
            principal_type="AssumedRole",
            principal_account="111122223333",
            action=f"bedrock-agentcore:{operation}",
            resource_arn=arn,
            region="eu-west-1",
        )
        return bool(evaluate(context, [parse_policy_document(document)]).decision == "Allow")

    own = f"{root}/{name}-ABCDEFGHIJ"
    assert may("StartCodeInterpreterSession", own)
    assert may("InvokeCodeInterpreter", own)
    assert not may("DeleteCodeInterpreter", own)
    assert not may("InvokeCodeInterpreter", f"{root}/Other-ABCDEFGHIJ")
    # Rules against inline policies hold for it as well.
    assert resources(template, "AWS::IAM::Policy") == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"trusted": []}, "at least one account or principal, got none"),
        ({"trusted": ["*"]}, r"got '\*'; name exactly who"),
        ({"trusted": ["arn:aws:iam::999988887777:role/*"]}, "name exactly who"),
        ({"trusted": ["12345"]}, "account ids of 12 digits"),
        ({"trusted": ["arn:aws:iam::999988887777:role"]}, "trusted must be"),
        ({"trusted": ["arn:aws:iam::999988887777:rolex/agent"]}, "trusted must be"),
        ({"trusted": ["arn:aws:iam::999988887777:role/an agent"]}, "trusted must be"),
        ({"external_id": "x"}, "external_id must be 2 to 1224"),
        ({"external_id": "with space"}, "external_id must be 2 to 1224"),
        ({"trusted": "999988887777"}, "trusted must be a list.*got '999988887777'"),
        ({"max_session_duration": Duration.hours(13)}, "max_session_duration must be .*46800"),
        ({"max_session_duration": 3600}, "max_session_duration must be a Duration"),
    ],
)
def test_what_would_let_anybody_in_is_refused(
    arguments: dict[str, Any], expected: str, stack: Stack
) -> None:
    with pytest.raises(ValueError, match=f"Analytics/Partner: .*{expected}"):
        access(stack, **arguments)
