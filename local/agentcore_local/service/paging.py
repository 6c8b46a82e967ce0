"""Pages of a list, with opaque tokens that survive changes between the calls."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from agentcore_local.service.errors import invalid

DEFAULT_PAGE_SIZE = 10

Item = TypeVar("Item")
Key = tuple[float, str]


def page(
    items: Sequence[Item], params: dict[str, Any], *, key: Callable[[Item], Key], scope: str
) -> tuple[list[Item], str | None]:
    """One page of items that are sorted by descending key.

    Args:
        items: All items.
        params: The request, with `maxResults` and `nextToken`.
        key: Where an item stands; the token holds the key of the last item sent.
        scope: What the token is good for: another list or filter refuses it.

    Raises:
        ServiceError: The token is not one of this list.
    """
    token = params.get("nextToken")
    if token is not None:
        after = _read_token(token, scope)
        items = [item for item in items if key(item) < after]
    size = params.get("maxResults", DEFAULT_PAGE_SIZE)
    shown = list(items[:size])
    more = len(items) > size
    return shown, _write_token(key(shown[-1]), scope) if more else None


def start_token(scope: str) -> str:
    """A token for the first page."""
    return _write_token((math.inf, ""), scope)


def _write_token(key: Key, scope: str) -> str:
    content = json.dumps([*key, scope]).encode()
    check = binascii.crc32(content).to_bytes(4)
    return base64.urlsafe_b64encode(check + content).decode()


def _read_token(token: str, scope: str) -> Key:
    try:
        data = base64.b64decode(token, altchars=b"-_", validate=True)
        check, content = data[:4], data[4:]
        if binascii.crc32(content).to_bytes(4) != check:
            raise ValueError
        moment, identifier, token_scope = json.loads(content)
        if token_scope != scope:
            raise ValueError
    except ValueError:
        message = "The pagination token is not valid for this list"
        raise invalid(message, fields=[("nextToken", message)]) from None
    return moment, identifier
