"""One run: asks everything, cleans up whatever happens, and reports."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from types import FrameType

from agentcore_local.conformance import (
    account_questions,
    interpreter_questions,
    session_questions,
)
from agentcore_local.conformance.cleanup import clean_up
from agentcore_local.conformance.deployment import Deployment
from agentcore_local.conformance.laboratory import Laboratory
from agentcore_local.conformance.questions import Question
from agentcore_local.conformance.report import Finding, Report
from agentcore_local.conformance.targets import Target

# The one that waits for metrics is the last of them.
QUESTIONS: tuple[Question, ...] = (
    *session_questions.QUESTIONS,
    *interpreter_questions.QUESTIONS,
    *account_questions.QUESTIONS,
)
_PACKAGES = ("cdk-code-interpreter", "aws-cdk-lib", "boto3", "botocore")
Say = Callable[[str], None]


def new_prefix() -> str:
    """A prefix that no other run has."""
    return f"conformance_{secrets.token_hex(4)}"


def chosen(ids: Sequence[str]) -> list[Question]:
    """The questions with these ids, in their own order; all of them if none is given.

    Raises:
        ValueError: There is no such question.
    """
    known = [question.id for question in QUESTIONS]
    unknown = sorted(set(ids) - set(known))
    if unknown:
        raise ValueError(f"no question {', '.join(unknown)}; there are: {', '.join(known)}")
    return [question for question in QUESTIONS if not ids or question.id in ids]


def run(
    target: Target,
    *,
    prefix: str,
    questions: Sequence[Question] = QUESTIONS,
    deployment: bool = True,
    say: Say = lambda _text: None,
) -> Report:
    """Ask, deploy, clean up and report.

    Args:
        target: The AWS that is asked.
        prefix: What the names of everything that is made begin with.
        questions: What is asked.
        deployment: Whether a stack is deployed as well.
        say: Is told what is done.

    Returns:
        The report, also of a run that failed or was interrupted.
    """
    report = Report(target=target.description, region=target.region, versions=_versions())
    laboratory = Laboratory(target, prefix)
    with _interruptible():
        try:
            for question in questions:
                say(question.text)
                report.findings.append(_ask(question, laboratory))
                say(f"  {_spoken(report.findings[-1])}")
            if deployment:
                say("A stack is deployed, used, changed and destroyed")
                report.checks = Deployment(laboratory).run()
        except KeyboardInterrupt:
            report.interrupted = True
    # A second interrupt is for those who do not want to wait for this.
    say(f"Removing everything that is named {prefix}*")
    report.left = clean_up(target, prefix)
    return report


def _ask(question: Question, laboratory: Laboratory) -> Finding:
    try:
        return Finding(question=question, answer=question.ask(laboratory))
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
        return Finding(question=question, answer=None, problem=problem)


def _spoken(finding: Finding) -> str:
    return finding.answer.value if finding.answer else f"not answered: {finding.problem}"


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let a termination end the run as Ctrl-C does, so that it cleans up."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
