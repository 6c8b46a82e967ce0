"""One function of the session manager, with a role that holds nothing but what it calls."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from .._cdk.acknowledgments import acknowledge_wildcards
from .._cdk.construct_tree import Component, path_of, stack_of
from .._cdk.stacks import facts_of, partition
from ..checks.app_checks import TemplateChecks
from ._function_network import outside_of_vpc
from ._function_policies import AccessPolicies

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_sqs as sqs

    from .session_manager_settings import SessionManagerSettings

_TIMEOUT_MINUTES = 15


class TaskFunction(Component):
    """A function, its role and its log group.

    The role takes no policy but those that are written here: the L2's own grants end in `*` in
    places where an ARN is known.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: lambda_.Code,
        handler: str,
        description: str,
        settings: SessionManagerSettings,
        security_groups: Sequence[ec2.ISecurityGroup] | None,
        dead_letter_queue: sqs.IQueue | None,
        environment: Mapping[str, str],
        statements: Sequence[iam.PolicyStatement] = (),
    ) -> None:
        """Define the function.

        Args:
            scope: The session manager.
            construct_id: Its id in that scope.
            code: The functions' code, one asset for all of them.
            handler: Module and function below the package, such as ``drain.handler``.
            description: What the console says that it is for.
            settings: How it is run.
            security_groups: Its groups, where it runs in a VPC.
            dead_letter_queue: Gets events that it could not handle. Default: they are lost.
            environment: Its environment variables.
            statements: What it may do, whichever interpreters there are.
        """
        super().__init__(scope, construct_id)
        self.task = construct_id
        self.log_group = logs.LogGroup(
            self,
            "Logs",
            retention=settings.log_retention or logs.RetentionDays.ONE_MONTH,
            removal_policy=settings.log_removal_policy or RemovalPolicy.DESTROY,
            encryption_key=settings.encryption_key,
        )
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=description,
        )
        runs = iam.ManagedPolicy(
            self,
            "Runs",
            roles=[self.role],
            statements=[
                *statements,
                *_run_statements(self.log_group, settings, dead_letter_queue),
            ],
        )
        _acknowledge(runs, settings, statements)
        self.function = lambda_.Function(
            self,
            "Function",
            description=description,
            **_how_it_runs(),
            code=code,
            handler=f"session_manager.{handler}",
            role=self.role.without_policy_updates(),
            timeout=Duration.minutes(_TIMEOUT_MINUTES),
            memory_size=settings.memory_size,
            environment=dict(environment),
            environment_encryption=settings.encryption_key,
            log_group=self.log_group,
            dead_letter_queue=dead_letter_queue,
            reserved_concurrent_executions=settings.reserved_concurrency,
            tracing=lambda_.Tracing.ACTIVE if settings.tracing else None,
            vpc=settings.vpc,
            vpc_subnets=settings.vpc_subnets if settings.vpc else None,
            security_groups=list(security_groups) if security_groups else None,
        )
        if settings.vpc is not None:
            # A policy of its own: when the function leaves the VPC, Lambda still has to delete its
            # interfaces, and CloudFormation deletes this policy only after the function's update.
            connects = iam.ManagedPolicy(
                self,
                "Connects",
                roles=[self.role],
                statements=_network_statements(self.log_group, settings, security_groups or ()),
            )
            _acknowledge_network(connects)
            self.function.node.add_dependency(connects)
        else:
            path = path_of(self)
            TemplateChecks.add(self, f"{path}: network", outside_of_vpc(path, self.function))
        # With the policy gone first, the last answer's log lines and the VPC's network
        # interfaces would be left behind.
        self.function.node.add_dependency(runs)
        if settings.vpc is not None:
            # Its routes and endpoints are there as long as the function: a drain needs them.
            self.function.node.add_dependency(settings.vpc)
        self._access = AccessPolicies(self, "Access", role=self.role, manager=scope)

    @functools.cached_property
    def function_arn(self) -> str:
        """The function's ARN."""
        return self.function.function_arn

    @functools.cached_property
    def function_name(self) -> str:
        """The function's name."""
        return self.function.function_name

    def allow(self, actions: Sequence[str], resource_arn: str) -> iam.CfnManagedPolicy | None:
        """Allow the function actions on one interpreter.

        Args:
            actions: Names of actions of ``bedrock-agentcore``.
            resource_arn: ARN, or the pattern of all generations' ARNs.

        Returns:
            The policy that allows it: depend on it to be deleted before it is. `None`: none is
            made, IAM is others' business.
        """
        return self._access.allow([f"bedrock-agentcore:{each}" for each in actions], resource_arn)


@functools.cache
def _how_it_runs() -> dict[str, Any]:
    return {
        "runtime": lambda_.Runtime.PYTHON_3_14,
        "architecture": lambda_.Architecture.ARM_64,
    }


def _acknowledge(
    policy: iam.ManagedPolicy,
    settings: SessionManagerSettings,
    statements: Sequence[iam.PolicyStatement],
) -> None:
    if settings.tracing or any("*" in each.resources for each in statements):
        acknowledge_wildcards(
            policy,
            ["*"],
            "These actions know no resource: xray:PutTraceSegments, xray:PutTelemetryRecords, "
            "bedrock-agentcore:ListCodeInterpreters.",
        )


def _acknowledge_network(policy: iam.ManagedPolicy) -> None:
    acknowledge_wildcards(
        policy,
        ["*"],
        "These actions know no resource: ec2:DescribeNetworkInterfaces, ec2:DescribeSubnets.",
    )
    acknowledge_wildcards(
        policy,
        [_interfaces(policy)],
        "Lambda makes the network interfaces; their ids are not known before.",
    )


def _interfaces(scope: Construct) -> str:
    return f"{_ec2_arn(scope)}:network-interface/*"


def _ec2_arn(scope: Construct) -> str:
    facts = facts_of(stack_of(scope))
    return f"arn:{partition()}:ec2:{facts.region}:{facts.account}"


def _run_statements(
    log_group: logs.LogGroup,
    settings: SessionManagerSettings,
    dead_letter_queue: sqs.IQueue | None,
) -> list[iam.PolicyStatement]:
    """What the function needs in order to run, with the settings that it is run with."""
    statements = [
        iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[log_group.log_group_arn],
        )
    ]
    if dead_letter_queue is not None:
        statements.append(
            iam.PolicyStatement(
                actions=["sqs:SendMessage"], resources=[dead_letter_queue.queue_arn]
            )
        )
    queue_key = dead_letter_queue.encryption_master_key if dead_letter_queue else None
    keys = (settings.encryption_key, queue_key)
    used = {each.key_arn: each for each in keys if each is not None}
    if used:
        statements.append(
            iam.PolicyStatement(
                actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=list(used)
            )
        )
    if settings.tracing:
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
        statements.append(
            iam.PolicyStatement(
                actions=["xray:PutTelemetryRecords", "xray:PutTraceSegments"], resources=["*"]
            )
        )
    return statements


def _network_statements(
    scope: Construct,
    settings: SessionManagerSettings,
    security_groups: Sequence[ec2.ISecurityGroup],
) -> list[iam.PolicyStatement]:
    """What Lambda needs for the network interfaces that connect a function to a VPC.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
    """
    from aws_cdk import aws_ec2 as ec2

    assert settings.vpc is not None
    ec2_arn, interfaces = _ec2_arn(scope), _interfaces(scope)
    chosen = settings.vpc_subnets or ec2.SubnetSelection()
    subnets = settings.vpc.select_subnets(
        availability_zones=chosen.availability_zones,
        one_per_az=chosen.one_per_az,
        subnet_filters=chosen.subnet_filters,
        subnet_group_name=chosen.subnet_group_name,
        subnets=chosen.subnets,
        subnet_type=chosen.subnet_type,
    ).subnet_ids
    return [
        iam.PolicyStatement(
            actions=["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"], resources=["*"]
        ),
        iam.PolicyStatement(
            actions=["ec2:CreateNetworkInterface"],
            resources=[
                interfaces,
                *(f"{ec2_arn}:subnet/{each}" for each in subnets),
                *(f"{ec2_arn}:security-group/{each.security_group_id}" for each in security_groups),
            ],
        ),
        iam.PolicyStatement(
            actions=[
                "ec2:AssignPrivateIpAddresses",
                "ec2:DeleteNetworkInterface",
                "ec2:UnassignPrivateIpAddresses",
            ],
            resources=[interfaces],
        ),
    ]
