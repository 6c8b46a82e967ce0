"""The result of a tool: what goes into an Invoke's event stream."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


def text_block(text: str) -> dict[str, Any]:
    """A piece of text."""
    return {"type": "text", "text": text}


def image_block(data: bytes, mime_type: str) -> dict[str, Any]:
    """An image."""
    return {"type": "image", "data": data, "mimeType": mime_type}


def plain(text: str) -> str:
    """Text without a terminal's colors."""
    return _TERMINAL_CODES.sub("", text)


def text_result(text: str, *, is_error: bool = False) -> dict[str, Any]:
    """A result that is one text."""
    return {"content": [text_block(text)], "isError": is_error}


@dataclass(kw_only=True)
class Execution:
    """What running something came to.

    Attributes:
        content: Text and images in the order of their appearance.
        stdout: What it printed.
        stderr: What it printed to the error stream, with the traceback of its error.
        exit_code: Zero if all went well.
        seconds: How long it took.
    """

    content: list[dict[str, Any]] = field(default_factory=list)
    stdout: str = ""
    stderr: str = ""
    exit_code: int = 0
    seconds: float = 0.0

    def result(self, *, task: dict[str, Any] | None = None) -> dict[str, Any]:
        """As the result of a tool; `task` adds what is known of a task."""
        structured = {
            **(task or {}),
            "stdout": self.stdout,
            "stderr": self.stderr,
            "exitCode": self.exit_code,
            # Documented as milliseconds; answers of the service carry seconds.
            "executionTime": round(self.seconds, 6),
        }
        return {
            "content": self.content or [text_block("")],
            "structuredContent": structured,
            "isError": self.exit_code != 0,
        }


def streams_execution(
    stdout: str, stderr: str, exit_code: int, seconds: float, images: Iterable[dict[str, Any]] = ()
) -> Execution:
    """The execution of something that has but its two streams."""
    blocks = [text_block(text) for text in (stdout, stderr) if text]
    return Execution(
        content=[*blocks, *images],
        stdout=stdout,
        stderr=stderr,
        exit_code=exit_code,
        seconds=seconds,
    )
