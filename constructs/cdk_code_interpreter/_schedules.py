"""EventBridge Scheduler's schedules of one stack: one group, one role, one for each task.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_sqs as sqs

_RETRIES = 2


class Schedules(Construct):
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
        self._queue = dead_letter_queue
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
                        "aws:SourceAccount": Stack.of(self).account,
                        "aws:SourceArn": self.group.attr_arn,
                    }
                },
            ),
        )
        self._invoke = iam.PolicyStatement(actions=["lambda:InvokeFunction"])
        statements = [
            self._invoke,
            iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[self._queue.queue_arn]),
        ]
        key = self._queue.encryption_master_key
        if key is not None:
            statements.append(
                iam.PolicyStatement(
                    actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[key.key_arn]
                )
            )
        self._policy = iam.ManagedPolicy(self, "Policy", roles=[self.role], statements=statements)
        self._invoked: set[str] = set()

    def every(
        self,
        scope: Construct,
        construct_id: str,
        *,
        interval: Duration,
        function: lambda_.IFunction,
        description: str,
        payload: str,
    ) -> scheduler.CfnSchedule:
        """Define a schedule.

        Args:
            scope: Where to define it.
            construct_id: Its id in that scope.
            interval: Time between two invocations, in whole minutes.
            function: What is invoked.
            description: What the console says that it is for.
            payload: The event, as JSON.
        """
        if function.node.path not in self._invoked:
            self._invoked.add(function.node.path)
            self._invoke.add_resources(function.function_arn)
        minutes = int(interval.to_minutes())
        schedule = scheduler.CfnSchedule(
            scope,
            construct_id,
            description=description,
            group_name=self.group.ref,
            schedule_expression=f"rate({minutes} minute{'s' if minutes != 1 else ''})",
            flexible_time_window=_window(minutes),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=function.function_arn,
                role_arn=self.role.role_arn,
                input=payload,
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(
                    arn=self._queue.queue_arn
                ),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_retry_attempts=_RETRIES,
                    # A tick that is late is overtaken by the next one.
                    maximum_event_age_in_seconds=max(60, min(86_400, minutes * 60)),
                ),
            ),
        )
        schedule.node.add_dependency(self._policy)
        return schedule


def _window(minutes: int) -> scheduler.CfnSchedule.FlexibleTimeWindowProperty:
    """Spread the ticks of many interpreters, which would all list their sessions at once."""
    if minutes < 5:
        return scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF")
    return scheduler.CfnSchedule.FlexibleTimeWindowProperty(
        mode="FLEXIBLE", maximum_window_in_minutes=min(15, minutes // 5)
    )
