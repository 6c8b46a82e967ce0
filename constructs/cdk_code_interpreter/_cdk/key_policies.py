"""What a key's policy must allow the services that encrypt with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_cdk import Annotations, Stack
from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct

WARNING_ID = "cdk-code-interpreter:keyPolicy"


def logs_key_statement(stack: Stack) -> iam.PolicyStatement:
    """What a key's policy must say for log groups of a stack's account to be encrypted with it.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    groups = f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:log-group:*"
    return iam.PolicyStatement(
        sid="CloudWatchLogs",
        principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
        actions=[
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey*",
            "kms:ReEncrypt*",
        ],
        resources=["*"],
        conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
    )


def alarms_key_statement(stack: Stack) -> iam.PolicyStatement:
    """What lets CloudWatch alarms of an account publish to topics that are encrypted with a key.

    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    return iam.PolicyStatement(
        sid="CloudWatchAlarms",
        principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
        actions=["kms:Decrypt", "kms:GenerateDataKey*"],
        resources=["*"],
        conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
    )


def key_statements(stack: Stack) -> list[iam.PolicyStatement]:
    """Everything that encrypts with a key of this library's user."""
    return [logs_key_statement(stack), alarms_key_statement(stack)]


def use_key(scope: Construct, key: kms.IKey, *statements: iam.PolicyStatement) -> None:
    """Add statements to a key's policy, or say which ones its owner has to add.

    Args:
        scope: The construct whose resources are encrypted with the key.
        key: The key; one that was imported cannot be changed from here.
        statements: What its policy must say.
    """
    for statement in statements:
        if key.add_to_resource_policy(statement).statement_added:
            continue
        written = json.dumps(Stack.of(scope).resolve(statement.to_statement_json()))
        Annotations.of(scope).add_warning_v2(
            f"{WARNING_ID}{statement.sid}",
            "the key's policy cannot be changed from here, and without this statement in it what "
            f"is encrypted with the key cannot be written: {written}",
        )
