"""What mkdocs does while it builds the site: the README as its first page, and the reference."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cdk_code_interpreter

REPOSITORY = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\[([^\]]+)\]\((?!https?:|#)([^)]+)\)")
EVERY_NAME = "<!-- every public name -->"


def on_page_markdown(markdown: str, *, page: Any, **_context: Any) -> str:
    """Fill the pages that are made from something else."""
    if page.file.src_uri == "index.md":
        markdown = (REPOSITORY / "README.md").read_text()
    if page.file.src_uri == "reference.md":
        names = "\n".join(_reference(name) for name in cdk_code_interpreter.__all__)
        return markdown.replace(EVERY_NAME, names)
    return LINK.sub(_site_link, markdown)


def _site_link(match: re.Match[str]) -> str:
    """A link as the site needs it: what is no page of the site is only named."""
    text, target = match.groups()
    if target.startswith("../"):
        return text
    is_page = (
        target.startswith("docs/") or (REPOSITORY / "docs" / target.partition("#")[0]).exists()
    )
    return f"[{text}]({target.removeprefix('docs/')})" if is_page else text


def _reference(name: str) -> str:
    module = cdk_code_interpreter._MODULES[name]
    return f"\n::: cdk_code_interpreter.{module}.{name}\n"
