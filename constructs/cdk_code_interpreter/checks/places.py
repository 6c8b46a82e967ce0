"""Where the stacks of a cloud assembly go, and what they are called."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from .._documents.values import mapping, mappings, text


class Place(NamedTuple):
    """What a cloud assembly says of a stack; `None` for what it does not say."""

    account: str | None = None
    region: str | None = None
    stack_name: str | None = None


def place_of(path: Path) -> Place:
    """Return where the stack of a template file goes, as far as that is known."""
    manifest = path.parent / "manifest.json"
    try:
        changed = manifest.stat().st_mtime_ns
    except OSError:
        return Place()
    return _places(manifest, changed).get(path.name, Place())


def stacks_of(assembly: Path) -> list[Path]:
    """Return the templates of an assembly's stacks and of its stages'; none: no assembly.

    The CDK leaves what earlier runs wrote where it is: the manifest says what counts.
    """
    found = []
    for artifact in _artifacts(assembly / "manifest.json").values():
        properties = mapping(artifact.get("properties"))
        if isinstance(properties.get("templateFile"), str):
            found.append(assembly / properties["templateFile"])
        if isinstance(properties.get("directoryName"), str):
            found += stacks_of(assembly / properties["directoryName"])
    return found


def _artifacts(manifest: Path) -> Mapping[str, Mapping[str, Any]]:
    try:
        return mappings(json.loads(manifest.read_text(encoding="utf-8")).get("artifacts"))
    except (OSError, ValueError, AttributeError):
        return {}


@lru_cache(maxsize=64)
def _places(manifest: Path, _changed: int) -> Mapping[str, Place]:
    found: dict[str, Place] = {}
    for artifact_id, artifact in _artifacts(manifest).items():
        properties = mapping(artifact.get("properties"))
        file = properties.get("templateFile")
        environment = str(artifact.get("environment", "")).removeprefix("aws://")
        account, _, region = environment.partition("/")
        if isinstance(file, str):
            found[file] = Place(
                account if account.isdigit() else None,
                region if region and not region.startswith("unknown") else None,
                text(properties.get("stackName")) or artifact_id,
            )
    return found
