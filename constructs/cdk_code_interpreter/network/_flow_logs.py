"""Flow logs of a VPC, with a role that writes them and does nothing else."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs


def add_flow_logs(vpc: ec2.Vpc, log_group: logs.ILogGroup) -> ec2.FlowLog:
    """Record accepted and rejected traffic of a VPC.

    The role's trust is limited as the documentation asks for; the L2's own is not, and it gets an
    inline policy: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html

    Args:
        vpc: The VPC.
        log_group: Where the records go.
    """
    stack = Stack.of(vpc)
    source = f"arn:{stack.partition}:ec2:{stack.region}:{stack.account}:vpc-flow-log/*"
    role = iam.Role(
        vpc,
        "FlowLogRole",
        description="Writes flow logs",
        assumed_by=iam.ServicePrincipal(
            "vpc-flow-logs.amazonaws.com",
            conditions={
                "StringEquals": {"aws:SourceAccount": stack.account},
                "ArnLike": {"aws:SourceArn": source},
            },
        ),
    )
    policy = iam.ManagedPolicy(
        vpc,
        "FlowLogPolicy",
        roles=[role],
        statements=[
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                resources=[log_group.log_group_arn],
            )
        ],
    )
    flow_log = vpc.add_flow_log(
        "FlowLog",
        destination=ec2.FlowLogDestination.to_cloud_watch_logs(
            log_group, role.without_policy_updates()
        ),
        traffic_type=ec2.FlowLogTrafficType.ALL,
    )
    flow_log.node.add_dependency(policy)
    return flow_log
