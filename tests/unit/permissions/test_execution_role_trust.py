"""What is asked of the trust policy of every execution role, as the app is synthesized."""

from typing import Any

import jsii
import pytest
from aws_cdk import App, Aspects, IAspect, Stack
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Annotations, Match
from constructs import IConstruct

from cdk_code_interpreter import CodeInterpreter, ExecutionRole

from ..apps import QUICK

ENV = {"account": "111122223333", "region": "eu-west-1"}
SERVICE = "bedrock-agentcore.amazonaws.com"
OPEN = iam.PolicyStatement(principals=[iam.ServicePrincipal(SERVICE)], actions=["sts:AssumeRole"])


@pytest.fixture
def stack() -> Stack:
    from aws_cdk import Environment

    return Stack(App(analytics_reporting=False, **QUICK), "Analytics", env=Environment(**ENV))


def synthesize(stack: Stack) -> None:
    app = stack.node.root
    assert isinstance(app, App)
    app.synth()


def own_role(stack: Stack) -> iam.Role:
    role = CodeInterpreter(stack, "Sandbox").execution_role
    assert isinstance(role, iam.Role)
    return role


def test_the_role_that_is_made_here_passes(stack: Stack) -> None:
    own_role(stack)
    synthesize(stack)


def test_a_statement_added_to_our_own_role_is_judged(stack: Stack) -> None:
    policy = own_role(stack).assume_role_policy
    assert policy is not None
    policy.add_statements(OPEN)

    with pytest.raises(RuntimeError, match="without a condition on aws:SourceAccount and aws:So"):
        synthesize(stack)


@pytest.mark.parametrize("pattern", ["*", "**", "arn:*", "arn:aws:*:*:111122223333:*"])
def test_a_role_for_any_resource_is_rejected(stack: Stack, pattern: str) -> None:
    role = ExecutionRole(stack, "Role", trusted_arns=[pattern])
    CodeInterpreter(stack, "Sandbox", execution_role=role)

    with pytest.raises(RuntimeError, match="without a condition on aws:SourceArn"):
        synthesize(stack)


@pytest.mark.parametrize("method", ["deletion", "override", "whole"])
def test_a_condition_that_an_escape_hatch_takes_away_is_missed(stack: Stack, method: str) -> None:
    resource = own_role(stack).node.default_child
    assert isinstance(resource, iam.CfnRole)
    statement = "AssumeRolePolicyDocument.Statement.0"
    if method == "deletion":
        resource.add_property_deletion_override(f"{statement}.Condition")
    elif method == "override":
        resource.add_override(f"Properties.{statement}.Condition.ArnLike.aws:SourceArn", "arn:*")
    else:
        resource.add_property_override(
            "AssumeRolePolicyDocument",
            {
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": SERVICE},
                        "Action": "sts:AssumeRole",
                    }
                ]
            },
        )

    with pytest.raises(RuntimeError, match="without a condition on aws:Source"):
        synthesize(stack)


@jsii.implements(IAspect)
class Opening:
    def visit(self, node: IConstruct) -> None:
        if isinstance(node, iam.CfnRole):
            node.assume_role_policy_document = {"Statement": [OPEN.to_statement_json()]}


def test_a_trust_policy_that_an_aspect_writes_is_judged(stack: Stack) -> None:
    own_role(stack)
    Aspects.of(stack).add(Opening())

    with pytest.raises(RuntimeError, match="without a condition on aws:SourceAccount"):
        synthesize(stack)


def test_a_role_that_others_can_assume_too_warns(stack: Stack) -> None:
    role = ExecutionRole(stack, "Role")
    CodeInterpreter(stack, "Sandbox", execution_role=role)
    assert role.assume_role_policy is not None
    role.assume_role_policy.add_statements(
        iam.PolicyStatement(
            principals=[iam.AccountPrincipal("999988887777")], actions=["sts:AssumeRole"]
        )
    )
    synthesize(stack)

    Annotations.from_stack(stack).has_warning(
        "/Analytics/Sandbox", Match.string_like_regexp("can be assumed by .*999988887777.* too")
    )


def test_a_role_that_a_deny_keeps_the_service_from_warns(stack: Stack) -> None:
    policy = own_role(stack).assume_role_policy
    assert policy is not None
    policy.add_statements(
        iam.PolicyStatement(
            effect=iam.Effect.DENY,
            principals=[iam.ServicePrincipal(SERVICE)],
            actions=["sts:AssumeRole"],
        )
    )
    synthesize(stack)

    Annotations.from_stack(stack).has_warning(
        "/Analytics/Sandbox", Match.string_like_regexp("the deployment will fail")
    )


def test_a_fixed_name_lets_no_sibling_in(stack: Stack, resources: Any) -> None:
    CodeInterpreter(stack, "Sandbox", code_interpreter_name="tool")
    from aws_cdk.assertions import Template

    template = Template.from_stack(stack).to_json()
    (role,) = (r for k, r in template["Resources"].items() if k.startswith("SandboxServiceRole"))
    arn = role["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]["ArnLike"]
    assert str(arn["aws:SourceArn"]).endswith("code-interpreter-custom/tool-*']]}")
