"""Checks of what users pass in, with errors in their terms, before jsii is crossed."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .._cdk.construct_tree import path_of
from .._cdk.durations import is_unresolved, seconds_of

if TYPE_CHECKING:
    from aws_cdk import Duration, RemovalPolicy
    from constructs import Construct

# Limits of CreateCodeInterpreter:
# https://docs.aws.amazon.com/bedrock-agentcore-control/latest/APIReference/API_CreateCodeInterpreter.html
NAME_PATTERN = re.compile(r"[a-zA-Z][a-zA-Z0-9_]{0,47}")
MAX_DESCRIPTION = 4096
TAG_PATTERN = re.compile(r"[a-zA-Z0-9\s._:/=+@-]*")
MAX_TAG_KEY = 128
MAX_TAG_VALUE = 256
MAX_TAGS = 50
# The CloudFormation type takes ten, fewer than the API.
MAX_CERTIFICATES = 10
# https://docs.aws.amazon.com/bedrock-agentcore/latest/APIReference/API_StartCodeInterpreterSession.html
MAX_SESSION_TIMEOUT_SECONDS = 28_800
# The function that drains runs for 15 minutes at most, and needs time to answer.
LONGEST_DRAIN_SECONDS = 840


def is_token(value: str) -> bool:
    """Whether a string holds something that only the deployment knows."""
    if "${Token[" not in value:  # answered here, jsii is not asked for plain strings
        return False
    return _holds_token(value)


@functools.cache  # the same few are asked about for each interpreter
def _holds_token(value: str) -> bool:
    from aws_cdk import Token

    return Token.is_unresolved(value)


def known_to_differ(one: str, other: str) -> bool:
    """Whether two accounts, or two regions, are different ones; a token may be either."""
    return one != other and not is_token(one) and not is_token(other)


class Findings:
    """What is wrong with one construct's arguments: collected, raised once."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        """Prepare to collect for the construct that is about to be made.

        Args:
            scope: The scope that the construct is made in.
            construct_id: Its id in that scope.
        """
        self._scope = scope
        self._construct_id = construct_id
        self._found: list[str] = []

    def add(self, finding: str) -> None:
        """Add one finding: what is wrong, the value got, what is allowed, the fix."""
        self._found.append(finding)

    def raise_if_any(self) -> None:
        """Raise everything found, with the construct's path.

        Raises:
            ValueError: Something was found.
        """
        if not self._found:
            return
        path = f"{path_of(self._scope)}/{self._construct_id}".lstrip("/")
        if len(self._found) == 1:
            raise ValueError(f"{path}: {self._found[0]}")
        listed = "".join(f"\n- {finding}" for finding in self._found)
        raise ValueError(f"{path}: {len(self._found)} arguments are wrong:{listed}")


def check_name(findings: Findings, argument: str, name: str | None, *, longest: int = 48) -> None:
    """Check an interpreter's name, or the beginning of one."""
    if name is None or is_token(name):
        return
    if NAME_PATTERN.fullmatch(name) and len(name) <= longest:
        return
    findings.add(
        f"{argument} must be 1 to {longest} letters, digits and underscores that begin with a "
        f"letter, got {name!r}; a hyphen can be written as an underscore"
    )


def check_removal_policy(findings: Findings, policy: RemovalPolicy) -> None:
    """Check what is to happen to a resource that leaves the stack."""
    if policy.name == "SNAPSHOT":
        findings.add(
            "removal_policy cannot be SNAPSHOT, there is nothing to take one of; use "
            "RemovalPolicy.DESTROY or RemovalPolicy.RETAIN"
        )


def check_drain_timeout(findings: Findings, argument: str, timeout: Duration) -> None:
    """Check how long a drain may try."""
    check_seconds(
        findings,
        argument,
        timeout,
        (60, LONGEST_DRAIN_SECONDS),
        "the function that drains ends after 15 minutes, and has to answer",
    )


def check_description(findings: Findings, description: str | None) -> None:
    """Check a description's length."""
    if description is None or is_token(description):
        return
    if not 1 <= len(description) <= MAX_DESCRIPTION:
        findings.add(
            f"description must have 1 to {MAX_DESCRIPTION} characters, got {len(description)} "
            f"({description[:40]!r}...); shorten it, or leave it out for none"
        )


def _tag_problems(key: str, value: str, fewest: int) -> list[str]:
    found = []
    if not is_token(key):
        if key.lower().startswith("aws:"):
            found.append(f"tag key {key!r} begins with 'aws:', which AWS reserves; rename it")
        elif not 1 <= len(key) <= MAX_TAG_KEY or not TAG_PATTERN.fullmatch(key):
            found.append(
                f"tag key {key!r} must have 1 to {MAX_TAG_KEY} letters, digits, white space and "
                "any of . _ : / = + @ -; rename it"
            )
    if not is_token(value) and (
        not fewest <= len(value) <= MAX_TAG_VALUE or not TAG_PATTERN.fullmatch(value)
    ):
        found.append(
            f"the value of tag {key!r} must have {fewest} to {MAX_TAG_VALUE} letters, digits, "
            f"white space and any of . _ : / = + @ -, got {value!r}; change it, or "
            "leave the tag out"
        )
    return found


def tag_problems(tags: Mapping[str, str], *, fewest: int = 0, most: int = MAX_TAGS) -> list[str]:
    """What the service would refuse of some tags.

    Args:
        tags: The tags.
        fewest: Characters that a value must have. Default: an empty one is taken, too.
        most: How many tags there may be. Default: 50.
    """
    found = []
    if len(tags) > most:
        found.append(f"tags must be at most {most}, got {len(tags)}; leave some out")
    for key, value in tags.items():
        found += _tag_problems(key, value, fewest)
    return found


def check_tags(findings: Findings, tags: Mapping[str, str] | None) -> None:
    """Check tags against the service's limits, and what the L2 takes: no empty value."""
    # One more is the interpreter's own.
    for problem in tag_problems(tags or {}, fewest=1, most=MAX_TAGS - 1):
        findings.add(problem)


def check_count(findings: Findings, argument: str, values: Sequence[object], most: int) -> None:
    """Check that a list that was given is neither empty nor too long."""
    if not 1 <= len(values) <= most:
        findings.add(
            f"{argument} must be 1 to {most}, got {len(values)}; "
            + ("leave some out" if values else "name at least one, or leave the argument out")
        )


def check_seconds(
    findings: Findings, argument: str, value: Duration, limits: tuple[int, int], why: str
) -> None:
    """Check a length of time that is written into a plan, and so must be known by then.

    Args:
        findings: Where to say so.
        argument: The argument's name.
        value: The length of time.
        limits: The least and the most seconds.
        why: Why it is limited, or what to write instead.
    """
    least, most = limits
    if is_unresolved(value):
        findings.add(
            f"{argument} must be known when the app is synthesized, got a token; pass for example "
            "Duration.minutes(15), or read the value from the app's context"
        )
        return
    seconds = seconds_of(value)
    if seconds != int(seconds) or not least <= seconds <= most:
        findings.add(
            f"{argument} must be {least} to {most} whole seconds, got {seconds:g} seconds; {why}"
        )


def _check_unit(findings: Findings, duration: Duration, argument: str) -> None:
    """Refuse a number that only the deployment knows, and that CloudFormation cannot multiply."""
    try:
        duration.to_seconds()
    except RuntimeError:
        findings.add(
            f"{argument} must be in seconds where only the deployment knows it, got "
            f"{duration.unit_label()}; pass Duration.seconds(...)"
        )


def check_session_timeout(
    findings: Findings, timeout: Duration | None, argument: str = "session_timeout"
) -> None:
    """Check how long sessions may live."""
    if timeout is None:
        return
    if is_unresolved(timeout):
        _check_unit(findings, timeout, argument)
        return
    seconds = seconds_of(timeout)
    if seconds % 1 or not 1 <= seconds <= MAX_SESSION_TIMEOUT_SECONDS:
        findings.add(
            f"{argument} must be 1 to {MAX_SESSION_TIMEOUT_SECONDS} whole seconds (8 hours), "
            f"got {seconds:g} seconds; pass for example Duration.minutes(15)"
        )
