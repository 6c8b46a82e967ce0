"""Who may create interpreters by API, decided by an IAM evaluator that is not ours."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from cdk_code_interpreter import CodeInterpreter, NetworkAccess, SystemCodeInterpreter

ENVIRONMENT = Environment(account="111122223333", region="eu-west-1")
CUSTOM = "arn:aws:bedrock-agentcore:eu-west-1:111122223333:code-interpreter-custom/"
AGENTCORE = "bedrock-agentcore.amazonaws.com"
SUBNETS, GROUPS = "bedrock-agentcore:subnets", "bedrock-agentcore:securityGroups"
ROLE = "arn:aws:iam::111122223333:role/code"
# https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/code-interpreter-resource-session-management.html
DOCUMENTED = {
    "CreateCodeInterpreter",
    "StartCodeInterpreterSession",
    "InvokeCodeInterpreter",
    "StopCodeInterpreterSession",
    "DeleteCodeInterpreter",
    "ListCodeInterpreters",
    "GetCodeInterpreter",
    "GetCodeInterpreterSession",
    "ListCodeInterpreterSessions",
}

Ask = Callable[..., bool]


def administered(new_app: Callable[..., App], *, in_vpc: bool) -> Ask:
    """Synthesize a role that administers an interpreter; ask what it may do."""
    stack = Stack(new_app(), "Analytics", env=ENVIRONMENT)
    network = None
    if in_vpc:
        vpc = ec2.Vpc.from_vpc_attributes(
            stack,
            "Vpc",
            vpc_id="vpc-1",
            availability_zones=["eu-west-1a"],
            private_subnet_ids=["subnet-1"],
        )
        group = ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-1")
        network = NetworkAccess.vpc(vpc, security_groups=[group])
    sandbox = CodeInterpreter(
        stack,
        "Sandbox",
        network=network,
        code_interpreter_name="sandbox",
        drain_on_delete=False,
        execution_role=iam.Role.from_role_arn(stack, "Code", ROLE),
    )
    admin = iam.Role(stack, "Admin", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    sandbox.grants.administer(admin)
    policies = Template.from_stack(stack).find_resources("AWS::IAM::Policy")
    (policy,) = (each["Properties"] for each in policies.values())
    # The partition is all that stands open.
    document = _with_partition(policy["PolicyDocument"])

    def ask(action: str, resource: str = "*", **keys: Any) -> bool:
        context = EvalContext(
            principal_arn="arn:aws:iam::111122223333:role/admin",
            principal_type="AssumedRole",
            principal_account="111122223333",
            action=action if ":" in action else f"bedrock-agentcore:{action}",
            resource_arn=resource,
            region="eu-west-1",
            service_context={key.lower(): each for key, each in keys.get("context", {}).items()},
        )
        return bool(evaluate(context, [parse_policy_document(document)]).decision == "Allow")

    return ask


def _with_partition(value: Any) -> Any:
    if isinstance(value, dict):
        if "Fn::Join" in value:
            return "".join(map(_with_partition, value["Fn::Join"][1]))
        if value == {"Ref": "AWS::Partition"}:
            return "aws"
        return {name: _with_partition(each) for name, each in value.items()}
    return [_with_partition(each) for each in value] if isinstance(value, list) else value


@pytest.fixture
def anywhere(new_app: Callable[..., App]) -> Ask:
    return administered(new_app, in_vpc=False)


@pytest.fixture
def in_vpc(new_app: Callable[..., App]) -> Ask:
    return administered(new_app, in_vpc=True)


def test_all_actions_of_the_documented_policy_are_allowed(anywhere: Ask) -> None:
    without_resource = {"CreateCodeInterpreter", "ListCodeInterpreters"}
    for action in DOCUMENTED:
        arn = "*" if action in without_resource else f"{CUSTOM}sandbox-0123456789"
        assert anywhere(action, arn), action


def test_another_interpreter_is_not_administered(anywhere: Ask) -> None:
    for action in DOCUMENTED - {"CreateCodeInterpreter", "ListCodeInterpreters"}:
        assert not anywhere(action, f"{CUSTOM}other-0123456789"), action
        assert not anywhere(action, f"{CUSTOM}sandbox_admin-0123456789"), action


def test_the_role_is_passed_to_agentcore_only(anywhere: Ask) -> None:
    def passes(arn: str, service: str) -> bool:
        return anywhere("iam:PassRole", arn, context={"iam:PassedToService": service})

    assert passes(ROLE, AGENTCORE)
    assert not passes(ROLE, "lambda.amazonaws.com")
    assert not passes(f"{ROLE}2", AGENTCORE)


@pytest.mark.parametrize(
    ("keys", "allowed"),
    [
        ({SUBNETS: ["subnet-1"], GROUPS: ["sg-1"]}, True),
        ({SUBNETS: ["subnet-1", "subnet-2"], GROUPS: ["sg-1"]}, False),
        ({SUBNETS: ["subnet-1"], GROUPS: ["sg-2"]}, False),
        ({SUBNETS: ["subnet-1"]}, False),
        ({GROUPS: ["sg-1"]}, False),
        ({}, False),
    ],
)
def test_creating_is_bound_to_subnets_and_groups_in_a_vpc(
    keys: dict[str, Any], allowed: bool, in_vpc: Ask
) -> None:
    assert in_vpc("CreateCodeInterpreter", "*", context=keys) is allowed


def test_the_system_interpreter_is_not_administered(new_app: Callable[..., App]) -> None:
    stack = Stack(new_app(), "Analytics")
    role = iam.Role(stack, "Admin", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    with pytest.raises(ValueError, match="grant administer on an interpreter of your own"):
        SystemCodeInterpreter(stack, "System").grants.administer(role)


def test_other_roles_may_be_named_and_are_checked(new_app: Callable[..., App]) -> None:
    stack = Stack(new_app(), "Analytics")
    role = iam.Role(stack, "Admin", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    sandbox = CodeInterpreter(stack, "Sandbox", drain_on_delete=False)
    with pytest.raises(ValueError, match="passed_roles"):
        sandbox.grants.administer(role, passed_roles=["code"])  # type: ignore[list-item]
    sandbox.grants.administer(role, passed_roles=[])
    assert "iam:PassRole" not in str(Template.from_stack(stack).find_resources("AWS::IAM::Policy"))
