"""The README as PyPI needs it; hatchling asks for it while it builds.

PyPI has neither the repository's files nor, for certain, anchors at headings: what the README
links to is named by its path, pictures are left out, and each heading gets its anchor as an
element (alarms link to those of the runbook).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_PICTURE = re.compile(r"^!\[[^\]]*\]\((?!https:)[^)]+\)\n+", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\((?!https:|#)([^)]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_WHERE = (
    "Paths such as `docs/sessions.md` are those of the source distribution. The picture of the "
    "dashboard is there too: `docs/images/dashboard.png`.\n\n"
)


class LongDescription(MetadataHookInterface):
    """Fills the field `readme`."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill the field."""
        readme = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": for_pypi(readme)}


def for_pypi(readme: str) -> str:
    """The README without what only a checkout has."""
    parts = _FENCED.split(readme)
    text = "".join(each if each.startswith("```") else _prose(each) for each in parts)
    title, blank, rest = text.partition("\n\n")
    return title + blank + _WHERE + rest


def anchor_of(heading: str) -> str:
    """What GitHub and MkDocs make of a heading."""
    return re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-")


def _prose(text: str) -> str:
    text = _LINK.sub(_named, _PICTURE.sub("", text))
    return _HEADING.sub(lambda each: f'{each[0]}<a id="{anchor_of(each[1])}"></a>', text)


def _named(link: re.Match[str]) -> str:
    text, target = link.groups()
    path = target.partition("#")[0]
    return f"`{path}`" if text.strip("`").rstrip("/") == path else f"{text} (`{path}`)"
