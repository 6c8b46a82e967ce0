"""The requests sent to custom resources, and what came back for each of them."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Any

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation.events import ResourceAddress

_KEPT = 1000


@dataclass(kw_only=True)
class Request:
    """One request to the provider of a custom resource.

    Attributes:
        token: what makes its response URL unguessable.
        request_id: its id in the protocol.
        request_type: Create, Update or Delete.
        stack_id: the stack's ARN.
        logical_id: the resource's logical id.
        physical_id: the physical id that was sent, or None for a Create.
        answered: resolved with the first answer's body; CloudFormation reads no other.
        deliveries: how often the function was started with it.
        answers: how many answers came, late ones and repeated ones included.
        outcome: SUCCESS, or why it failed; empty while it is open.
    """

    token: str
    request_id: str
    request_type: str
    stack_id: str
    logical_id: str
    physical_id: str | None
    answered: asyncio.Future[bytes]
    deliveries: int = 0
    answers: int = 0
    outcome: str = ""

    def identity(self, address: ResourceAddress) -> dict[str, str]:
        """The members that an answer has to repeat."""
        return {
            "StackId": address.stack_id,
            "RequestId": self.request_id,
            "LogicalResourceId": address.logical_id,
        }

    def as_json(self) -> dict[str, Any]:
        """This request, for whoever wants to see what was asked and answered."""
        return {
            "requestId": self.request_id,
            "requestType": self.request_type,
            "stackId": self.stack_id,
            "logicalId": self.logical_id,
            "physicalId": self.physical_id,
            "deliveries": self.deliveries,
            "answers": self.answers,
            "outcome": self.outcome,
        }


@dataclass
class Requests:
    """Every request of this server, the latest ones kept."""

    _by_token: dict[str, Request] = field(default_factory=dict)

    def open(self, address: ResourceAddress, request_type: str, physical_id: str | None) -> Request:
        """Start a request."""
        request = Request(
            token=secrets.token_urlsafe(24),
            request_id=ministack.responses.new_uuid(),
            request_type=request_type,
            stack_id=address.stack_id,
            logical_id=address.logical_id,
            physical_id=physical_id,
            answered=asyncio.get_running_loop().create_future(),
        )
        while len(self._by_token) >= _KEPT:
            del self._by_token[next(iter(self._by_token))]
        self._by_token[request.token] = request
        return request

    def answer(self, token: str, body: bytes) -> bool:
        """Take what was put to a response URL; whether there is such a URL.

        The first answer counts. Later ones overwrite nothing that CloudFormation still reads.
        """
        request = self._by_token.get(token)
        if request is None:
            return False
        request.answers += 1
        if not request.answered.done():
            request.answered.set_result(body)
        return True

    def seen(self) -> list[dict[str, Any]]:
        """Every request, oldest first."""
        return [request.as_json() for request in self._by_token.values()]

    def clear(self) -> None:
        """Forget every request."""
        self._by_token.clear()


requests = Requests()
