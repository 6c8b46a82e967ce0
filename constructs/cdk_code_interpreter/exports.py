"""What a caller needs to know of an interpreter: environment, parameters, outputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from constructs import Construct

from ._arguments.limits import Findings, is_token
from ._arguments.types import INTERPRETER, TEXT, check_kinds
from ._cdk.construct_tree import Component, stack_of
from ._cdk.stacks import facts_of as stack_facts_of
from ._replacements import generation_in

if TYPE_CHECKING:
    from aws_cdk import aws_iam as iam

    from .interpreter_reference import ICodeInterpreterRef

_PREFIX = "CODE_INTERPRETER_"
# https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
_HIERARCHY = re.compile(r"(/[a-zA-Z0-9_.-]+){1,14}")
_RESERVED = re.compile(r"/(aws|ssm)", re.IGNORECASE)


def facts_of(interpreter: ICodeInterpreterRef) -> dict[str, str]:
    """What a caller needs, by plain words such as ``session-timeout-seconds``."""
    from aws_cdk import Token

    facts = {
        "id": interpreter.code_interpreter_id,
        "arn": interpreter.code_interpreter_arn,
        "region": interpreter.region,
        "session-timeout-seconds": Token.as_string(interpreter.session_timeout.to_seconds())
        if interpreter.session_timeout.is_unresolved()
        else f"{interpreter.session_timeout.to_seconds():.0f}",
    }
    if interpreter.code_interpreter_name is not None:
        facts["name"] = interpreter.code_interpreter_name
    return facts


def environment_of(interpreter: ICodeInterpreterRef) -> Mapping[str, str]:
    """The facts as environment variables."""
    facts = facts_of(interpreter)
    return {_PREFIX + word.upper().replace("-", "_"): value for word, value in facts.items()}


class ParameterStoreExport(Component):
    """Systems Manager parameters with what a caller in another app needs.

    `parameters` has them by name: ``id``, ``arn``, ``region``, ``session-timeout-seconds`` and,
    where it is known, ``name``.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, interpreter: ICodeInterpreterRef, path: str
    ) -> None:
        """Define the parameters.

        Args:
            scope: Where to define them.
            construct_id: Their id in that scope.
            interpreter: The interpreter to describe.
            path: Hierarchy of the parameters, such as ``/analytics/sandbox``.

        Raises:
            ValueError: The path is not a parameter hierarchy, or the interpreter not one of ours.
        """
        check_kinds(scope, construct_id, interpreter=(interpreter, INTERPRETER), path=(path, TEXT))
        findings = Findings(scope, construct_id)
        if not is_token(path) and (not _HIERARCHY.fullmatch(path) or _RESERVED.match(path)):
            findings.add(
                "path must be 1 to 14 levels of letters, digits and . _ -, each after a slash, "
                f"not beginning with /aws or /ssm, got {path!r}; write for example "
                "'/analytics/sandbox'"
            )
        findings.raise_if_any()
        super().__init__(scope, construct_id)
        from aws_cdk import aws_ssm as ssm

        generation = generation_in(stack_of(scope), interpreter)
        self.parameters: Mapping[str, ssm.StringParameter] = {
            word: ssm.StringParameter(
                self,
                word.title().replace("-", ""),
                parameter_name=f"{path}/{word}",
                string_value=value,
                simple_name=False,
                description=None if generation is None else f"Of code interpreter {generation}",
            )
            for word, value in facts_of(interpreter).items()
        }

    def grant_read(self, grantee: iam.IGrantable) -> None:
        """Let a caller read the parameters."""
        for parameter in self.parameters.values():
            parameter.grant_read(grantee)


def add_outputs(interpreter: ICodeInterpreterRef, *, prefix: str | None) -> None:
    """Add stack outputs (see `ICodeInterpreter.add_outputs`)."""
    from aws_cdk import CfnOutput

    # The whole path: two teams may have the same id in a stack.
    prefix = prefix or "".join(stack_facts_of(interpreter.stack).path_below(interpreter))
    outputs = {
        "Id": (interpreter.code_interpreter_id, "Pass this as codeInterpreterIdentifier"),
        "Arn": (interpreter.code_interpreter_arn, "ARN of the code interpreter"),
    }
    if interpreter.code_interpreter_name is not None:
        outputs["Name"] = (interpreter.code_interpreter_name, "Name of the code interpreter")
    for word, (value, description) in outputs.items():
        CfnOutput(interpreter.stack, f"{prefix}{word}", value=value, description=description)
