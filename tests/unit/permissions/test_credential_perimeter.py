"""Credentials that were carried off are of no use, by an evaluator that is not ours."""

from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from cdk_code_interpreter import CredentialPerimeter

VPC = "vpc-0123456789abcdef0"
ALLOW = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
}


@pytest.fixture
def perimeter(stack: Stack, synthesize: Any, resources: Any) -> Any:
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    vpc = ec2.Vpc.from_vpc_attributes(stack, "Vpc", vpc_id=VPC, availability_zones=["a"])
    CredentialPerimeter(stack, "Perimeter", role=role, vpc=vpc)
    (policy,) = resources(synthesize(stack), "AWS::IAM::ManagedPolicy")
    assert policy["Properties"]["Roles"]
    return policy["Properties"]["PolicyDocument"]


def decision(perimeter: Any, **context: str) -> str:
    request = EvalContext(
        principal_arn="arn:aws:sts::111122223333:assumed-role/sandbox/session",
        principal_type="AssumedRole",
        principal_account="111122223333",
        action="s3:GetObject",
        resource_arn="arn:aws:s3:::data/report.csv",
        region="eu-west-1",
        service_context=context,
    )
    policies = [parse_policy_document(ALLOW), parse_policy_document(perimeter)]
    return str(evaluate(request, policies).decision)


def test_inside_the_vpc_nothing_changes(perimeter: Any) -> None:
    assert decision(perimeter, **{"aws:sourcevpc": VPC, "aws:viaawsservice": "false"}) == "Allow"


@pytest.mark.parametrize(
    "context",
    [
        {"aws:viaawsservice": "false"},
        {},
        {"aws:sourcevpc": "vpc-0fedcba9876543210", "aws:viaawsservice": "false"},
    ],
    ids=["from the internet", "from nowhere known", "from another VPC"],
)
def test_outside_it_everything_is_denied(context: dict[str, str], perimeter: Any) -> None:
    assert decision(perimeter, **context) == "Deny"


def test_calls_that_services_make_for_it_pass(perimeter: Any) -> None:
    assert decision(perimeter, **{"aws:viaawsservice": "true"}) == "Allow"


def test_a_role_of_another_account_is_refused(new_app: Any) -> None:
    """The policy would be attached to whatever has that name in the stack's account."""
    stack = Stack(new_app(), "Analytics", env={"account": "111122223333", "region": "eu-west-1"})
    role = iam.Role.from_role_arn(stack, "Role", "arn:aws:iam::999988887777:role/path/sandbox")
    with pytest.raises(ValueError, match="Analytics/Perimeter: the role is in account 99998888777"):
        CredentialPerimeter(stack, "Perimeter", role=role, vpc=ec2.Vpc(stack, "Vpc"))
