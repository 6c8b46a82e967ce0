"""Client tokens: the same request again gets the same answer and changes nothing."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

from agentcore_local.service.errors import IDEMPOTENT_PARAMETER_MISMATCH, invalid

KEPT_SECONDS = 24 * 3600
"""For how long a token is remembered; the documentation names no time."""

# Headers that tell attempts apart, not what is asked for; botocore adds them by itself in Lambda.
_OF_EACH_ATTEMPT = frozenset({"traceId", "traceParent"})


class IdempotencyTokens:
    """The tokens that one account in one region has used, with what they got."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._answers: dict[tuple[str, str], tuple[float, str, dict[str, Any]]] = {}

    def recall(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
        """The answer that the same request got before, or None.

        Raises:
            ServiceError: The token was used with other parameters.
        """
        token = params.get("clientToken")
        known = self._answers.get((operation, token)) if token else None
        if known is None or self._now() - known[0] > KEPT_SECONDS:
            return None
        _, fingerprint, answer = known
        if fingerprint != _fingerprint(params):
            message = "The client token was used before with other parameters"
            raise invalid(
                message,
                fields=[("clientToken", message)],
                reason=IDEMPOTENT_PARAMETER_MISMATCH,
            )
        return copy.deepcopy(answer)

    def remember(
        self, operation: str, params: Mapping[str, Any], answer: Mapping[str, Any]
    ) -> None:
        """Keep the answer to a request that has a token."""
        token = params.get("clientToken")
        if token:
            kept = copy.deepcopy(dict(answer))
            self._answers[operation, token] = (self._now(), _fingerprint(params), kept)


def _fingerprint(params: Mapping[str, Any]) -> str:
    asked = {name: value for name, value in params.items() if name not in _OF_EACH_ATTEMPT}
    return json.dumps(asked, sort_keys=True, default=repr)
