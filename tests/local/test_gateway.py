"""How requests come in."""

import asyncio
from typing import Any

import pytest

from agentcore_local.gateway import _read

SCOPE = {"method": "PUT", "path": "/x", "raw_path": b"/x", "headers": []}
BEGUN = {"type": "http.request", "body": b"{", "more_body": True}


@pytest.mark.parametrize(
    ("last", "body"),
    [
        ({"type": "http.request", "body": b"}", "more_body": False}, b"{}"),
        ({"type": "http.disconnect"}, None),
    ],
)
def test_only_a_request_that_came_whole_is_served(last: dict[str, Any], body: bytes | None) -> None:
    messages = iter([BEGUN, last])

    async def receive() -> dict[str, Any]:
        return next(messages)

    request = asyncio.run(_read(SCOPE, receive))

    assert (None if request is None else request.body) == body
