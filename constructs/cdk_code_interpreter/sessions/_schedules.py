"""EventBridge Scheduler's schedules of one stack: one group, one role, one for each task.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler

from .._cdk.construct_tree import Component, resource_of, stack_of
from .._cdk.durations import seconds_of
from .._cdk.stacks import facts_of

if TYPE_CHECKING:
    from aws_cdk import Duration
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_sqs as sqs
    from constructs import Construct

_RETRIES = 2


class Schedules(Component):
    """Schedules that invoke functions of the session manager."""

    def __init__(
        self, scope: Construct, construct_id: str, *, dead_letter_queue: sqs.IQueue
    ) -> None:
        """Define the group and the role that all of them share.

        Args:
            scope: Where to define them.
            construct_id: Their id in that scope.
            dead_letter_queue: Gets invocations that could not be made.
        """
        super().__init__(scope, construct_id)
        self._queue_arn = dead_letter_queue.queue_arn
        self.group = scheduler.CfnScheduleGroup(self, "Group")
        self.role = iam.Role(
            self,
            "Role",
            description="Invokes the functions that manage code interpreter sessions",
            # The group stands for its schedules in the source ARN:
            # https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={
                    "StringEquals": {
                        "aws:SourceAccount": facts_of(stack_of(self)).account,
                        "aws:SourceArn": self.group.attr_arn,
                    }
                },
            ),
        )
        self._invoke = iam.PolicyStatement(actions=["lambda:InvokeFunction"])
        statements = [
            self._invoke,
            iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[self._queue_arn]),
        ]
        key = dead_letter_queue.encryption_master_key
        if key is not None:
            statements.append(
                iam.PolicyStatement(
                    actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[key.key_arn]
                )
            )
        policy = iam.ManagedPolicy(self, "Policy", roles=[self.role], statements=statements)
        self._policy = cast("iam.CfnManagedPolicy | None", resource_of(policy))
        self._group_name, self._role_arn = self.group.ref, self.role.role_arn
        self._invocables: dict[lambda_.IFunction, str] = {}

    def every(
        self,
        scope: Construct,
        construct_id: str,
        *,
        interval: Duration,
        function: lambda_.IFunction,
        policy: iam.CfnManagedPolicy | None,
        description: str,
        payload: str,
    ) -> scheduler.CfnSchedule:
        """Define a schedule.

        Args:
            scope: Where to define it.
            construct_id: Its id in that scope.
            interval: Time between two invocations, in whole minutes.
            function: What is invoked.
            policy: What allows the function its work: a schedule ticks as soon as it is there.
            description: What the console says that it is for.
            payload: The event, as JSON.
        """
        arn = self._invocable(function)
        minutes = int(seconds_of(interval)) // 60
        schedule = scheduler.CfnSchedule(
            scope,
            construct_id,
            description=description,
            group_name=self._group_name,
            schedule_expression=f"rate({minutes} minute{'s' if minutes != 1 else ''})",
            flexible_time_window=_window(minutes),
            target={
                "arn": arn,
                "roleArn": self._role_arn,
                "input": payload,
                "deadLetterConfig": {"arn": self._queue_arn},
                "retryPolicy": {
                    "maximumRetryAttempts": _RETRIES,
                    # A tick that is late is overtaken by the next one.
                    "maximumEventAgeInSeconds": max(60, min(86_400, minutes * 60)),
                },
            },
        )
        for each in (self._policy, policy):
            if each is not None:  # none is made under `iam.Role.customize_roles`
                schedule.add_resource_dependency(each)
        return schedule

    def _invocable(self, function: lambda_.IFunction) -> str:
        if function not in self._invocables:
            self._invocables[function] = function.function_arn
            self._invoke.add_resources(function.function_arn)
        return self._invocables[function]


def _window(minutes: int) -> dict[str, Any]:
    """Spread the ticks of many interpreters, which would all list their sessions at once."""
    if minutes < 5:
        return {"mode": "OFF"}
    return {"mode": "FLEXIBLE", "maximumWindowInMinutes": min(15, minutes // 5)}
