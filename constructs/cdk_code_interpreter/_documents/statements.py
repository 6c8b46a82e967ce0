"""What single statements of a trust policy are about: actions and principals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .conditions import is_like_action
from .values import each, text

SERVICE_PRINCIPAL = "bedrock-agentcore.amazonaws.com"


def is_for_action(body: Mapping[str, Any], action: str) -> bool:
    """Return whether a statement is about an action, by ``Action`` or ``NotAction``."""
    negated = "NotAction" in body
    names = [text(name) for name in each(body.get("NotAction" if negated else "Action"))]
    return negated != any(is_like_action(name, action) for name in names)


def principals_of(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return type and name of every principal of a statement; ``("*", "*")`` for everyone."""
    principal = body.get("Principal")
    if isinstance(principal, str):
        yield principal, principal
    elif isinstance(principal, Mapping):
        for kind, names in principal.items():
            for name in each(names):
                yield kind, text(name)


def is_the_service(kind: str, name: str) -> bool:
    """Return whether a principal is AgentCore, in the regions that the documentation writes of."""
    return kind == "Service" and name.replace("<AWS::URLSuffix>", "amazonaws.com") == (
        SERVICE_PRINCIPAL
    )


def is_for_service(body: Mapping[str, Any]) -> bool:
    """Return whether AgentCore is among those whom a statement is about."""
    if "NotPrincipal" in body:
        excluded = principals_of({"Principal": body["NotPrincipal"]})
        return not any(is_the_service(*each) or each[1] == "*" for each in excluded)
    return any(is_the_service(*each) or each == ("*", "*") for each in principals_of(body))
