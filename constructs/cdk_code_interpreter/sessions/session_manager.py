"""The functions that the drains, janitors and canaries of one stack share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from .._arguments.limits import known_to_differ
from .._arguments.types import check_kinds, instance_of
from .._cdk.acknowledgments import acknowledge
from .._cdk.construct_tree import Component, child_of, path_of, stack_of
from .._cdk.key_policies import logs_key_statement, use_key
from .._cdk.lazy_string import lazy_text
from .._cdk.stacks import facts_of, outermost_stack
from .._replacements import generation_in, name_across_replacements
from ._lambda_code import lambda_code
from ._schedules import Schedules
from ._task_function import TaskFunction
from .session_manager_settings import SessionManagerSettings

if TYPE_CHECKING:
    from aws_cdk import Stack
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_sqs as sqs
    from constructs import Construct

    from ..interface import ICodeInterpreter

_ID = "CodeInterpreterSessionManager"
_FUNCTIONS = ("Drain", "Janitor", "Canary")
_SETTINGS = instance_of(SessionManagerSettings, "SessionManagerSettings")
_SHARES_ID = "CodeInterpreterSessionShares"


class SessionManager(Component):
    """One plain function per stack and task: drain, janitor, canary.

    CloudFormation refuses to change the function that a custom resource is served by, so these
    belong to the stack and not to any one construct, and neither their logical ids nor their
    names depend on options. A nested stack has its own: what its drains need is then deleted
    after them in every order in which a nest of stacks can be updated.

    They share the account's requests a second with the agents:
    https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/bedrock-agentcore-limits.html
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: SessionManagerSettings
    ) -> None:
        """Define the manager; use `SessionManager.of` instead.

        Args:
            scope: The stack.
            construct_id: Its id in that scope.
            settings: How the functions are run.

        Raises:
            ValueError: The settings cannot be.
        """
        settings.check(scope, construct_id)
        super().__init__(scope, construct_id)
        self.settings = settings
        self._functions: dict[str, TaskFunction] = {}
        self._listeners: list[Callable[[], None]] = []
        self._shares = _Shares.of(self)
        if settings.encryption_key is not None:
            self._allow_logs(settings)

    @staticmethod
    def of(scope: Construct, settings: SessionManagerSettings | None = None) -> SessionManager:
        """The manager of the stack that something is in.

        Args:
            scope: The stack, or anything in it.
            settings: How the functions are run: to be said once, before the first construct that
                uses them. Default: as they are; lean, if nothing was ever said.

        Raises:
            ValueError: The stack's functions have other settings, or the settings cannot be.
        """
        check_kinds(scope, _ID, settings=(settings, _SETTINGS.or_none))
        stack = stack_of(scope)
        existing = child_of(stack, _ID)
        if existing is None:
            return SessionManager(stack, _ID, settings=settings or SessionManagerSettings())
        if not isinstance(existing, SessionManager):
            raise ValueError(
                f"{path_of(existing)}: the id {_ID!r} is taken by something else; rename that"
            )
        if settings is not None and settings != existing.settings:
            raise ValueError(
                f"{path_of(existing)}: the stack's session functions already have other settings "
                f"({_difference(existing.settings, settings)}); there is one set for the whole "
                "stack, so call SessionManager.of(stack, settings) once, before the first "
                "construct that uses them; a profile has its own, which "
                "dataclasses.replace(profile, session_settings=settings) changes"
            )
        return existing

    @staticmethod
    def if_any(stack: Stack) -> SessionManager | None:
        """The manager of a stack, if anything in it has needed one so far."""
        existing = child_of(stack, _ID)
        return existing if isinstance(existing, SessionManager) else None

    @property
    def functions(self) -> Sequence[TaskFunction]:
        """The functions that there are so far; each is made when something first needs it."""
        return [self._functions[each] for each in _FUNCTIONS if each in self._functions]

    @functools.cached_property
    def drain(self) -> TaskFunction:
        """Stops all sessions of an interpreter before it is deleted."""
        wanted = self.settings.dead_letters or self.settings.dead_letter_queue is not None
        return self._function(
            "Drain",
            "Stops the sessions of code interpreters before they are deleted",
            self.dead_letter_queue if wanted else None,
            # Whether the interpreter goes, when its drain does.
            self._read_stack("DescribeStacks", "GetTemplate", "ListStackResources"),
        )

    @functools.cached_property
    def janitor(self) -> TaskFunction:
        """Stops sessions that a policy does not allow, or all of them on demand."""
        return self._function(
            "Janitor",
            "Stops the sessions of code interpreters that a policy does not allow",
            self.dead_letter_queue,
            # No resource-level permission:
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrockagentcore.html
            iam.PolicyStatement(
                actions=["bedrock-agentcore:ListCodeInterpreters"], resources=["*"]
            ),
            # Which of the interpreters whose names begin alike are this stack's.
            variables={"STACK_ID": stack_of(self).stack_id},
        )

    @functools.cached_property
    def canary(self) -> TaskFunction:
        """Uses interpreters to prove that they work."""
        return self._function(
            "Canary",
            "Uses code interpreters to prove that they work",
            self.dead_letter_queue,
            # Whether the stack rolls back.
            self._read_stack("DescribeStacks"),
        )

    @functools.cached_property
    def schedules(self) -> Schedules:
        """The schedules of the stack's janitors and canaries."""
        return Schedules(self, "Schedules", dead_letter_queue=self.dead_letter_queue)

    @functools.cached_property
    def dead_letter_queue(self) -> sqs.IQueue:
        """Where events end up that could not be handled."""
        if self.settings.dead_letter_queue is not None:
            return self.settings.dead_letter_queue
        from aws_cdk import Duration, RemovalPolicy
        from aws_cdk import aws_sqs as sqs

        key = self.settings.encryption_key
        queue = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.KMS if key else sqs.QueueEncryption.SQS_MANAGED,
            encryption_master_key=key,
            enforce_ssl=True,
            retention_period=Duration.days(14),
            removal_policy=RemovalPolicy.DESTROY,
        )
        acknowledge(queue, "Serverless", ["SQSRedrivePolicy"], "This is the dead letter queue.")
        return queue

    @property
    def dead_letter_queue_if_any(self) -> sqs.IQueue | None:
        """The dead-letter queue, if anything has needed it so far or one was given."""
        made: sqs.IQueue | None = vars(self).get("dead_letter_queue")
        return made or self.settings.dead_letter_queue

    def when_a_function_is_made(self, listener: Callable[[], None]) -> None:
        """Let somebody know of each function that is made from now on."""
        self._listeners.append(listener)

    def share_pace(self, interpreter: ICodeInterpreter) -> None:
        """Count an interpreter among those whose functions share the account's quota."""
        self._shares.interpreters.add(interpreter.prefix_arn)

    def _function(
        self,
        construct_id: str,
        description: str,
        dead_letter_queue: sqs.IQueue | None,
        *statements: iam.PolicyStatement,
        variables: Mapping[str, str] | None = None,
    ) -> TaskFunction:
        made = self._functions[construct_id] = TaskFunction(
            self,
            construct_id,
            code=self._code,
            handler=f"{construct_id.lower()}.handler",
            description=description,
            settings=self.settings,
            security_groups=self._security_groups,
            dead_letter_queue=dead_letter_queue,
            statements=statements,
            environment={
                "REQUESTS_PER_SECOND": str(self.settings.requests_per_second),
                "INTERPRETERS": lazy_text(self._shares.count),
                **(variables or {}),
            },
        )
        for listener in self._listeners:
            listener()
        return made

    @functools.cached_property
    def _code(self) -> lambda_.Code:
        return lambda_code("session_manager")

    def _read_stack(self, *actions: str) -> iam.PolicyStatement:
        """Return what a function may ask CloudFormation of its own stack."""
        return iam.PolicyStatement(
            actions=[f"cloudformation:{each}" for each in actions],
            resources=[stack_of(self).stack_id],
        )

    @functools.cached_property
    def _security_groups(self) -> Sequence[ec2.ISecurityGroup] | None:
        if self.settings.vpc is None or self.settings.security_groups:
            return self.settings.security_groups
        from aws_cdk import aws_ec2 as ec2

        group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=self.settings.vpc,
            description="Functions that manage code interpreter sessions",
            allow_all_outbound=False,
        )
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "AWS endpoints")
        return [group]

    def _allow_logs(self, settings: SessionManagerSettings) -> None:
        """Let CloudWatch Logs use the key, which a log group does not see to by itself."""
        assert settings.encryption_key is not None
        use_key(self, settings.encryption_key, logs_key_statement(stack_of(self)))


def check_reach(interpreter: ICodeInterpreter, scope: Construct, construct_id: str) -> None:
    """Refuse an interpreter that a function of this stack could not call.

    Raises:
        ValueError: It is in another account.
    """
    account = facts_of(stack_of(scope)).account
    if known_to_differ(interpreter.account, account):
        raise ValueError(
            f"{path_of(scope)}/{construct_id}: the interpreter is in account "
            f"{interpreter.account}, this stack in {account}; interpreters have no "
            "resource policy, so manage it from a stack in its own account"
        )


def region_of(interpreter: ICodeInterpreter, scope: Construct) -> dict[str, str]:
    """The region that a function must call, where it is not its own, as a property."""
    region = interpreter.region
    return {} if region == facts_of(stack_of(scope)).region else {"region": region}


def target_of(interpreter: ICodeInterpreter, scope: Construct) -> dict[str, str | int]:
    """What every event of a function says about the interpreter that it is about.

    Args:
        interpreter: The interpreter.
        scope: Where the event is sent from.
    """
    generation = generation_in(stack_of(scope), interpreter)
    return {
        "version": 1,
        "interpreter_id": interpreter.code_interpreter_id,
        "name": name_across_replacements(interpreter),
        **region_of(interpreter, scope),
        **({} if generation is None else {"generation": generation}),
    }


def _difference(existing: SessionManagerSettings, wanted: SessionManagerSettings) -> str:
    names = [name for name in vars(wanted) if getattr(existing, name) != getattr(wanted, name)]
    return ", ".join(names)


class _Shares(Component):
    """The interpreters of a whole deployment: nested stacks are deleted at the same time."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.interpreters: set[str] = set()

    @staticmethod
    def of(scope: Construct) -> _Shares:
        root = outermost_stack(stack_of(scope))
        existing = child_of(root, _SHARES_ID)
        return existing if isinstance(existing, _Shares) else _Shares(root, _SHARES_ID)

    def count(self) -> str:
        """How many there are, as the functions read it."""
        return str(max(1, len(self.interpreters)))
