"""Apps with governed interpreters, for every tool that judges them."""

from __future__ import annotations

from aws_cdk import App, Environment, NestedStack, Stack, Stage
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk_code_interpreter import (
    ComplianceProfile,
    CredentialPerimeter,
    Enforcement,
    GovernedCodeInterpreter,
    PrivateNetwork,
    SessionPolicy,
)

ENVIRONMENT = Environment(account="111122223333", region="eu-west-1")


ENFORCED = SessionPolicy(enforcement=Enforcement.ENFORCE)


def given_vpc(scope: Construct) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        scope,
        "Vpc",
        vpc_id="vpc-0123456789abcdef0",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        private_subnet_ids=["subnet-0123456789abcdef0", "subnet-0fedcba9876543210"],
    )


def strict(scope: Construct) -> ComplianceProfile:
    key = kms.Key(scope, "Key", enable_key_rotation=True)
    return ComplianceProfile.strict(vpc=given_vpc(scope), key=key)


def one(app: App) -> None:
    stack = Stack(app, "Stack", env=ENVIRONMENT)
    sandbox = GovernedCodeInterpreter(
        stack,
        "Sandbox",
        profile=strict(stack),
        sessions=SessionPolicy(enforcement=Enforcement.ENFORCE),
        canary=True,
        application_logs=True,
        traces=True,
    )
    caller = iam.ManagedPolicy(stack, "Caller")
    sandbox.grants.use(caller)
    sandbox.grants.access_role(
        stack, "Partner", trusted=["999988887777"], external_id="agreed-with-partner"
    )
    assert sandbox.execution_role is not None
    CredentialPerimeter(stack, "Perimeter", role=sandbox.execution_role, vpc=given_vpc(sandbox))


def without_environment(app: App) -> None:
    stack = Stack(app, "Stack")
    GovernedCodeInterpreter(stack, "Sandbox", profile=strict(stack), sessions=ENFORCED)


def two(app: App) -> None:
    stack = Stack(app, "Stack")
    profile = strict(stack)
    GovernedCodeInterpreter(stack, "First", profile=profile, sessions=ENFORCED)
    GovernedCodeInterpreter(stack, "Second", profile=profile, sessions=ENFORCED)


def nested(app: App) -> None:
    stack = NestedStack(Stack(app, "Outer"), "Inner")
    GovernedCodeInterpreter(stack, "Sandbox", profile=strict(stack), sessions=ENFORCED)


def staged(app: App) -> None:
    stack = Stack(Stage(app, "Production", env=ENVIRONMENT), "Stack")
    GovernedCodeInterpreter(stack, "Sandbox", profile=strict(stack), sessions=ENFORCED)


def beside_an_l2(app: App) -> None:
    stack = Stack(app, "Stack")
    GovernedCodeInterpreter(stack, "Sandbox", profile=strict(stack), sessions=ENFORCED)
    agentcore.CodeInterpreterCustom(stack, "Plain")


def in_a_private_network(app: App) -> None:
    stack = Stack(app, "Stack", env=ENVIRONMENT)
    key = kms.Key(stack, "Key", enable_key_rotation=True)
    bucket = s3.Bucket.from_bucket_name(stack, "Data", "data")
    network = PrivateNetwork(stack, "Network", allowed_buckets=[bucket], encryption_key=key)
    profile = ComplianceProfile.strict(vpc=network, key=key)
    GovernedCodeInterpreter(stack, "Sandbox", profile=profile, sessions=ENFORCED)


def lean(app: App) -> None:
    GovernedCodeInterpreter(Stack(app, "Stack"), "Sandbox")


STRICT = [one, without_environment, two, nested, staged, in_a_private_network]
