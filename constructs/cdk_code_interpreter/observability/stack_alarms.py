"""Alarms that stand once in a stack, however many interpreters it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from .._arguments.limits import Findings
from .._cdk.construct_tree import Component, child_of, path_of, stack_of
from .._cdk.stacks import facts_of
from ..sessions.session_manager import SessionManager
from ._alarm_definitions import Definition, check_windows
from ._alarm_resources import (
    MOST_ACTIONS,
    Action,
    Actions,
    add_actions,
    found_alarm,
    let_alarms_publish,
    make_alarm,
    what_it_reads,
)
from ._stack_alarm_definitions import of_account, of_functions
from .alarm_thresholds import DEFAULT, AlarmThresholds

if TYPE_CHECKING:
    from aws_cdk import Stack
    from aws_cdk import aws_cloudwatch as cloudwatch
    from constructs import Construct

_ID = "CodeInterpreterStackAlarms"
_FIELDS = ("active_sessions", "account_cost_per_hour", "function_errors", "dead_letters")


class StackAlarms(Component):
    """Alarms on what the interpreters of an account, or of a stack, have in common.

    The account's active sessions against its quota, its cost, and the stack's session functions
    with their dead-letter queue. `CodeInterpreterAlarms` makes them once per stack.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        thresholds: AlarmThresholds,
        actions: Sequence[Action],
        runbook_url: str,
    ) -> None:
        """Define the alarms; use `StackAlarms.of` instead.

        Args:
            scope: The stack.
            construct_id: Their id in that scope.
            thresholds: When they are raised.
            actions: What happens then, and when they are over.
            runbook_url: The page that has the runbook.
        """
        super().__init__(scope, construct_id)
        self._thresholds = thresholds
        self._runbook_url = runbook_url
        self._actions: list[Action] = []
        self._alarms: dict[str, cloudwatch.CfnAlarm] = {}
        self._names: dict[str, str] = {}
        self._watched: Sequence[str] = ()
        self._manager = SessionManager.of(self)
        self._facts = facts_of(stack_of(self))
        self._subject = f"Stack {'/'.join(self._facts.identity)}"
        self._add_actions(actions)
        for each in of_account(self._facts.account, self._facts.region, thresholds):
            self._make(each)
        self._manager.when_a_function_is_made(self._watch_functions)

    @staticmethod
    def of(
        stack: Stack,
        *,
        thresholds: AlarmThresholds,
        actions: Sequence[Action],
        runbook_url: str,
    ) -> StackAlarms:
        """The alarms of a stack, with these actions too.

        Args:
            stack: The stack.
            thresholds: When they are raised. What is left at its default agrees with anything.
            actions: What happens then, beside what happens already.
            runbook_url: The page that has the runbook.

        Raises:
            ValueError: The stack's alarms have other thresholds.
        """
        existing = child_of(stack, _ID)
        if not isinstance(existing, StackAlarms):
            existing = StackAlarms(
                stack, _ID, thresholds=thresholds, actions=actions, runbook_url=runbook_url
            )
        existing._agree(thresholds)
        existing._add_actions(actions)
        existing._watch_functions()
        return existing

    @property
    def alarms(self) -> Mapping[str, cloudwatch.CfnAlarm]:
        """The alarms, by their ids."""
        return self._alarms

    def alarm(self, name: str) -> cloudwatch.AlarmBase:
        """One of the alarms, to add actions to it.

        Args:
            name: Its id, such as ``ActiveSessions``.

        Raises:
            ValueError: There is no such alarm.
        """
        return found_alarm(self, self._alarms, name)

    @property
    def alarm_arns(self) -> Sequence[str]:
        """The alarms' ARNs."""
        return self._arns(str)

    def _arns(self, read: Callable[[str], str]) -> list[str]:
        """The ARNs, with each reference read in a way of one's own."""
        for each, alarm in self._alarms.items():
            if each not in self._names:
                self._names[each] = alarm.ref
        return [self._facts.alarm_arn(read(each)) for each in self._names.values()]

    def _agree(self, thresholds: AlarmThresholds) -> None:
        differing = [
            each
            for each in _FIELDS
            if getattr(thresholds, each) is not DEFAULT
            and getattr(thresholds, each) != getattr(self._thresholds, each)
        ]
        if differing:
            raise ValueError(
                f"{path_of(self)}: {', '.join(differing)} stand once in a stack, and this stack "
                "already has other thresholds; give all its interpreters the same, or say them "
                "with the first one only"
            )

    def _add_actions(self, actions: Sequence[Action]) -> None:
        added = [each for each in actions if each not in self._actions]
        if not added:
            return
        self._actions += added
        if len(self._actions) > MOST_ACTIONS:
            raise ValueError(
                f"{path_of(self)}: the interpreters of the stack have {len(self._actions)} "
                f"different actions, but an alarm has at most {MOST_ACTIONS}, and these alarms "
                "take all of them; give the interpreters a topic in common"
            )
        let_alarms_publish(added, stack_of(self))
        for name, alarm in self._alarms.items():
            add_actions(self, name, alarm, Actions(added))

    def _watch_functions(self) -> None:
        """Watch the functions that the stack has by now."""
        functions, queue = self._manager.functions, self._manager.dead_letter_queue_if_any
        made = [each.task for each in functions] + ["queue"] * (queue is not None)
        if made == self._watched:
            return
        self._watched = made
        names = {each.task.lower(): each.function_name for each in functions}
        queue_name = None if queue is None else queue.queue_name
        account, region = self._facts.account, self._facts.region
        for each in of_functions(names, queue_name, account, region, self._thresholds):
            existing = self._alarms.get(each.construct_id)
            if existing is None:
                self._make(each)
            else:
                existing.metrics = what_it_reads(each.source, account).get("metrics")

    def _make(self, definition: Definition) -> None:
        findings = Findings(stack_of(self), _ID)
        check_windows(findings, [definition])
        findings.raise_if_any()
        self._alarms[definition.construct_id] = make_alarm(
            self,
            definition,
            account=self._facts.account,
            actions=Actions(self._actions),
            subject=self._subject,
            runbook_url=self._runbook_url,
        )
