"""Uses an interpreter on a schedule."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aws_cdk import Duration
from constructs import Construct

from .._arguments.limits import Findings
from .._arguments.types import DURATION, INTERPRETER, KNOWN_TEXTS, check_kinds
from .._cdk.construct_tree import Component, path_of
from .._cdk.durations import minutes, seconds_of
from .session_manager import SessionManager, check_reach, target_of
from .session_policy import check_interval
from .smoke_test import CHECK_ACTIONS, check_commands

if TYPE_CHECKING:
    from aws_cdk import Duration
    from constructs import Construct

    from ..interface import ICodeInterpreter

DEFAULT_INTERVAL_MINUTES = 15
# A check lasts for minutes when things go wrong; a shorter interval would run into itself.
_SHORTEST_INTERVAL_MINUTES = 5


class Canary(Component):
    """Does on a schedule what `SmokeTest` does at a deployment, and publishes how it went.

    Metrics: ``CanarySuccess`` and ``CanaryDuration``, as a whole and for each check (dimension
    ``Tool``: start, python, javascript, typescript, files, command, commands, stop); see
    `interpreter.metrics`. Each run is a session that is billed. What a session can be asked for:
    https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/code-interpreter-api-reference-examples.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        interpreter: ICodeInterpreter,
        schedule: Duration | None = None,
        commands: Sequence[str] = (),
    ) -> None:
        """Define the canary.

        Args:
            scope: Where to define it.
            construct_id: Its id in that scope.
            interpreter: The interpreter that is checked.
            schedule: Time between two runs, 5 minutes to a day in whole minutes.
                Default: 15 minutes.
            commands: Shell commands that must end with exit code 0 in a session. At most 20, which
                answer within a minute each and twelve together. Default: none.

        Raises:
            ValueError: The schedule or a command cannot be, or the interpreter is another
                account's.
        """
        check_kinds(
            scope,
            construct_id,
            interpreter=(interpreter, INTERPRETER),
            schedule=(schedule, DURATION.or_none),
            commands=(commands, KNOWN_TEXTS),
        )
        schedule = schedule or minutes(DEFAULT_INTERVAL_MINUTES)
        _check_schedule(scope, construct_id, schedule)
        check_commands(scope, construct_id, commands)
        check_reach(interpreter, scope, construct_id)
        super().__init__(scope, construct_id)
        manager = SessionManager.of(scope)
        policy = manager.canary.allow(CHECK_ACTIONS, interpreter.prefix_arn)
        self.interval = schedule
        self.schedule = manager.schedules.every(
            self,
            "Schedule",
            interval=schedule,
            function=manager.canary.function,
            policy=policy,
            description=f"Checks {path_of(interpreter)}"[:512],
            payload=json.dumps(
                {
                    **target_of(interpreter, scope),
                    "task": "check",
                    "commands": list(commands),
                }
            ),
        )


def _check_schedule(scope: Construct, construct_id: str, schedule: Duration) -> None:
    findings = Findings(scope, construct_id)
    check_interval(findings, "schedule", schedule)
    findings.raise_if_any()
    if 0 < seconds_of(schedule) < _SHORTEST_INTERVAL_MINUTES * 60:
        findings.add(
            f"schedule must be at least {_SHORTEST_INTERVAL_MINUTES} minutes, got "
            f"{schedule.to_human_string()}; a run that meets with trouble lasts for minutes"
        )
    findings.raise_if_any()
