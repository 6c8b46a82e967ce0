"""Uses an interpreter at each deployment that changes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aws_cdk import CfnResource

from .._arguments.limits import Findings
from .._arguments.types import INTERPRETER, TEXT, TEXTS, check_kinds
from .._cdk.construct_tree import Component, node_of, stack_of
from .._replacements import generation_in
from .session_manager import SessionManager, check_reach, region_of

if TYPE_CHECKING:
    from constructs import Construct

    from ..interface import ICodeInterpreter

RESOURCE_TYPE = "Custom::CodeInterpreterSmokeTest"
SERVICE_TIMEOUT_SECONDS = 3_600
# What a check calls: it starts a session, uses it and stops it.
CHECK_ACTIONS = (
    "InvokeCodeInterpreter",
    "StartCodeInterpreterSession",
    "StopCodeInterpreterSession",
)
_LONGEST_COMMAND = 4_096
_MOST_COMMANDS = 20


class SmokeTest(Component):
    """Fails a deployment whose interpreter does not work, so that CloudFormation rolls it back.

    A session is started, runs Python, JavaScript and TypeScript, writes and reads a file, runs a
    command, and is stopped whatever happens. While a stack rolls back nothing is tested: a cause
    that both versions share would make the rollback fail as well. What a session can be asked for:
    https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/code-interpreter-api-reference-examples.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        interpreter: ICodeInterpreter,
        commands: Sequence[str] = (),
        revision: str | None = None,
    ) -> None:
        """Define the test.

        Args:
            scope: Where to define it.
            construct_id: Its id in that scope.
            interpreter: The interpreter that is tested.
            commands: Shell commands that must end with exit code 0 in a session, such as
                ``aws s3 ls s3://bucket`` for what the execution role must allow. At most 20, which
                answer within a minute each and twelve together. They run after the policies of
                the execution role's own construct are there; for a policy that is defined
                elsewhere, say ``smoke_test.node.add_dependency(policy)``. One that is denied
                something runs again for half a minute, since policies take a while to spread.
                Default: none.
            revision: Any text; the test runs again when it changes. Default: the test runs when
                the interpreter is new or replaced, or the commands change.

        Raises:
            ValueError: There are too many commands, or one is empty or too long, or the
                interpreter is another account's.
        """
        check_kinds(
            scope,
            construct_id,
            interpreter=(interpreter, INTERPRETER),
            commands=(commands, TEXTS),
            revision=(revision, TEXT.or_none),
        )
        check_commands(scope, construct_id, commands)
        check_reach(interpreter, scope, construct_id)
        super().__init__(scope, construct_id)
        canary = SessionManager.of(scope).canary
        policy = canary.allow(CHECK_ACTIONS, interpreter.prefix_arn)
        region = region_of(interpreter, scope).get("region")
        generation = generation_in(stack_of(scope), interpreter)
        resource = CfnResource(
            self,
            "Resource",
            type=RESOURCE_TYPE,
            properties={
                "ServiceToken": canary.function_arn,
                "ServiceTimeout": SERVICE_TIMEOUT_SECONDS,
                "Version": "1",
                "InterpreterId": interpreter.code_interpreter_id,
                **({"Region": region} if region else {}),
                **({"Generation": generation} if generation else {}),
                **({"Commands": list(commands)} if commands else {}),
                **({"Revision": revision} if revision else {}),
            },
        )
        if policy is not None:
            resource.add_resource_dependency(policy)
        role = interpreter.execution_role
        if commands and role is not None:
            # With it come the policies that are granted to it, also later.
            node_of(self).add_dependency(role)


def check_commands(scope: Construct, construct_id: str, commands: Sequence[str]) -> None:
    """Refuse commands that cannot be run.

    Raises:
        ValueError: There are too many, or one is empty or too long.
    """
    findings = Findings(scope, construct_id)
    if len(commands) > _MOST_COMMANDS:
        findings.add(f"commands must be at most {_MOST_COMMANDS}, got {len(commands)}")
    for command in commands:
        if not 1 <= len(command) <= _LONGEST_COMMAND:
            findings.add(
                f"a command must have 1 to {_LONGEST_COMMAND} characters, got {len(command)} "
                f"({command[:40]!r}); put a longer one into a file that a session reads"
            )
    findings.raise_if_any()
