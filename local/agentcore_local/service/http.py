"""Requests and responses, free of any web framework."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class HttpRequest:
    """One HTTP request, its body read.

    Attributes:
        method: The verb, in upper case.
        path: The path as it came over the wire, still percent-encoded.
        query_string: The query string as it came over the wire, without the question mark.
        headers: The headers, with names in lower case.
        body: The whole body.
    """

    method: str
    path: str
    query_string: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class HttpResponse:
    """One HTTP response.

    Attributes:
        status: The status code.
        headers: The headers.
        body: The whole body, or its chunks as they come to be (an event stream).
        dropped: True if the connection is to be closed without an answer (an injected fault).
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | AsyncIterator[bytes] = b""
    dropped: bool = False
