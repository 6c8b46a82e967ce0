"""Invoke's tools for files; none reaches outside a session's folder."""

from __future__ import annotations

import contextlib
import mimetypes
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from agentcore_local.service.results import text_block, text_result


class PathError(Exception):
    """A path that a tool may not or cannot use; its text is for the caller."""


def resolve(folder: Path, path: str) -> Path:
    """The place that a path means, links followed.

    Raises:
        PathError: The path is absolute, or leads out of the folder.
    """
    if not path or "\0" in path:
        raise PathError(f"Invalid path: {path!r}")
    if Path(path).is_absolute():
        raise PathError(f"Path must be relative to the working directory: {path}")
    root = folder.resolve()
    try:
        place = (root / path).resolve()
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            place.stat()
    except (OSError, RuntimeError):  # a circle of links, a name that is too long
        raise PathError(f"Invalid path: {path}") from None
    if not place.is_relative_to(root):
        raise PathError(f"Path leads out of the working directory: {path}")
    return place


def write_files(folder: Path, content: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Write texts and blobs; if one of them cannot be written, none is."""
    try:
        files = [(resolve(folder, item["path"]), _data(item)) for item in content]
        root = folder.resolve()
        for (place, _), item in zip(files, content, strict=True):
            if place == root or (place.exists() and not place.is_file()):
                raise PathError(f"Not a regular file: {item['path']}")
        for place, data in files:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
    except PathError as error:
        return text_result(str(error), is_error=True)
    except OSError as error:
        return text_result(f"{error.strerror}: {_shown(folder, error)}", is_error=True)
    return text_result(f"Successfully wrote all {len(files)} files")


def read_files(folder: Path, paths: Sequence[str], limit: int) -> dict[str, Any]:
    """Read files: text where it is text, else a blob; `limit` is for all of them together."""
    blocks = []
    failed = False
    for path in paths:
        try:
            data = _read(folder, path, limit)
            limit -= len(data)
            blocks.append({"type": "resource", "resource": _resource(folder, path, data)})
        except PathError as error:
            failed = True
            blocks.append(text_block(str(error)))
    return {"content": blocks, "isError": failed}


def list_files(folder: Path, directory: str) -> dict[str, Any]:
    """List a directory."""
    try:
        place = folder.resolve() if directory in ("", ".", "/") else resolve(folder, directory)
        if not place.is_dir():
            raise PathError(f"Directory not found: {directory}")
        entries = sorted(place.iterdir(), key=lambda entry: entry.name)
        links = [_link(folder, entry) for entry in entries]
    except PathError as error:
        return text_result(str(error), is_error=True)
    except OSError as error:
        return text_result(f"{error.strerror}: {_shown(folder, error)}", is_error=True)
    return {"content": links, "isError": False}


def remove_files(folder: Path, paths: Sequence[str]) -> dict[str, Any]:
    """Remove files and directories; what is missing is an error, the others are still removed."""
    errors = list(_each_error(paths, lambda path: _remove(folder, path)))
    if errors:
        return text_result("\n".join(errors), is_error=True)
    return text_result(f"Successfully removed all {len(paths)} files")


def _each_error(paths: Iterable[str], action: Callable[[str], None]) -> Iterable[str]:
    for path in paths:
        try:
            action(path)
        except PathError as error:
            yield str(error)
        except OSError as error:
            yield f"{error.strerror}: {path}"


def _remove(folder: Path, path: str) -> None:
    named = Path(path)
    if named.name not in ("", ".."):
        link = resolve(folder, str(named.parent)) / named.name
        if link.is_symlink():  # wherever it leads to, itself it is in the folder
            link.unlink()
            return
    place = resolve(folder, path)
    if place == folder.resolve():
        raise PathError("The working directory itself cannot be removed")
    if place.is_dir():
        shutil.rmtree(place)
    elif place.exists():
        place.unlink()
    else:
        raise PathError(f"File not found: {path}")


def _data(item: Mapping[str, Any]) -> bytes:
    if ("text" in item) == ("blob" in item):
        raise PathError(f"Exactly one of text and blob is needed for {item['path']}")
    return bytes(item["blob"]) if "blob" in item else str(item["text"]).encode()


def _read(folder: Path, path: str, limit: int) -> bytes:
    place = resolve(folder, path)
    if not place.is_file():
        raise PathError(f"File not found: {path}")
    size = place.stat().st_size
    if size > limit:
        raise PathError(f"Too large to be read inline: {path} ({size} bytes)")
    try:
        return place.read_bytes()
    except OSError as error:
        raise PathError(f"{error.strerror}: {path}") from None


def _resource(folder: Path, path: str, data: bytes) -> dict[str, Any]:
    place = folder.resolve() / path
    mime_type = mimetypes.guess_type(place.name)[0]
    try:
        text = data.decode()
    except UnicodeDecodeError:
        kind: dict[str, Any] = {"type": "blob", "blob": data}
        mime_type = mime_type or "application/octet-stream"
    else:
        kind = {"type": "text", "text": text}
        mime_type = mime_type or "text/plain"
    return {"uri": _uri(folder, place), "mimeType": mime_type, **kind}


def _link(folder: Path, entry: Path) -> dict[str, Any]:
    link = {"type": "resource_link", "uri": _uri(folder, entry), "name": entry.name}
    if entry.is_dir():
        return {**link, "description": "Directory"}
    return {
        **link,
        "mimeType": mimetypes.guess_type(entry.name)[0] or "application/octet-stream",
        "size": entry.lstat().st_size,
    }


def _uri(folder: Path, place: Path) -> str:
    return f"file:///{place.relative_to(folder.resolve()).as_posix()}"


def _shown(folder: Path, error: OSError) -> str:
    """A failed path as the caller knows it: without the folder's own place on this machine."""
    return str(error.filename).removeprefix(f"{folder.resolve()}/")
