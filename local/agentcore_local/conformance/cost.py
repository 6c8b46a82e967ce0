"""What a run may cost at most, from public prices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agentcore_local.conformance.laboratory import SESSION_SECONDS
from agentcore_local.conformance.questions import Question

# https://aws.amazon.com/bedrock/agentcore/pricing/, in US dollars
VCPU_HOUR = 0.0895
GIGABYTE_HOUR = 0.00945
# https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/bedrock-agentcore-limits.html
SESSION_VCPUS = 2
SESSION_GIGABYTES = 8
# Functions, logs, metrics and requests: far below this for some hundred calls.
EVERYTHING_ELSE = 0.05


@dataclass(frozen=True)
class Estimate:
    """The most that a run may cost.

    Attributes:
        sessions: How many sessions are started.
        dollars: The cost if each of them computed on all its processors, with all its memory in
            use, until it ended by itself.
    """

    sessions: int
    dollars: float

    def __str__(self) -> str:
        return (
            f"at most ${self.dollars:.2f}: {self.sessions} sessions of at most "
            f"{SESSION_SECONDS // 60} minutes each, and less than ${EVERYTHING_ELSE:.2f} for "
            "everything else"
        )


def estimate(questions: Iterable[Question], *, deployment_sessions: int) -> Estimate:
    """The most that these questions and a deployment may cost."""
    sessions = sum(question.sessions for question in questions) + deployment_sessions
    hourly = SESSION_VCPUS * VCPU_HOUR + SESSION_GIGABYTES * GIGABYTE_HOUR
    dollars = sessions * SESSION_SECONDS / 3600 * hourly + EVERYTHING_ELSE
    return Estimate(sessions=sessions, dollars=dollars)
