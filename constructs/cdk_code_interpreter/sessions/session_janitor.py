"""Watches the sessions of an interpreter, and stops those that a policy does not allow."""

from __future__ import annotations

import functools
import json
import shlex
from typing import TYPE_CHECKING, Any

from aws_cdk import CfnOutput
from constructs import Construct

from .._arguments.limits import Findings
from .._arguments.types import INTERPRETER, check_kinds
from .._cdk.construct_tree import Component, path_of, stack_of
from .._cdk.durations import seconds_of
from .._cdk.stacks import facts_of
from .._replacements import generation_in, name_across_replacements, weakly
from .session_manager import SessionManager, check_reach, region_of, target_of
from .session_policy import SESSION_POLICY, Enforcement, SessionPolicy

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_lambda as lambda_

    from ..interface import ICodeInterpreter

_WATCH = ("ListCodeInterpreterSessions",)
_STOP = ("ListCodeInterpreterSessions", "StopCodeInterpreterSession", "ListTagsForResource")
# EventBridge Scheduler writes the time at which the tick was due:
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
_SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
# The function gives up after five minutes; the command waits a little longer.
_READ_TIMEOUT_SECONDS = 360
_SAID = "Stopping every session; this takes at most 5 minutes."
# The CLI opens what it writes the response to again, which would empty a file that the output goes
# to, and prints a document of its own: so the response goes into the pipe, and that to nowhere. It
# ends with 0 where the function failed, so the response decides.
_PRINT_AND_JUDGE = """awk '{ print } /"stopped"/ { done = 1 } END { exit !done }'"""


class SessionJanitor(Component):
    """Enforces a `SessionPolicy` on a schedule, and holds the kill switch.

    Every generation of the interpreter is governed, so what a failed cleanup left behind is too.
    Metrics and log lines tell what was seen and done; see `interpreter.metrics`. The service ends
    a session at its time to live only, idle or not:
    https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/code-interpreter-session-characteristics.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        interpreter: ICodeInterpreter,
        policy: SessionPolicy | None = None,
    ) -> None:
        """Define the janitor.

        Args:
            scope: Where to define it.
            construct_id: Its id in that scope.
            interpreter: The interpreter that is governed.
            policy: The limits. Default: sessions older than an hour are counted, none is stopped.

        Raises:
            ValueError: The policy cannot be, or would stop sessions of the system interpreter, or
                the interpreter is another account's.
        """
        check_kinds(
            scope,
            construct_id,
            interpreter=(interpreter, INTERPRETER),
            policy=(policy, SESSION_POLICY.or_none),
        )
        policy = policy or SessionPolicy()
        policy.check(scope, construct_id)
        _check_system(scope, construct_id, interpreter, policy)
        check_reach(interpreter, scope, construct_id)
        super().__init__(scope, construct_id)
        self.policy = policy
        self._interpreter = interpreter
        self._manager = SessionManager.of(scope)
        self._manager.share_pace(interpreter)
        janitor = self._manager.janitor
        access = janitor.allow(_WATCH if interpreter.is_system else _STOP, interpreter.prefix_arn)
        self.schedule = self._manager.schedules.every(
            self,
            "Schedule",
            interval=policy.schedule,
            function=janitor.function,
            policy=access,
            description=f"Sessions of {path_of(interpreter)}"[:512],
            payload=self._event(
                task="sweep",
                prefix=_prefix_of(interpreter),
                policy=policy.limits(),
                scheduled_time=_SCHEDULED_TIME,
                interval_seconds=int(seconds_of(policy.schedule)),
            ),
        )
        if not interpreter.is_system:
            CfnOutput(
                self,
                "StopAllCommand",
                description="Stops every session of the interpreter at once",
                value=self.stop_all_command,
            )

    @property
    def function(self) -> lambda_.Function:
        """The function that does the work, shared by the janitors of the stack."""
        return self._manager.janitor.function

    @property
    def stop_all_command(self) -> str:
        """A shell command that stops every session of the interpreter now, and says how many.

        It prints one JSON document: what was stopped, or why it failed. It ends within five
        minutes, and sooner where nothing can be stopped. It works whether the policy is enforced
        or not, with version 1 and 2 of the AWS CLI, and ends with another code than 0
        where sessions are left. Who runs it needs ``lambda:InvokeFunction`` on the janitor's
        function.

        Raises:
            ValueError: The interpreter is the system's.
        """
        self._refuse_system()
        event = shlex.quote(self._event(task="stop_all"))
        region = facts_of(stack_of(self)).region
        return (
            f"echo {shlex.quote(_SAID)} >&2; echo {event} | aws lambda invoke "
            f"--function-name {self._manager.janitor.function_name} --region {region} "
            f"--cli-read-timeout {_READ_TIMEOUT_SECONDS} --payload fileb:///dev/stdin /dev/fd/3 "
            f"3>&1 >/dev/null | {_PRINT_AND_JUDGE}"
        )

    def stop_all_on(self, alarm: cloudwatch.AlarmBase) -> None:
        """Stop every session of the interpreter when an alarm is raised.

        Args:
            alarm: The alarm, such as one on a burst of session starts.

        Raises:
            ValueError: The interpreter is the system's.
        """
        from aws_cdk import aws_cloudwatch_actions as actions

        self._refuse_system()
        alarm.add_alarm_action(actions.LambdaAction(self._switch, use_unique_permission_id=True))

    @functools.cached_property
    def _switch(self) -> lambda_.Alias:
        """What alarms invoke.

        An alarm's event says nothing about an interpreter, so the alias that it invokes does: its
        name holds the interpreter's id, its name in every generation and its region, as far as
        they differ from the id and from the function's region. None of them has two hyphens in a
        row, and with all of them it has 125 of the 128 characters that an alias may have:
        https://docs.aws.amazon.com/lambda/latest/api/API_CreateAlias.html
        """
        from aws_cdk import aws_lambda as lambda_

        interpreter = self._interpreter
        name = name_across_replacements(interpreter) if _prefix_of(interpreter) else ""
        region = region_of(interpreter, self).get("region", "")
        words = [interpreter.code_interpreter_id, name, region]
        generation = generation_in(stack_of(self), interpreter)
        return lambda_.Alias(
            self,
            "StopAll",
            alias_name="--".join(words).rstrip("-"),
            version=self.function.latest_version,
            description="Stops every session of the code interpreter that its name begins with"
            + ("" if generation is None else f", {generation}"),
        )

    def _refuse_system(self) -> None:
        if self._interpreter.is_system:
            raise ValueError(
                f"{path_of(self)}: the sessions of the system interpreter may be other teams', "
                "so there is no kill switch for them; use an interpreter of your own"
            )

    def _event(self, **fields: Any) -> str:
        return json.dumps(
            {**target_of(self._interpreter, self), **fields, **_owner_of(self._interpreter, self)}
        )


def _owner_of(interpreter: ICodeInterpreter, scope: Construct) -> dict[str, str]:
    """Return the id of the interpreter's stack, where it is not the function's own."""
    owner = interpreter.owner
    if owner is None or owner is stack_of(scope) or _prefix_of(interpreter) == "":
        return {}
    return {"owner": weakly(owner.stack_id)}


def _prefix_of(interpreter: ICodeInterpreter) -> str:
    """What the ids of every generation begin with; empty where only one id is known."""
    tail = interpreter.prefix_arn.rpartition("/")[2]
    return tail.removesuffix("*") if tail.endswith("*") else ""


def _check_system(
    scope: Construct, construct_id: str, interpreter: ICodeInterpreter, policy: SessionPolicy
) -> None:
    findings = Findings(scope, construct_id)
    if interpreter.is_system and policy.enforcement is Enforcement.ENFORCE:
        findings.add(
            "the sessions of the system interpreter may be other teams', so they are watched and "
            "never stopped, got Enforcement.ENFORCE; use Enforcement.SHADOW, or an interpreter of "
            "your own"
        )
    findings.raise_if_any()
