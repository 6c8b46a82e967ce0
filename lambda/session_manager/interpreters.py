"""The interpreters of an account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .clients import control_client
from .pacing import Deadline
from .sessions import PAGE_SIZE, Caller


def custom_interpreters(
    region: str | None, caller: Caller, deadline: Deadline
) -> Iterator[Mapping[str, Any]]:
    """Items of the service's list, of all interpreters that the account made in a region.

    Args:
        region: The region. `None`: the function's own.
        caller: Makes the calls.
        deadline: When to give up.

    Raises:
        CallFailedError: A page cannot be read.
    """
    client = control_client(region)
    following: dict[str, Any] = {}
    seen: set[str] = set()
    while True:
        page = caller.call(
            lambda arguments=following: client.list_code_interpreters(  # type: ignore[misc]
                type="CUSTOM", maxResults=PAGE_SIZE, **arguments
            ),
            deadline,
        )
        yield from page.get("codeInterpreterSummaries") or ()
        token = page.get("nextToken")
        if not token or token in seen:
            return
        seen.add(token)
        following = {"nextToken": token}
