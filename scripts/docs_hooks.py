"""What mkdocs does while it builds the site: the README as its first page, and the reference."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cdk_code_interpreter

REPOSITORY = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\[([^\]]+)\]\((?!https?:|#)([^)]+)\)")


def on_page_markdown(markdown: str, *, page: Any, **_context: Any) -> str:
    """Fill the pages that are made from something else."""
    if page.file.src_uri == "index.md":
        return LINK.sub(_site_link, (REPOSITORY / "README.md").read_text())
    if page.file.src_uri == "reference.md":
        return markdown + "".join(_reference(name) for name in cdk_code_interpreter.__all__)
    return markdown


def _site_link(match: re.Match[str]) -> str:
    """A link of the README as the site needs it: what is no page of the site is only named."""
    text, target = match.groups()
    return f"[{text}]({target.removeprefix('docs/')})" if target.startswith("docs/") else text


def _reference(name: str) -> str:
    module = cdk_code_interpreter._MODULES[name]
    return f"\n\n::: cdk_code_interpreter.{module}.{name}\n"
