"""Keeps web pages out: a browser on this machine reaches loopback, whoever wrote its pages.

This server runs the code that it is given, and its root key is no secret. Without this, any page
that is open in a browser could call it: MiniStack allows every origin (CORS), and a name that its
owner points at 127.0.0.1 makes a page same-origin with this server (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

# What containers call the machine that they run on; nobody else can have these names resolved.
_NAMES_IN_CONTAINERS = {
    "gateway.docker.internal",
    "host.containers.internal",
    "host.docker.internal",
}


def refusal(headers: Mapping[str, str]) -> str | None:
    """Why a request is refused, or None if it may come from a program of this machine.

    Args:
        headers: The request's headers, with names in lower case.
    """
    host = headers.get("host")
    if host is not None and not _is_local(f"//{host}", *_NAMES_IN_CONTAINERS):
        return (
            f"this server answers to loopback addresses and localhost only, got the host {host!r}; "
            "use the endpoint URL that `agentcore-local status` prints"
        )
    origin = headers.get("origin")
    if origin is not None:
        if _is_local(origin):
            return None
        return f"web pages may not use this server, got a request of {origin!r}; use an SDK"
    if headers.get("sec-fetch-site") == "cross-site":
        return "web pages may not use this server, got a request of another site; use an SDK"
    return None


def _is_local(url: str, *also: str) -> bool:
    try:
        name = urlsplit(url).hostname or ""
    except ValueError:
        return False
    # No name below `localhost` resolves to anything but loopback.
    if name == "localhost" or name.endswith(".localhost") or name in also:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
