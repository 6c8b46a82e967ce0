"""Policies of VPC endpoints: what may pass, whoever asks.

An endpoint's policy allows nothing by itself: callers need their own permissions as well. It ends
what callers could do with credentials of another account, or with a bucket of somebody else.
https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aws_cdk import Aws, Fn, Stack
from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from aws_cdk import aws_s3 as s3

_BUCKET_ACTIONS = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
_OBJECT_ACTIONS = [
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:ListMultipartUploadParts",
    "s3:PutObject",
]


def allow_buckets(stack: Stack, buckets: Sequence[s3.IBucket]) -> iam.PolicyStatement:
    """Let principals of this account work with objects of these buckets, and with no others."""
    return iam.PolicyStatement(
        sid="AllowedBuckets",
        principals=[iam.AnyPrincipal()],
        actions=[*_BUCKET_ACTIONS, *_OBJECT_ACTIONS],
        resources=[
            arn for bucket in buckets for arn in (bucket.bucket_arn, bucket.arn_for_objects("*"))
        ],
        conditions={"StringEquals": {"aws:PrincipalAccount": stack.account}},
    )


def allow_cloudformation_answers(stack: Stack) -> iam.PolicyStatement:
    """Let custom resources answer CloudFormation.

    They put the answer to a URL that CloudFormation signed, so the principal is CloudFormation's
    and nothing is said about it. The bucket's name has the region without dashes:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-vpce-bucketnames.html
    """
    region = Fn.join("", Fn.split("-", stack.region))
    bucket = f"cloudformation-custom-resource-response-{region}"
    return iam.PolicyStatement(
        sid="AnswersToCloudFormation",
        principals=[iam.AnyPrincipal()],
        actions=["s3:PutObject"],
        resources=[f"arn:{Aws.PARTITION}:s3:::{bucket}/*"],
    )


def allow_account(stack: Stack) -> iam.PolicyStatement:
    """Let principals of this account through, and nobody with credentials from elsewhere."""
    return iam.PolicyStatement(
        sid="PrincipalsOfThisAccount",
        principals=[iam.AnyPrincipal()],
        actions=["*"],
        resources=["*"],
        conditions={"StringEquals": {"aws:PrincipalAccount": stack.account}},
    )
