"""Who is told of an alarm: the subscriptions to its topic."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from weakref import WeakKeyDictionary

import jsii
from aws_cdk import Annotations, Stack
from aws_cdk import aws_sns as sns
from constructs import IConstruct, IValidation

from .._arguments.limits import Findings, is_token
from .._cdk.construct_tree import path_of

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def check_email(findings: Findings, email: str | None) -> None:
    """Check the address that alarms are mailed to."""
    if email is not None and not is_token(email) and not _EMAIL.fullmatch(email):
        findings.add(
            f"alarm_email must be an e-mail address, got {email!r}; pass for example "
            "'team@example.com'"
        )


def subscribe(topic: sns.ITopic, email: str) -> None:
    """Subscribe an address to a topic, once.

    https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
    """
    from aws_cdk import aws_sns_subscriptions as subscriptions

    known = _SUBSCRIBED.setdefault(topic, set())
    if email not in known:
        known.add(email)
        topic.add_subscription(subscriptions.EmailSubscription(email))


def warn_without_subscription(topic: object) -> None:
    """Warn at synthesis if nothing in the app subscribes to a topic of it; once for each topic."""
    # Of an imported topic nothing is known here.
    if not isinstance(topic, sns.Topic) or topic in _WATCHED:
        return
    _WATCHED[topic] = True
    topic.node.add_validation(_SubscriptionCheck(topic))


@jsii.implements(IValidation)
class _SubscriptionCheck:
    def __init__(self, topic: sns.Topic) -> None:
        self._topic = topic

    def validate(self) -> list[str]:
        """Answer CDK before synthesis, with a warning and never with an error."""
        if not self._is_subscribed():
            Annotations.of(self._topic).add_warning_v2(
                "cdk-code-interpreter:alarmTopicWithoutSubscription",
                f"no one is seen to subscribe to the alarm topic {path_of(self._topic)}, so no one "
                "may be told of an alarm; pass "
                "GovernedCodeInterpreter(alarm_email='team@example.com'), or add "
                "topic.add_subscription(subscriptions.EmailSubscription('team@example.com'))",
            )
        return []

    def _is_subscribed(self) -> bool:
        stack = Stack.of(self._topic)
        arn = stack.resolve(self._topic.topic_arn)
        every: list[IConstruct] = self._topic.node.root.node.find_all()
        return any(
            stack.resolve(each.topic_arn) == arn
            for each in every
            if isinstance(each, sns.CfnSubscription)
        )


_SUBSCRIBED: MutableMapping[sns.ITopic, set[str]] = WeakKeyDictionary()
_WATCHED: MutableMapping[sns.Topic, bool] = WeakKeyDictionary()
