"""Whether an interpreter belongs to the stack that a function acts for.

A name proves nothing: a template can be launched under several stack names, and then the names of
its interpreters begin alike. The proof is a tag with the stack's id, written when the interpreter
is created. Without it an interpreter is reported, and its sessions are left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .clients import control_client
from .failures import CallFailedError, Failure
from .log import log
from .pacing import Deadline
from .sessions import Caller
from .settings import own_stack

OWNER_TAG = "cdk-code-interpreter:stack"
ATTEMPTS = 6


@dataclass
class Ownership:
    """Interpreters whose names begin alike, sorted by whose they are."""

    own: list[str] = field(default_factory=list)
    """Ids of those that the stack's tag proves to be its own."""
    untagged: list[str] = field(default_factory=list)
    """Ids of those without the tag: of an earlier version, or taken off by hand."""
    unreadable: list[str] = field(default_factory=list)
    """Ids of those whose tags cannot be read."""
    problems: list[str] = field(default_factory=list)
    """Why the tags of some cannot be read."""

    @property
    def untouched(self) -> list[str]:
        """Return the ids of those that may be the stack's own, and are left alone."""
        return [*self.untagged, *self.unreadable]


def sorted_by_owner(
    interpreters: Iterable[Mapping[str, Any]],
    owner: str,
    region: str | None,
    caller: Caller,
    deadline: Deadline,
) -> Ownership:
    """Return which interpreters are a stack's own.

    Args:
        interpreters: Items of the service's list.
        owner: The id of the stack. Empty: the function's own, as its environment says.
        region: The interpreters' region. `None`: the function's own.
        caller: Makes the calls.
        deadline: When to give up.
    """
    owner = owner or own_stack()
    found = Ownership()
    for each in interpreters:
        identifier, arn = str(each["codeInterpreterId"]), str(each.get("codeInterpreterArn", ""))
        try:
            answer = caller.call(
                lambda arn=arn: control_client(region).list_tags_for_resource(  # type: ignore[misc]
                    resourceArn=arn
                ),
                deadline,
                ATTEMPTS,
            )
        except CallFailedError as error:
            if error.failure is not Failure.GONE:
                found.unreadable.append(identifier)
                found.problems.append(f"the tags of {identifier} cannot be read: {error}")
            continue
        tagged = (answer.get("tags") or {}).get(OWNER_TAG)
        if tagged is None or not owner:
            found.untagged.append(identifier)
        elif tagged == owner:
            found.own.append(identifier)
    for identifier in found.untouched:
        log(
            "the interpreter is not proved to be this stack's: its sessions are left alone",
            level="WARNING",
            interpreter=identifier,
            tag=OWNER_TAG,
        )
    return found
