"""What a question is, and what an answer to it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentcore_local.conformance.laboratory import Laboratory


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an AWS answered.

    Attributes:
        value: One of the question's values, or what was measured.
        evidence: The calls and what they returned, for a reader to judge.
    """

    value: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Question:
    """One open question about the service.

    Attributes:
        id: Names it on the command line and in the report.
        text: The question as a sentence.
        matters: How this library and its users are right whichever the answer is.
        ask: Finds out.
        sessions: How many sessions that takes, for the estimate of the cost.
        behavior: The name of the local AWS's switch for it, and its setting for each value.
        waits_minutes: How long an answer may take on AWS.
    """

    id: str
    text: str
    matters: str
    ask: Callable[[Laboratory], Answer]
    sessions: int = 0
    behavior: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    waits_minutes: float = 2

    def setting_for(self, answer: Answer) -> Any | None:
        """How the local AWS's switch is set to give this answer; None if there is no such."""
        return self.settings.get(answer.value)
