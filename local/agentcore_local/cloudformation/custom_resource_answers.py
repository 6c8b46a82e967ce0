"""What a custom resource's provider may answer.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

_LONGEST_ANSWER_BYTES = 4096
_LONGEST_PHYSICAL_ID = 1024


class InvalidAnswer(Exception):
    """An answer that breaks the protocol; the resource has failed then."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A valid answer.

    Attributes:
        succeeded: whether the provider says SUCCESS.
        reason: why it failed.
        physical_id: the resource's physical id.
        data: the attributes that `Fn::GetAtt` returns.
    """

    succeeded: bool
    reason: str
    physical_id: str
    data: dict[str, Any]

    @classmethod
    def parse(cls, body: bytes, identity: Mapping[str, str]) -> Self:
        """Read an answer.

        Args:
            body: what the provider put to the response URL.
            identity: the members that it has to repeat from the request.

        Raises:
            InvalidAnswer: it breaks the protocol.
        """
        if len(body) > _LONGEST_ANSWER_BYTES:
            raise InvalidAnswer("Response object is too long.")
        members = _members(body)
        status = members.get("Status")
        if status not in ("SUCCESS", "FAILED"):
            raise InvalidAnswer(f"Invalid response status {status!r}: SUCCESS or FAILED is allowed")
        for name, expected in identity.items():
            if members.get(name) != expected:
                raise InvalidAnswer(
                    f"Invalid response: {name} must be copied from the request, expected "
                    f"{expected!r}, got {members.get(name)!r}"
                )
        physical_id = members.get("PhysicalResourceId")
        if not isinstance(physical_id, str) or not 1 <= len(physical_id) <= _LONGEST_PHYSICAL_ID:
            raise InvalidAnswer("Invalid PhysicalResourceId")
        reason = members.get("Reason")
        if status == "FAILED" and not reason:
            raise InvalidAnswer("Invalid response: a FAILED response must have a Reason")
        data = members.get("Data") or {}
        if not isinstance(data, dict):
            raise InvalidAnswer("Invalid response: Data must be a JSON object")
        return cls(
            succeeded=status == "SUCCESS",
            reason=str(reason or ""),
            physical_id=physical_id,
            data=data,
        )


def _members(body: bytes) -> Mapping[str, Any]:
    try:
        members = json.loads(body)
    except ValueError:
        members = None
    if not isinstance(members, dict):
        raise InvalidAnswer("Invalid response: the body must be a JSON object")
    return members
