"""The end-to-end checks: deploy with the real CDK CLI, use, replace and destroy."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from agentcore_local.conformance.cleanup import stack_prefix
from agentcore_local.conformance.laboratory import Laboratory

# More than the default page of the list, so that a drain that reads one page is found out.
OPEN_SESSIONS = 12
# Two rounds of open ones, and one of each smoke test.
SESSIONS = 2 * OPEN_SESSIONS + 2
_PROGRAM = Path(__file__).with_name("app.py")


@dataclass(frozen=True, kw_only=True)
class Check:
    """One end-to-end check.

    Attributes:
        text: What should be so.
        passed: Whether it is; None if it could not be tried.
        detail: What was seen.
    """

    text: str
    passed: bool | None
    detail: str = ""


@dataclass
class Deployment:
    """A stack's whole life, each step a check; after a failed one the others are not tried.

    Args:
        laboratory: The AWS, and the run's prefix.
    """

    laboratory: Laboratory
    checks: list[Check] = field(default_factory=list)
    _interpreter: str = ""
    _sessions: list[str] = field(default_factory=list)

    def run(self) -> list[Check]:
        """Go through every step."""
        steps: tuple[tuple[str, Callable[[], str]], ...] = (
            ("the account is ready for the CDK", self._prepare),
            ("the stack deploys, and its smoke test runs every language", self._deploy),
            ("sessions start on the deployed interpreter, in more than one page", self._open),
            ("a changed description replaces the interpreter and drains the old one", self._change),
            ("sessions start on the replacement", self._open),
            ("the stack is destroyed while they are READY, and nothing is left", self._destroy),
        )
        for text, step in steps:
            if self.checks and not self.checks[-1].passed:
                self.checks.append(Check(text=text, passed=None, detail="not tried"))
                continue
            try:
                self.checks.append(Check(text=text, passed=True, detail=step()))
            except (ClientError, BotoCoreError, RuntimeError) as error:
                self.checks.append(Check(text=text, passed=False, detail=str(error)[-2000:]))
        return self.checks

    @property
    def _stack_name(self) -> str:
        return f"{stack_prefix(self.laboratory.prefix)}-stack"

    def _prepare(self) -> str:
        self.laboratory.target.prepare_cdk()
        return "bootstrapped"

    def _deploy(self) -> str:
        self._cdk("deploy", "1", "--require-approval", "never")
        self._interpreter = self._output()
        return self._interpreter

    def _open(self) -> str:
        self._sessions = [self.laboratory.session(self._interpreter) for _ in range(OPEN_SESSIONS)]
        return f"{OPEN_SESSIONS} sessions"

    def _change(self) -> str:
        self._cdk("deploy", "2", "--require-approval", "never")
        old, self._interpreter = self._interpreter, self._output()
        if old == self._interpreter:
            raise RuntimeError(f"{old} was not replaced")
        self._expect_gone(old)
        return f"{old} is gone, {self._interpreter} is in its place"

    def _destroy(self) -> str:
        self._cdk("destroy", "2", "--force")
        self._expect_gone(self._interpreter)
        return f"{self._interpreter} is gone"

    def _cdk(self, command: str, revision: str, *flags: str) -> None:
        context = {
            "stack_name": self._stack_name,
            "name_prefix": self.laboratory.prefix,
            "revision": revision,
        }
        given = [part for name, value in context.items() for part in ("-c", f"{name}={value}")]
        # Below a folder of its own: the CLI writes cdk.out there.
        with tempfile.TemporaryDirectory() as folder:
            self.laboratory.target.cdk(
                command,
                *flags,
                *given,
                "--app",
                f"{sys.executable} {_PROGRAM}",
                folder=Path(folder),
            )

    def _output(self) -> str:
        client = self.laboratory.target.client("cloudformation")
        [stack] = client.describe_stacks(StackName=self._stack_name)["Stacks"]
        outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        return str(outputs["InterpreterId"])

    def _expect_gone(self, identifier: str) -> None:
        status = self.laboratory.status(identifier)
        if status not in ("gone", "DELETED"):
            raise RuntimeError(f"{identifier} is still there: {status}")
