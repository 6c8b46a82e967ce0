"""Alarms as CloudFormation resources.

They are made without the L2: an alarm on metric math would cost several calls across jsii for
each metric that it reads, and there are several alarms for each interpreter.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from weakref import WeakKeyDictionary

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from .._arguments.types import TOPIC
from .._cdk.construct_tree import child_of, path_of
from .._cdk.key_policies import alarms_key_statement, use_key
from .._cdk.stacks import facts_of
from .._cdk.synthesis_hook import AFTER_OTHERS, when_complete
from ..metrics.series import Calculation, Series

if TYPE_CHECKING:
    from aws_cdk import Stack

    from .._arguments.limits import Findings
    from .._cdk.stacks import StackFacts
    from ._alarm_definitions import Definition

Action: TypeAlias = "sns.ITopic | cloudwatch.IAlarmAction"
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
MOST_ACTIONS = 5
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
LONGEST_DESCRIPTION = 1024


class AlarmHandle(cloudwatch.AlarmBase):
    """An alarm of ours for whoever takes an alarm of CDK's: actions, dashboards, composites."""

    def __init__(
        self, scope: Construct, construct_id: str, *, resource: cloudwatch.CfnAlarm
    ) -> None:
        """Stand for an alarm.

        Args:
            scope: Where to define it.
            construct_id: Its id in that scope.
            resource: The alarm.
        """
        super().__init__(scope, construct_id)
        self._resource = resource

    @property
    def alarm_arn(self) -> str:
        """The alarm's ARN."""
        return self._resource.attr_arn

    @property
    def alarm_name(self) -> str:
        """The alarm's name."""
        return self._resource.ref

    def add_alarm_action(self, *actions: cloudwatch.IAlarmAction) -> None:
        """Do something when the alarm is raised."""
        self._resource.alarm_actions = self._extended(self._resource.alarm_actions, actions)

    def add_ok_action(self, *actions: cloudwatch.IAlarmAction) -> None:
        """Do something when the alarm is over."""
        self._resource.ok_actions = self._extended(self._resource.ok_actions, actions)

    def add_insufficient_data_action(self, *actions: cloudwatch.IAlarmAction) -> None:
        """Do something when the alarm has no data."""
        self._resource.insufficient_data_actions = self._extended(
            self._resource.insufficient_data_actions, actions
        )

    def _extended(
        self, arns: Sequence[str] | None, actions: Sequence[cloudwatch.IAlarmAction]
    ) -> list[str]:
        return [*(arns or ()), *(each.bind(self, self).alarm_action_arn for each in actions)]


class Actions:
    """What happens when alarms are raised, and when they are over."""

    def __init__(self, actions: Sequence[Action]) -> None:
        """Take topics and other actions.

        Args:
            actions: Topics are taken by their ARN; anything else is bound to each alarm.
        """
        self.given = list(actions)
        topics = [each for each in actions if TOPIC.accepts(each)]
        self.topic_arns = [topic_arn(cast("sns.ITopic", each)) for each in topics]
        self._bound = [
            cast("cloudwatch.IAlarmAction", each) for each in actions if each not in topics
        ]

    def bind(self, scope: Construct, construct_id: str, alarm: cloudwatch.CfnAlarm) -> None:
        """Add to an alarm what is no topic."""
        if self._bound:
            handle = handle_of(scope, construct_id, alarm)
            handle.add_alarm_action(*self._bound)
            handle.add_ok_action(*self._bound)


_TOPIC_ARNS: MutableMapping[sns.ITopic, str] = WeakKeyDictionary()


def topic_arn(topic: sns.ITopic) -> str:
    """A topic's ARN, asked for once."""
    if topic not in _TOPIC_ARNS:
        _TOPIC_ARNS[topic] = topic.topic_arn
    return _TOPIC_ARNS[topic]


def let_alarms_publish(actions: Sequence[Action], stack: Stack) -> None:
    """Let the alarms of a stack's account publish to topics of the same app.

    A topic without a policy lets its account's alarms in. Any policy, such as the one of
    ``enforce_ssl``, takes the place of that, and must say so itself; so must a topic's key:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    for topic in actions:
        if not isinstance(topic, sns.Topic):
            continue
        facts = facts_of(stack)
        if not _let_publish(topic, facts):
            # An aspect of somebody else may give it a policy yet.
            when_complete(topic, functools.partial(_let_publish, topic, facts), AFTER_OTHERS)
        if topic.master_key is not None:
            use_key(topic, topic.master_key, alarms_key_statement(stack))


def _let_publish(topic: sns.Topic, facts: StackFacts) -> bool:
    """Whether it has a policy, which now says so."""
    has_policy = child_of(topic, "Policy") is not None
    if has_policy:
        topic.add_to_resource_policy(_publish_statement(topic, facts))
    return has_policy


def _publish_statement(topic: sns.Topic, facts: StackFacts) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="CloudWatchAlarms",
        principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
        actions=["sns:Publish"],
        resources=[topic.topic_arn],
        conditions={
            "StringEquals": {"aws:SourceAccount": facts.account},
            "ArnLike": {"aws:SourceArn": facts.alarm_arn("*")},
        },
    )


def make_alarm(
    scope: Construct,
    definition: Definition,
    *,
    account: str,
    actions: Actions,
    subject: str,
    runbook_url: str,
) -> cloudwatch.CfnAlarm:
    """Define one alarm.

    Args:
        scope: Where to define it.
        definition: What it is about.
        account: The account that it is in.
        actions: What happens when it is raised, and when it is over.
        subject: What it is about, for its description.
        runbook_url: The page that has the runbook.
    """
    below = definition.below
    alarm = cloudwatch.CfnAlarm(
        scope,
        definition.construct_id,
        alarm_description=_description(definition, subject, runbook_url),
        comparison_operator="LessThanThreshold" if below else "GreaterThanOrEqualToThreshold",
        threshold=definition.value,
        evaluation_periods=definition.periods,
        datapoints_to_alarm=definition.datapoints,
        treat_missing_data=definition.missing.value,
        alarm_actions=actions.topic_arns or None,
        ok_actions=actions.topic_arns or None,
        **what_it_reads(definition.source, account),
    )
    actions.bind(scope, definition.construct_id, alarm)
    return alarm


def add_actions(
    scope: Construct, construct_id: str, alarm: cloudwatch.CfnAlarm, actions: Actions
) -> None:
    """Let more happen when an alarm is raised, and when it is over."""
    if actions.topic_arns:
        alarm.alarm_actions = [*(alarm.alarm_actions or ()), *actions.topic_arns]
        alarm.ok_actions = [*(alarm.ok_actions or ()), *actions.topic_arns]
    actions.bind(scope, construct_id, alarm)


def found_alarm(
    scope: Construct, alarms: Mapping[str, cloudwatch.CfnAlarm], name: str
) -> AlarmHandle:
    """One of several alarms, as CDK's own interface.

    Raises:
        ValueError: There is no such alarm.
    """
    if name not in alarms:
        raise ValueError(
            f"{path_of(scope)}: there is no alarm {name!r}; there are: "
            f"{', '.join(sorted(alarms)) or 'none'}"
        )
    return handle_of(scope, name, alarms[name])


def check_actions(findings: Findings, actions: Sequence[Action]) -> None:
    """Refuse more actions than an alarm can have."""
    if len(actions) > MOST_ACTIONS:
        findings.add(
            f"actions must be at most {MOST_ACTIONS}, got {len(actions)}; subscribe the rest to "
            "one topic"
        )


def handle_of(scope: Construct, construct_id: str, resource: cloudwatch.CfnAlarm) -> AlarmHandle:
    """The alarm as CDK's own interface, made when first asked for."""
    existing = child_of(scope, f"{construct_id}Handle")
    if isinstance(existing, AlarmHandle):
        return existing
    return AlarmHandle(scope, f"{construct_id}Handle", resource=resource)


def what_it_reads(source: Series | Calculation, account: str) -> dict[str, Any]:
    """The properties of an alarm that say what it reads."""
    if isinstance(source, Series) and source.account == account:
        return _single(source)
    queries = [_query(name, each, account) for name, each in source.inputs().items()]
    if isinstance(source, Series):
        queries[0]["returnData"] = True
    else:
        queries.append(
            {
                "id": "result",
                "expression": source.expression,
                "label": source.label,
                "returnData": True,
            }
        )
    return {"metrics": queries}


def _single(series: Series) -> dict[str, Any]:
    percentile = series.statistic.startswith("p")
    return {
        "namespace": series.namespace,
        "metric_name": series.name,
        "dimensions": _dimensions(series),
        "extended_statistic" if percentile else "statistic": series.statistic,
        "period": series.period,
    }


def _query(name: str, series: Series, account: str) -> dict[str, Any]:
    query: dict[str, Any] = {
        "id": name,
        "label": series.label,
        "returnData": False,
        "metricStat": {
            "metric": {
                "namespace": series.namespace,
                "metricName": series.name,
                "dimensions": _dimensions(series),
            },
            "period": series.period,
            "stat": series.statistic,
        },
    }
    if series.account != account:
        query["accountId"] = series.account
    return query


def _dimensions(series: Series) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in series.dimensions.items()]


def _description(definition: Definition, subject: str, runbook_url: str) -> str:
    text = (
        f"{definition.meaning}\n\nFirst: {definition.first}\n\n"
        f"Runbook: {runbook_url}#{definition.anchor}\n\n{subject}"
    )
    return text[:LONGEST_DESCRIPTION] if "${" not in text else text
