"""Alarms of a code interpreter, each with a meaning, a first step and a runbook."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from aws_cdk import Annotations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

from .._arguments.limits import Findings, is_token, known_to_differ
from .._arguments.types import INTERPRETER, TEXT, TOPIC, Kind, check_kinds, class_named, list_of
from .._cdk.construct_tree import Component, path_of, stack_of
from .._cdk.durations import seconds_of
from .._cdk.stacks import facts_of
from .._replacements import generation_in, name_across_replacements
from ..metrics.series import InterpreterSeries
from . import _alarm_definitions as definitions
from ._alarm_resources import Action, Actions, check_actions, found_alarm, make_alarm, topic_arn
from ._subscriptions import warn_without_subscription
from .alarm_thresholds import (
    THRESHOLDS,
    AlarmThresholds,
    Threshold,
)
from .stack_alarms import StackAlarms

if TYPE_CHECKING:
    from aws_cdk import Stack

    from ..interface import ICodeInterpreter
    from ..sessions.canary import Canary
    from ..sessions.session_janitor import SessionJanitor

__all__ = ["RUNBOOK_URL", "AlarmThresholds", "CodeInterpreterAlarms", "StackAlarms", "Threshold"]

RUNBOOK_URL = "https://pypi.org/project/cdk-code-interpreter/"
_ACTION = Kind(
    f"{TOPIC.words}, or another alarm action",
    lambda value: TOPIC.accepts(value) or hasattr(type(value), "bind"),
)
# arn:partition:sns:region:account:name
_ARN_PARTS = 6
_OF_JANITOR = ("over_age_sessions", "janitor_silent")


class CodeInterpreterAlarms(Component):
    """Alarms on one interpreter, a composite of them, and the stack's shared ones.

    The composite has no action: each alarm notifies by itself, and the composite is what a
    deployment or a dashboard asks. Alarms on what all interpreters share are in `stack_alarms`,
    once per stack, and not in the composite; for an interpreter of another account it is `None`.

    The alarms are CloudFormation resources without an L2; `alarm` gives one as CDK's interface.
    They watch the service's metrics
    (https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/observability-tool-metrics.html)
    and those of the janitor, the drain and the canary. What silence means is chosen for each:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        interpreter: ICodeInterpreter,
        actions: Sequence[Action] = (),
        thresholds: AlarmThresholds | None = None,
        janitor: SessionJanitor | None = None,
        canary: Canary | None = None,
        runbook_url: str = RUNBOOK_URL,
    ) -> None:
        """Define the alarms.

        Args:
            scope: Where to define them.
            construct_id: Their id in that scope.
            interpreter: One of ours, an L2, an import or the system's.
            actions: SNS topics or other alarm actions, at most 5, for every alarm when it is
                raised and when it is over. Default: none, which adds a warning.
            thresholds: When alarms are raised. Default: see `AlarmThresholds`.
            janitor: The interpreter's janitor, whose schedule the alarms on it need. Default: no
                alarm on sessions over age, nor on a silent janitor.
            canary: The interpreter's canary. Default: no alarm on it.
            runbook_url: The page that every alarm's description links to, with the alarm's own
                anchor (``#runbook-system-errors``). Default: this library's page.

        Raises:
            ValueError: The interpreter, janitor or canary is in another region, a threshold needs
                a janitor or canary that is not given, or there is nothing to watch.
        """
        check_kinds(
            scope,
            construct_id,
            interpreter=(interpreter, INTERPRETER),
            actions=(actions, list_of(_ACTION)),
            thresholds=(thresholds, THRESHOLDS.or_none),
            janitor=(janitor, class_named("SessionJanitor").or_none),
            canary=(canary, class_named("Canary").or_none),
            runbook_url=(runbook_url, TEXT),
        )
        thresholds = thresholds or AlarmThresholds()
        findings = Findings(scope, construct_id)
        check_actions(findings, actions)
        stack = stack_of(scope)
        _check_region(findings, stack, interpreter)
        _check_topics(findings, stack, actions)
        _check_companions(findings, stack, thresholds, janitor, canary)
        _check_subject(findings, interpreter, janitor)
        wanted = list(_definitions(interpreter, thresholds, janitor, canary))
        definitions.check_windows(findings, wanted)
        findings.raise_if_any()
        super().__init__(scope, construct_id)
        self.interpreter = interpreter
        self._facts = facts_of(stack)
        _warn(self, interpreter, self._facts.account, actions)
        bound = Actions(actions)
        name = generation_in(stack, interpreter) or name_across_replacements(interpreter)
        subject = f"Code interpreter {name}"
        self._alarms = {
            each.construct_id: make_alarm(
                self,
                each,
                account=self._facts.account,
                actions=bound,
                subject=subject,
                runbook_url=runbook_url,
            )
            for each in wanted
        }
        self._names = [each.ref for each in self._alarms.values()]
        self._wait_for(janitor, canary)
        self.composite = self._composite(subject)
        # What they watch is this account's: of another account's interpreter they say nothing.
        self.stack_alarms = (
            None
            if known_to_differ(interpreter.account, self._facts.account)
            else StackAlarms.of(
                stack, thresholds=thresholds, actions=actions, runbook_url=runbook_url
            )
        )

    @property
    def alarms(self) -> Mapping[str, cloudwatch.CfnAlarm]:
        """The alarms on this interpreter, by their ids such as ``SystemErrors``."""
        return self._alarms

    def alarm(self, name: str) -> cloudwatch.AlarmBase:
        """One of the alarms, to add actions to it: ``janitor.stop_all_on(alarms.alarm("Cost"))``.

        Args:
            name: Its id, such as ``SessionStarts``.

        Raises:
            ValueError: There is no such alarm.
        """
        return found_alarm(self, self._alarms, name)

    @functools.cached_property
    def alarm_arns(self) -> Sequence[str]:
        """The alarms' ARNs, the composite's first."""
        return self._arns(str)

    def _arns(self, read: Callable[[str], str]) -> list[str]:
        """The ARNs, with each reference read in a way of one's own."""
        if self.composite is None:
            return []
        names = (self._facts.alarm_arn(read(each)) for each in self._names)
        return [read(self.composite.attr_arn), *names]

    def _composite(self, subject: str) -> cloudwatch.CfnCompositeAlarm | None:
        if not self._alarms:
            return None
        return cloudwatch.CfnCompositeAlarm(
            self,
            "Composite",
            alarm_rule=" OR ".join(f'ALARM("{each}")' for each in self._names),
            alarm_description=f"Something is wrong with a code interpreter: see which of its "
            f"alarms is raised.\n\n{subject}",
        )

    def _wait_for(self, janitor: SessionJanitor | None, canary: Canary | None) -> None:
        """Let schedules tick before the alarms on their silence are evaluated.

        A schedule ticks for the first time when it is made.
        """
        for name, ticking in (("JanitorSilent", janitor), ("CanaryFailing", canary)):
            if ticking is not None and name in self._alarms:
                self._alarms[name].add_resource_dependency(ticking.schedule)


def _warn(
    scope: Construct, interpreter: ICodeInterpreter, account: str, actions: Sequence[Action]
) -> None:
    if not actions:
        Annotations.of(scope).add_warning_v2(
            "cdk-code-interpreter:alarmsWithoutAction",
            "these alarms have no actions; pass actions=[topic]",
        )
    for action in actions:
        warn_without_subscription(action)
    theirs = interpreter.account
    if known_to_differ(theirs, account):
        Annotations.of(scope).add_warning_v2(
            "cdk-code-interpreter:alarmsOfAnotherAccount",
            f"the interpreter is in account {theirs}; its alarms work here only if that "
            "account shares its metrics with this one, and alarms on that account's quota and "
            "cost are left out: define those in a stack of its own account "
            "(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Unified-Cross-Account.html)",
        )


def _definitions(
    interpreter: ICodeInterpreter,
    thresholds: AlarmThresholds,
    janitor: SessionJanitor | None,
    canary: Canary | None,
) -> Iterator[definitions.Definition]:
    series = InterpreterSeries.of(interpreter)
    yield from definitions.of_service(series, thresholds)
    if not interpreter.is_system:
        yield from definitions.of_sessions(series, thresholds)
    if janitor is not None:
        seconds = int(seconds_of(janitor.policy.schedule))
        yield from definitions.of_janitor(series, thresholds, seconds)
    if canary is not None:
        yield from definitions.of_canary(series, thresholds, int(seconds_of(canary.interval)))


def _check_region(findings: Findings, stack: Stack, interpreter: ICodeInterpreter) -> None:
    theirs, ours = interpreter.region, facts_of(stack).region
    if known_to_differ(theirs, ours):
        findings.add(
            f"the interpreter is in {theirs}, this stack in {ours}, and an alarm cannot "
            "watch another region; define the alarms in a stack of the interpreter's region"
        )


def _check_topics(findings: Findings, stack: Stack, actions: Sequence[Action]) -> None:
    """Refuse topics of another region, as CloudWatch does."""
    own = facts_of(stack).region
    for topic in filter(TOPIC.accepts, actions):
        name, region = _place_of(cast("sns.ITopic", topic))
        if region and known_to_differ(region, own):
            findings.add(
                f"the topic {name} is in another region ({region}) than these alarms ({own}), and "
                "an alarm notifies topics of its own region only; use one of this region"
            )


def _place_of(topic: sns.ITopic) -> tuple[str, str]:
    """What a topic is called, and its region; of an imported one, what its ARN says of it."""
    if isinstance(topic, sns.Topic):
        return path_of(topic), facts_of(stack_of(topic)).region
    arn = topic_arn(topic)
    parts = arn.split(":")
    name = path_of(topic) if is_token(arn) else arn
    # An import says nothing of where its topic is: it may stand in a stack of any region.
    return name, parts[3] if len(parts) == _ARN_PARTS else ""


def _check_companions(
    findings: Findings,
    stack: Stack,
    thresholds: AlarmThresholds,
    janitor: SessionJanitor | None,
    canary: Canary | None,
) -> None:
    for name in _OF_JANITOR:
        if janitor is None and thresholds.is_explicit(name):
            findings.add(f"{name} needs the janitor's schedule; pass janitor=")
    if canary is None and thresholds.is_explicit("canary_failures"):
        findings.add("canary_failures needs the canary's schedule; pass canary=")
    own = facts_of(stack).region
    for name, companion in (("janitor", janitor), ("canary", canary)):
        if companion is None:
            continue
        region = facts_of(stack_of(companion)).region
        if known_to_differ(region, own):
            findings.add(
                f"the {name} {path_of(companion)} runs in {region}, where its metrics are, and "
                f"alarms of {own} cannot watch them; define it in a stack of {own}"
            )


def _check_subject(
    findings: Findings, interpreter: ICodeInterpreter, janitor: SessionJanitor | None
) -> None:
    """The alarms on a janitor read what it publishes of its own interpreter."""
    if janitor is not None and janitor._interpreter.prefix_arn != interpreter.prefix_arn:
        findings.add(
            f"janitor {path_of(janitor)} watches {path_of(janitor._interpreter)}, not "
            f"{path_of(interpreter)}; pass the janitor of {path_of(interpreter)}"
        )
