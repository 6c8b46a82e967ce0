"""Checks of an interpreter's arguments that depend on one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._arguments.limits import Findings, check_drain_timeout, check_name
from ._naming import MAX_LABEL

if TYPE_CHECKING:
    from aws_cdk import Duration

    from ..sessions.session_drain import OnDrainFailure


def check_names(
    findings: Findings, name: str | None, prefix: str | None, revision: int | None
) -> None:
    """Check the three arguments that decide an interpreter's name."""
    check_name(findings, "code_interpreter_name", name)
    check_name(findings, "name_prefix", prefix, longest=MAX_LABEL)
    if name is not None and (prefix is not None or revision is not None):
        findings.add(
            f"code_interpreter_name is used exactly, got {name!r} and name_prefix={prefix!r}, "
            f"name_revision={revision!r}; pass either the whole name or the others"
        )


def check_drain(
    findings: Findings,
    drained: bool,
    on_failure: OnDrainFailure | None,
    timeout: Duration | None,
) -> None:
    """Check how sessions are to be stopped before a deletion."""
    given = {"on_drain_failure": on_failure, "drain_timeout": timeout}
    names = [name for name, value in given.items() if value is not None]
    if names and not drained:
        findings.add(
            f"got {' and '.join(names)}, but nothing stops the sessions where the drain is "
            "switched off or a removal policy keeps the interpreter; leave one of them out"
        )
    if timeout is not None:
        check_drain_timeout(findings, "drain_timeout", timeout)
