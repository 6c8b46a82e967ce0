"""An interpreter with everything that governs it."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import jsii
from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from ._arguments.limits import Findings
from ._arguments.types import FLAG, TEXT, TEXTS, TOPIC, check_kinds, instance_of
from ._cdk.construct_tree import Component, stack_of
from .compliance_profile import ComplianceProfile
from .interface import ICodeInterpreter
from .interpreter._naming import stem_of
from .interpreter.code_interpreter import CodeInterpreter
from .observability._alarm_topic import alarm_topic_of
from .observability._subscriptions import check_email, subscribe
from .observability.alarm_thresholds import THRESHOLDS
from .observability.alarms import RUNBOOK_URL, CodeInterpreterAlarms
from .observability.dashboard import CodeInterpreterDashboard
from .observability.log_delivery import LogDelivery
from .sessions.canary import Canary
from .sessions.session_janitor import SessionJanitor
from .sessions.session_manager import SessionManager
from .sessions.session_policy import SESSION_POLICY, SessionPolicy
from .sessions.smoke_test import SmokeTest

if TYPE_CHECKING:
    from aws_cdk import aws_secretsmanager as secretsmanager
    from aws_cdk import aws_sns as sns

    from .network.network_access import NetworkAccess
    from .observability.alarm_thresholds import AlarmThresholds
    from .permissions.execution_role import NoExecutionRole
    from .sessions.session_drain import OnDrainFailure

_PROFILE = instance_of(
    ComplianceProfile, "ComplianceProfile.lean() or ComplianceProfile.strict(vpc=..., key=...)"
)


@jsii.implements(iam.IGrantable, ec2.IConnectable)
class GovernedCodeInterpreter(Component, ICodeInterpreter, metaclass=jsii.JSIIAbstractClass):
    """A code interpreter, drained, watched, tested, logged, alarmed and on a dashboard.

    Each part is a construct of its own that works without this one; here they are put together
    and given the settings of one `ComplianceProfile`. It is an `ICodeInterpreter` itself.
    """

    alarm_topic: sns.ITopic | None
    """Where alarms go; `None` if there are none and no topic was given."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        profile: ComplianceProfile | None = None,
        sessions: SessionPolicy | None = None,
        alarm_topic: sns.ITopic | None = None,
        alarm_email: str | None = None,
        name_prefix: str | None = None,
        name_revision: int | None = None,
        description: str | None = None,
        network: NetworkAccess | None = None,
        execution_role: iam.IRole | NoExecutionRole | None = None,
        certificates: Sequence[secretsmanager.ISecret] | None = None,
        tags: Mapping[str, str] | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.DESTROY,
        drain: bool = True,
        on_drain_failure: OnDrainFailure | None = None,
        drain_timeout: Duration | None = None,
        janitor: bool = True,
        smoke_test: bool = True,
        smoke_test_commands: Sequence[str] = (),
        canary: bool = False,
        usage_logs: bool = True,
        application_logs: bool = False,
        traces: bool = False,
        alarms: bool = True,
        thresholds: AlarmThresholds | None = None,
        runbook_url: str = RUNBOOK_URL,
        dashboard: bool = True,
    ) -> None:
        """Define the interpreter and what governs it.

        Args:
            scope: Where to define it.
            construct_id: Its id in that scope.
            profile: How strictly all of it is set up; one for the whole stack. Default:
                `ComplianceProfile.lean()`, with the settings that the stack's session functions
                have already (`SessionManager.of`).
            sessions: What sessions are allowed. Default: those older than an hour are counted,
                none is stopped.
            alarm_topic: Where alarms go. Default: one topic for the stack, as `alarm_topic`.
            alarm_email: An address that is subscribed to the topic; its reader has to confirm
                once. Default: no one is subscribed, which adds a warning where the topic of the
                app has no other subscription.
            name_prefix: Beginning of the name, at most 28 letters, digits and underscores.
                Default: made from the construct's ids.
            name_revision: Any number; another one forces a replacement. Default: none.
            description: 1 to 4096 characters. Default: none.
            network: What code in a session can reach. Default: the profile's.
            execution_role: The role whose credentials the code has. Default: a new role without
                any permission.
            certificates: Secrets with root certificates that all sessions trust. Default: public
                authorities only.
            tags: At most 50. Default: those that the app sets.
            removal_policy: What happens to an interpreter that is no longer in the stack; a
                retained one is not drained. Default: it is deleted.
            drain: Stop all sessions before a deletion or replacement. Default: yes.
            on_drain_failure: What happens if sessions cannot be stopped in time. Default: the
                deletion goes on.
            drain_timeout: How long to try to stop them, 1 to 14 minutes. Default: 14 minutes.
            janitor: Watch sessions, and stop them where `sessions` says so. Default: yes.
            smoke_test: Use the interpreter at each deployment that changes it. Default: yes.
            smoke_test_commands: Shell commands that must succeed then. Default: none.
            canary: Use the interpreter every 15 minutes, which is billed. Default: no.
            usage_logs: Deliver what sessions used. Default: yes.
            application_logs: Deliver the executed code and its output. Default: no.
            traces: Deliver traces to X-Ray. Default: no.
            alarms: Raise alarms. Default: yes.
            thresholds: When alarms are raised. Default: see `AlarmThresholds`.
            runbook_url: The page that every alarm's description links to. Default: this
                library's.
            dashboard: Have a dashboard. Default: yes.

        Raises:
            ValueError: Arguments exclude one another or are outside the service's limits, or the
                stack's other interpreters have another profile.
        """
        check_kinds(
            scope,
            construct_id,
            profile=(profile, _PROFILE.or_none),
            sessions=(sessions, SESSION_POLICY.or_none),
            alarm_topic=(alarm_topic, TOPIC.or_none),
            alarm_email=(alarm_email, TEXT.or_none),
            name_prefix=(name_prefix, TEXT.or_none),
            drain=(drain, FLAG),
            janitor=(janitor, FLAG),
            smoke_test=(smoke_test, FLAG),
            smoke_test_commands=(smoke_test_commands, TEXTS),
            canary=(canary, FLAG),
            usage_logs=(usage_logs, FLAG),
            application_logs=(application_logs, FLAG),
            traces=(traces, FLAG),
            alarms=(alarms, FLAG),
            runbook_url=(runbook_url, TEXT),
            dashboard=(dashboard, FLAG),
            thresholds=(thresholds, THRESHOLDS.or_none),
        )
        is_given = profile is not None
        profile = profile or ComplianceProfile.lean()
        sessions = sessions or SessionPolicy()
        sessions.check(scope, construct_id)
        findings = Findings(scope, construct_id)
        check_email(findings, alarm_email)
        if alarm_email is not None and not alarms and alarm_topic is None:
            findings.add(
                f"alarm_email {alarm_email!r} is for alarms, and there are no alarms with "
                "alarms=False; leave one of them out"
            )
        findings.raise_if_any()
        prefix = name_prefix or stem_of(scope, construct_id, name_prefix=None).rpartition("_")[0]
        super().__init__(scope, construct_id)
        profile.warn(self)
        _manage_sessions(stack_of(self), profile, is_given=is_given)
        self.interpreter = CodeInterpreter(
            self,
            "Interpreter",
            name_prefix=prefix,
            name_revision=name_revision,
            description=description,
            network=network or profile.network,
            execution_role=execution_role,
            certificates=certificates,
            tags=tags,
            session_timeout=sessions.timeout,
            drain_on_delete=drain,
            on_drain_failure=on_drain_failure,
            drain_timeout=drain_timeout,
            removal_policy=removal_policy,
        )
        self.janitor = (
            SessionJanitor(self, "Janitor", interpreter=self, policy=sessions) if janitor else None
        )
        self.canary = Canary(self, "Canary", interpreter=self) if canary else None
        self.smoke_test = (
            SmokeTest(self, "SmokeTest", interpreter=self, commands=smoke_test_commands)
            if smoke_test
            else None
        )
        self.log_delivery = (
            self._deliver_logs(profile, usage_logs, application_logs, traces)
            if usage_logs or application_logs or traces
            else None
        )
        self.alarm_topic = alarm_topic
        if alarms and alarm_topic is None:
            self.alarm_topic = alarm_topic_of(self, profile.encryption_key)
        if alarm_email is not None and self.alarm_topic is not None:
            subscribe(self.alarm_topic, alarm_email)
        self.alarms = self._raise_alarms(thresholds, runbook_url) if alarms else None
        self.dashboard = self._show() if dashboard else None

    def _deliver_logs(
        self,
        profile: ComplianceProfile,
        usage_logs: bool,
        application_logs: bool,
        traces: bool,
    ) -> LogDelivery:
        has_groups = usage_logs or application_logs
        return LogDelivery(
            self,
            "Logs",
            interpreter=self,
            usage_logs=usage_logs,
            application_logs=application_logs,
            traces=traces,
            encryption_key=profile.encryption_key if has_groups else None,
            retention=profile.log_retention if has_groups else None,
            removal_policy=profile.log_removal_policy,
        )

    def _raise_alarms(
        self, thresholds: AlarmThresholds | None, runbook_url: str
    ) -> CodeInterpreterAlarms:
        return CodeInterpreterAlarms(
            self,
            "Alarms",
            interpreter=self,
            actions=[self.alarm_topic] if self.alarm_topic is not None else [],
            thresholds=thresholds,
            janitor=self.janitor,
            canary=self.canary,
            runbook_url=runbook_url,
        )

    def _show(self) -> CodeInterpreterDashboard:
        alarms = [self.alarms] if self.alarms is not None else []
        return CodeInterpreterDashboard(self, "Dashboard", interpreters=[self], alarms=alarms)

    @property
    def stack(self) -> Stack:
        """The stack that the interpreter is defined in."""
        return self.interpreter.stack

    @property
    def account(self) -> str:
        """The stack's account."""
        return self.interpreter.account

    @property
    def region(self) -> str:
        """The stack's region."""
        return self.interpreter.region

    @property
    def code_interpreter_id(self) -> str:
        """The id, from the drain's answer where there is a drain."""
        return self.interpreter.code_interpreter_id

    @property
    def code_interpreter_arn(self) -> str:
        """The ARN, from the drain's answer where there is a drain."""
        return self.interpreter.code_interpreter_arn

    @property
    def undrained_code_interpreter_id(self) -> str:
        """The id as CloudFormation knows it."""
        return self.interpreter.undrained_code_interpreter_id

    @property
    def undrained_code_interpreter_arn(self) -> str:
        """The ARN as CloudFormation knows it."""
        return self.interpreter.undrained_code_interpreter_arn

    @property
    def owner(self) -> Stack | None:
        """The interpreter's stack, whose id is a tag of the interpreter."""
        return self.interpreter.owner

    @property
    def prefix_arn(self) -> str:
        """The ARN pattern of this interpreter in every generation."""
        return self.interpreter.prefix_arn

    @property
    def code_interpreter_name(self) -> str | None:
        """The name, known when the app is synthesized."""
        return self.interpreter.code_interpreter_name

    @property
    def session_timeout(self) -> Duration:
        """How long a session should live."""
        return self.interpreter.session_timeout

    @property
    def subnets(self) -> Sequence[ec2.ISubnet]:
        """The subnets of an interpreter in a VPC; none: it is in none."""
        return self.interpreter.subnets

    @property
    def execution_role(self) -> iam.IRole | None:
        """The role whose credentials code in a session has."""
        return self.interpreter.execution_role

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The execution role, so that ``bucket.grant_read(interpreter)`` is understood."""
        return self.interpreter.grant_principal

    @property
    def connections(self) -> ec2.Connections:
        """The security groups of an interpreter in a VPC."""
        return self.interpreter.connections


_FIRST_PROFILES: MutableMapping[Stack, ComplianceProfile] = WeakKeyDictionary()


def _manage_sessions(stack: Stack, profile: ComplianceProfile, *, is_given: bool) -> None:
    """Run the stack's session functions as the profile says, or by default as was said before."""
    first = _FIRST_PROFILES.setdefault(stack, profile)
    says_nothing_new = not is_given and profile.session_settings == first.session_settings
    SessionManager.of(stack, None if says_nothing_new else profile.session_settings)
