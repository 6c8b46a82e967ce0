"""Somebody has to be told of an alarm: subscriptions to the topic."""

from collections.abc import Callable

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk.assertions import Annotations, Match, Template

from cdk_code_interpreter import CodeInterpreter, CodeInterpreterAlarms, GovernedCodeInterpreter

from ..apps import QUICK

NO_ONE = Match.string_like_regexp("no one is seen to subscribe to the alarm topic")


@pytest.fixture
def stack() -> Stack:
    return Stack(App(analytics_reporting=False, **QUICK), "Analytics")


def test_a_topic_that_nobody_subscribes_to_warns_once(stack: Stack) -> None:
    GovernedCodeInterpreter(stack, "First")
    GovernedCodeInterpreter(stack, "Second")
    found = Annotations.from_stack(stack).find_warning("*", NO_ONE)
    assert len(found) == 1


def test_an_address_is_subscribed_once_for_all_interpreters_of_the_stack(stack: Stack) -> None:
    GovernedCodeInterpreter(stack, "First", alarm_email="team@example.com")
    GovernedCodeInterpreter(stack, "Second", alarm_email="team@example.com")
    GovernedCodeInterpreter(stack, "Third", alarm_email="other@example.com")
    Annotations.from_stack(stack).has_no_warning("*", NO_ONE)
    found = Template.from_stack(stack).find_resources("AWS::SNS::Subscription").values()
    assert sorted(each["Properties"]["Endpoint"] for each in found) == [
        "other@example.com",
        "team@example.com",
    ]
    assert {each["Properties"]["Protocol"] for each in found} == {"email"}


def before(topic: sns.Topic) -> None:
    topic.add_subscription(subscriptions.EmailSubscription("team@example.com"))


def beside(topic: sns.Topic) -> None:
    sns.Subscription(
        Stack.of(topic),
        "Beside",
        topic=topic,
        endpoint="team@example.com",
        protocol=sns.SubscriptionProtocol.EMAIL,
    )


@pytest.mark.parametrize("subscribed", [before, beside])
def test_a_subscription_that_is_made_elsewhere_counts(
    stack: Stack, subscribed: Callable[[sns.Topic], None]
) -> None:
    topic = sns.Topic(stack, "Topic")
    sandbox = CodeInterpreter(stack, "Sandbox")
    CodeInterpreterAlarms(stack, "Alarms", interpreter=sandbox, actions=[topic])
    subscribed(topic)
    Annotations.from_stack(stack).has_no_warning("*", NO_ONE)


def test_a_subscription_in_another_stack_counts(stack: Stack) -> None:
    topic = sns.Topic(stack, "Topic")
    CodeInterpreterAlarms(
        stack, "Alarms", interpreter=CodeInterpreter(stack, "Sandbox"), actions=[topic]
    )
    sns.Subscription(
        Stack(stack.node.scope, "OnCall"),  # type: ignore[arg-type]
        "Email",
        topic=topic,
        endpoint="team@example.com",
        protocol=sns.SubscriptionProtocol.EMAIL,
    )
    Annotations.from_stack(stack).has_no_warning("*", NO_ONE)


def test_an_address_without_alarms_is_refused(stack: Stack) -> None:
    with pytest.raises(ValueError, match=r"Analytics/S: alarm_email .* there are no alarms"):
        GovernedCodeInterpreter(stack, "S", alarms=False, alarm_email="team@example.com")


def test_an_address_reaches_a_topic_that_is_given(stack: Stack) -> None:
    topic = sns.Topic(stack, "Topic")
    GovernedCodeInterpreter(stack, "S", alarm_topic=topic, alarm_email="team@example.com")
    Template.from_stack(stack).resource_count_is("AWS::SNS::Topic", 1)
    Template.from_stack(stack).resource_count_is("AWS::SNS::Subscription", 1)


@pytest.mark.parametrize("wrong", ["team", "a@b", "two words@example.com", ""])
def test_what_is_no_address_is_refused(stack: Stack, wrong: str) -> None:
    with pytest.raises(ValueError, match="Analytics/S: alarm_email must be an e-mail address"):
        GovernedCodeInterpreter(stack, "S", alarm_email=wrong)


def test_alarms_of_another_account_leave_out_what_would_watch_this_one() -> None:
    stack = Stack(
        App(analytics_reporting=False, **QUICK),
        "Monitoring",
        env=Environment(account="111122223333", region="eu-west-1"),
    )
    theirs = CodeInterpreter.from_code_interpreter_arn(
        stack,
        "Theirs",
        "arn:aws:bedrock-agentcore:eu-west-1:999988887777:code-interpreter-custom/a-0123456789",
    )
    alarms = CodeInterpreterAlarms(stack, "Alarms", interpreter=theirs)
    assert alarms.stack_alarms is None
    found = Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm").values()
    for each in found:
        properties = each["Properties"]
        stats = [q["AccountId"] for q in properties.get("Metrics", []) if "MetricStat" in q]
        assert "Metrics" in properties
        assert set(stats) == {"999988887777"}
