"""What sessions of an interpreter are allowed."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from aws_cdk import Duration

from .._arguments.limits import Findings, check_seconds, check_session_timeout
from .._arguments.types import DURATION, KNOWN_TEXTS, WHOLE_NUMBER, instance_of, one_of, wrong_kinds
from .._cdk.durations import is_unresolved, minutes, seconds_of

if TYPE_CHECKING:
    from aws_cdk import Duration
    from constructs import Construct

# A session ends by itself after eight hours at the latest:
# https://docs.aws.amazon.com/bedrock-agentcore/latest/APIReference/API_StartCodeInterpreterSession.html
LONGEST_SESSION_SECONDS = 28_800
LONGEST_NAME = 100
_DAY = 24 * 60


# The schedule's event is JSON that is written when the app is synthesized.
_COUNT = replace(WHOLE_NUMBER, words="a whole number that is known when the app is synthesized")


class Enforcement(enum.Enum):
    """What the janitor does with a session that the policy does not allow."""

    SHADOW = "SHADOW"
    """It counts and logs the session, and leaves it alone."""
    ENFORCE = "ENFORCE"
    """It stops the session."""


@dataclass(frozen=True, kw_only=True)
class SessionPolicy:
    """The limits that a `SessionJanitor` watches or enforces.

    A session lives to the time to live that its caller chose, idle or not, and bills its memory.
    The service has no idle timeout, and no IAM condition limits what callers choose.
    https://docs.aws.amazon.com/bedrock-agentcore/latest/APIReference/API_StartCodeInterpreterSession.html

    Attributes:
        timeout: Time to live that callers should ask for, 1 second to 8 hours; they find it in
            the interpreter's `environment`. Default: that of the interpreter.
        max_age: Older sessions are stopped, 1 minute to 8 hours. `None`: no limit of age.
            Default: 1 hour.
        max_active: With more sessions than these, the oldest are stopped; those with a kept name
            do not count. Default: no limit of number.
        keep_name_prefixes: A session whose name begins with one of these is never stopped.
            Default: none is kept.
        enforcement: Whether sessions are stopped, or only counted. Default: only counted.
        schedule: Time between two looks, in whole minutes. Default: 5 minutes.
    """

    timeout: Duration | None = None
    max_age: Duration | None = field(default_factory=lambda: minutes(60))
    max_active: int | None = None
    keep_name_prefixes: Sequence[str] = ()
    enforcement: Enforcement = Enforcement.SHADOW
    schedule: Duration = field(default_factory=lambda: minutes(5))

    def check(self, scope: Construct, construct_id: str) -> None:
        """Refuse what cannot be.

        Args:
            scope: Scope of the construct that takes the policy.
            construct_id: Its id there.

        Raises:
            ValueError: A limit is out of its range, or limits contradict one another.
        """
        findings = Findings(scope, construct_id)
        for problem in self._wrong_kinds():
            findings.add(problem)
        findings.raise_if_any()
        check_session_timeout(findings, self.timeout, "timeout")
        if self.max_age is not None:
            check_seconds(
                findings,
                "max_age",
                self.max_age,
                (60, LONGEST_SESSION_SECONDS),
                "a session ends by itself after 8 hours",
            )
        self._check_order(findings)
        check_interval(findings, "schedule", self.schedule)
        if self.max_active is not None and self.max_active < 1:
            findings.add(
                f"max_active must be at least 1, got {self.max_active}; leave it out for no limit, "
                "or use the janitor's stop_all_command to stop every session once"
            )
        for prefix in self.keep_name_prefixes:
            if not 1 <= len(prefix) <= LONGEST_NAME:
                findings.add(
                    f"keep_name_prefixes must have 1 to {LONGEST_NAME} characters each, got "
                    f"{prefix!r}; an empty one would keep every session that has a name"
                )
        findings.raise_if_any()

    def limits(self) -> Mapping[str, Any]:
        """The policy as the janitor's function reads it; what is not set is left out."""
        limits: dict[str, Any] = {
            "enforcement": self.enforcement.value,
            "keep_name_prefixes": list(self.keep_name_prefixes),
        }
        if self.max_age is not None:
            limits["max_age_seconds"] = int(seconds_of(self.max_age))
        if self.max_active is not None:
            limits["max_active"] = self.max_active
        return limits

    def _wrong_kinds(self) -> list[str]:
        return wrong_kinds(
            timeout=(self.timeout, DURATION.or_none),
            max_age=(self.max_age, DURATION.or_none),
            max_active=(self.max_active, _COUNT.or_none),
            keep_name_prefixes=(self.keep_name_prefixes, KNOWN_TEXTS),
            enforcement=(self.enforcement, one_of(Enforcement)),
            schedule=(self.schedule, DURATION),
        )

    def _check_order(self, findings: Findings) -> None:
        if self.timeout is None or self.max_age is None:
            return
        if is_unresolved(self.timeout) or is_unresolved(self.max_age):
            return
        timeout, most = seconds_of(self.timeout), seconds_of(self.max_age)
        if timeout > most:
            findings.add(
                f"timeout ({timeout:g} seconds) must not be longer than max_age "
                f"({most:g} seconds): sessions that live as long as they were told to would "
                "be stopped; lower timeout or raise max_age"
            )


SESSION_POLICY = instance_of(
    SessionPolicy, "a SessionPolicy, such as SessionPolicy(max_active=200)"
)


def check_interval(findings: Findings, argument: str, interval: Duration) -> None:
    """Check that EventBridge Scheduler can repeat something at this interval."""
    if is_unresolved(interval):
        findings.add(
            f"{argument} must be known when the app is synthesized, got a token; pass for example "
            "Duration.minutes(5), or read the value from the app's context"
        )
        return
    seconds = seconds_of(interval)
    if seconds % 60 or not 1 <= seconds / 60 <= _DAY:
        findings.add(
            f"{argument} must be 1 to {_DAY} whole minutes (a day), got {seconds:g} seconds; pass "
            "for example Duration.minutes(5)"
        )
