"""Acknowledgments under the bare id of a finding, as cdk-nag's own packs take them.

The CDK itself handles ids with the pack's name before them, and records their reasons.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from aws_cdk import Stack, Validations
from constructs import IConstruct

from .._documents.values import mapping, mappings, sequence, text
from .model import Finding

# Versions of the CDK differ in the case of what they put before an id without a pack.
_PREFIX = re.compile(r"^annotation::", re.IGNORECASE)


class BareAcknowledgments:
    """What constructs of an app acknowledge under the bare id of a finding."""

    def __init__(self, app: IConstruct | None) -> None:
        """Look below an app; each construct is asked once.

        Args:
            app: The app; `None` where the CDK does not say.
        """
        self._app = app
        self._known: dict[str, frozenset[str]] = {}
        self._paths: dict[Path, Mapping[str, list[str]]] = {}

    def cover(self, finding: Finding) -> bool:
        """Return whether the resource's construct, or one above it, acknowledges a finding."""
        hit = finding.hit
        return any(
            any(finding.finding_id in ids for ids in self._above(path))
            for path in self._paths_of(Path(hit.template.path), hit.logical_id)
        )

    def _paths_of(self, file: Path, logical_id: str) -> Iterator[str]:
        """Yield where the resource stands in the tree; stacks may share a logical id."""
        folder = file.parent
        if folder not in self._paths:
            self._paths[folder] = _paths_by_logical_id(folder)
        for path in self._paths[folder].get(logical_id, ()):
            node = self._at(path)
            if node is not None and Stack.of(node).template_file == file.name:
                yield path

    def _at(self, path: str) -> IConstruct | None:
        node = self._app
        for part in path.split("/"):
            node = None if node is None else node.node.try_find_child(part)
        return node

    def _above(self, path: str) -> Iterator[frozenset[str]]:
        node, place = self._app, ""
        for part in ("", *path.split("/")):
            if part:
                node = None if node is None else node.node.try_find_child(part)
                place = f"{place}/{part}"
            if node is None:
                return
            if place not in self._known:
                self._known[place] = frozenset(_ids_at(node))
            yield self._known[place]


def _ids_at(construct: IConstruct) -> Iterator[str]:
    for entry in construct.node.metadata:
        if entry.type == Validations.ACKNOWLEDGED_RULES_METADATA_KEY:
            for rule_id in mapping(entry.data):
                yield _PREFIX.sub("", rule_id)


def _paths_by_logical_id(folder: Path) -> Mapping[str, list[str]]:
    """Return the paths of constructs in a cloud assembly by the logical ids of their resources."""
    found: dict[str, list[str]] = {}
    artifacts = mapping(_json(folder / "manifest.json").get("artifacts"))
    for artifact in mappings(artifacts).values():
        more = artifact.get("additionalMetadataFile")
        metadata = mapping(artifact.get("metadata"))
        metadata = {**metadata, **(_json(folder / more) if isinstance(more, str) else {})}
        for path, entries in metadata.items():
            for entry in map(mapping, sequence(entries)):
                if entry.get("type") == "aws:cdk:logicalId":
                    found.setdefault(text(entry.get("data")), []).append(path.strip("/"))
    return found


def _json(file: Path) -> Mapping[str, object]:
    try:
        return mapping(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
