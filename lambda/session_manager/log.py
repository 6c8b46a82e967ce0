"""Structured logs: one line of JSON each, so that Logs Insights finds fields by name."""

from __future__ import annotations

import json


def log(message: str, /, *, level: str = "INFO", **fields: object) -> None:
    """Write one line to the function's log.

    Args:
        message: What happened, the same words each time, so that it can be searched for.
        level: ``INFO``, ``WARNING`` or ``ERROR``.
        **fields: What it happened to. Never code that a session ran, its output or a response URL.
    """
    print(json.dumps({"level": level, "message": message, **fields}, default=str))
