"""Alarms that stand once in a stack."""

from __future__ import annotations

import jsii
import pytest
from aws_cdk import App, Aspects, Duration, IAspect, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Match, Template
from constructs import IConstruct

from cdk_code_interpreter.interpreter.code_interpreter import CodeInterpreter
from cdk_code_interpreter.interpreter.imported import SystemCodeInterpreter
from cdk_code_interpreter.observability.alarm_thresholds import AlarmThresholds, Threshold
from cdk_code_interpreter.observability.alarms import CodeInterpreterAlarms
from cdk_code_interpreter.observability.stack_alarms import StackAlarms
from cdk_code_interpreter.sessions.session_janitor import SessionJanitor
from cdk_code_interpreter.sessions.session_manager import SessionManager
from cdk_code_interpreter.sessions.session_manager_settings import SessionManagerSettings

URL = "https://example.com"


@pytest.fixture
def stack() -> Stack:
    return Stack(App(), "S")


def watch(stack: Stack, name: str, thresholds: AlarmThresholds | None = None) -> None:
    CodeInterpreterAlarms(
        stack,
        name,
        interpreter=SystemCodeInterpreter(stack, f"{name}System"),
        thresholds=thresholds,
    )


def test_the_functions_that_come_later_are_watched_too(stack: Stack) -> None:
    first = CodeInterpreter(stack, "First")
    CodeInterpreterAlarms(stack, "FirstAlarms", interpreter=first)
    SessionJanitor(stack, "Janitor", interpreter=first)
    template = Template.from_stack(stack)
    functions = template.find_resources(
        "AWS::Lambda::Function", {"Properties": {"Handler": Match.string_like_regexp("session_m")}}
    )
    (alarm,) = [
        each["Properties"]
        for key, each in template.find_resources("AWS::CloudWatch::Alarm").items()
        if "FunctionErrors" in key
    ]
    watched = {
        each["MetricStat"]["Metric"]["Dimensions"][0]["Value"]["Ref"]
        for each in alarm["Metrics"]
        if "MetricStat" in each
    }
    assert watched == set(functions)
    assert len(functions) == 2
    assert [key for key in template.find_resources("AWS::CloudWatch::Alarm") if "DeadLe" in key]


@pytest.mark.parametrize(
    ("thresholds", "said"),
    [
        ({"active_sessions": Threshold(500, period=Duration.hours(12))}, "would look at 60 hours"),
        ({"account_cost_per_hour": Threshold(9, period=Duration.hours(12))}, "look at 36 hours"),
        ({"function_errors": Threshold(9, datapoints_to_alarm=3)}, "needs 3 data points but"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(
    stack: Stack, thresholds: dict[str, Threshold], said: str
) -> None:
    CodeInterpreter(stack, "Sandbox")
    with pytest.raises(ValueError, match=f"S/CodeInterpreterStackAlarms: .*{said}"):
        watch(stack, "Alarms", AlarmThresholds(**thresholds))


def test_without_session_functions_there_is_no_alarm_on_them(stack: Stack) -> None:
    watch(stack, "Alarms")
    alarms = StackAlarms.of(stack, thresholds=AlarmThresholds(), actions=[], runbook_url=URL)
    assert set(alarms.alarms) == {"ActiveSessions", "AccountCost"}


def test_a_queue_of_ones_own_is_watched(stack: Stack) -> None:
    queue = sqs.Queue(stack, "Queue")
    SessionManager.of(stack, SessionManagerSettings(dead_letter_queue=queue))
    CodeInterpreterAlarms(stack, "Alarms", interpreter=CodeInterpreter(stack, "Sandbox"))
    Template.from_stack(stack).has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "Namespace": "AWS/SQS",
            "Dimensions": [
                {"Name": "QueueName", "Value": stack.resolve(queue.queue_name)},
            ],
        },
    )


def test_other_thresholds_of_a_second_interpreter_are_refused(stack: Stack) -> None:
    watch(stack, "First", AlarmThresholds(active_sessions=500))
    watch(stack, "Same", AlarmThresholds(active_sessions=500))
    watch(stack, "Default")
    with pytest.raises(ValueError, match=r"StackAlarms: active_sessions stand once in a stack"):
        watch(stack, "Other", AlarmThresholds(active_sessions=400))


def test_actions_of_every_interpreter_are_joined(stack: Stack) -> None:
    topics = [sns.Topic(stack, f"Topic{number}") for number in range(2)]
    for topic in (*topics, topics[0]):
        alarms = StackAlarms.of(
            stack, thresholds=AlarmThresholds(), actions=[topic], runbook_url=URL
        )
    expected = [stack.resolve(each.topic_arn) for each in topics]
    for alarm in alarms.alarms.values():
        assert stack.resolve(alarm.alarm_actions) == expected
        assert stack.resolve(alarm.ok_actions) == expected


def _deny_everybody(topic: sns.Topic) -> None:
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            effect=iam.Effect.DENY,
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            principals=[iam.AnyPrincipal()],
        )
    )


@jsii.implements(IAspect)
class _PolicyOfTheCompany:
    def visit(self, node: IConstruct) -> None:
        if isinstance(node, sns.Topic):
            _deny_everybody(node)


@pytest.mark.parametrize("given", ["at once", "later", "by an aspect"])
def test_a_topic_with_a_policy_of_its_own_lets_the_accounts_alarms_in(
    stack: Stack, given: str
) -> None:
    topic = sns.Topic(stack, "Strict", enforce_ssl=given == "at once")
    for _ in range(2):
        StackAlarms.of(stack, thresholds=AlarmThresholds(), actions=[topic], runbook_url=URL)
    if given == "later":
        _deny_everybody(topic)
    if given == "by an aspect":
        Aspects.of(stack).add(_PolicyOfTheCompany())
    (policy,) = Template.from_stack(stack).find_resources("AWS::SNS::TopicPolicy").values()
    allowed = [
        each
        for each in policy["Properties"]["PolicyDocument"]["Statement"]
        if each["Effect"] == "Allow"
    ]
    (statement,) = allowed
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {
        "aws:SourceAccount": {"Ref": "AWS::AccountId"}
    }


def test_the_key_of_a_topic_lets_alarms_use_it(stack: Stack) -> None:
    topic = sns.Topic(stack, "Encrypted", master_key=kms.Key(stack, "Key"))
    StackAlarms.of(stack, thresholds=AlarmThresholds(), actions=[topic], runbook_url=URL)
    (key,) = Template.from_stack(stack).find_resources("AWS::KMS::Key").values()
    services = [
        each["Principal"].get("Service") for each in key["Properties"]["KeyPolicy"]["Statement"]
    ]
    assert services.count("cloudwatch.amazonaws.com") == 1


def test_a_topic_without_a_policy_gets_none(stack: Stack) -> None:
    """It lets its account's alarms in; a policy would take the place of that for everybody."""
    StackAlarms.of(
        stack, thresholds=AlarmThresholds(), actions=[sns.Topic(stack, "Plain")], runbook_url=URL
    )
    Template.from_stack(stack).resource_count_is("AWS::SNS::TopicPolicy", 0)


def test_more_actions_than_an_alarm_takes_are_refused(stack: Stack) -> None:
    def watch_with(number: int) -> None:
        topic = sns.Topic(stack, f"Topic{number}")
        StackAlarms.of(stack, thresholds=AlarmThresholds(), actions=[topic], runbook_url=URL)

    for number in range(5):
        watch_with(number)
    with pytest.raises(ValueError, match=r"have 6 different actions.*topic in common"):
        watch_with(5)


def test_a_shared_alarm_can_be_had_by_name(stack: Stack) -> None:
    watch(stack, "Alarms")
    alarms = StackAlarms.of(stack, thresholds=AlarmThresholds(), actions=[], runbook_url=URL)
    resource = alarms.alarms["ActiveSessions"]
    assert alarms.alarm("ActiveSessions").alarm_arn == resource.attr_arn
    assert alarms.alarm("ActiveSessions") is alarms.alarm("ActiveSessions")
