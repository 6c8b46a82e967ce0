"""The code interpreter's part of botocore's two service models: operations, routes, shapes."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

CONTROL_PLANE = "bedrock-agentcore-control"
DATA_PLANE = "bedrock-agentcore"

OPERATIONS = {
    CONTROL_PLANE: (
        "CreateCodeInterpreter",
        "DeleteCodeInterpreter",
        "GetCodeInterpreter",
        "ListCodeInterpreters",
        "ListTagsForResource",
        "TagResource",
        "UntagResource",
    ),
    DATA_PLANE: (
        "GetCodeInterpreterSession",
        "InvokeCodeInterpreter",
        "ListCodeInterpreterSessions",
        "StartCodeInterpreterSession",
        "StopCodeInterpreterSession",
    ),
}


@dataclass(frozen=True)
class Route:
    """Where one operation is found.

    Attributes:
        method: The HTTP verb.
        pattern: Matches the whole path, still percent-encoded; its groups are the path's members.
        operation: The operation's model.
        signing_name: The service name that requests are signed for.
    """

    method: str
    pattern: re.Pattern[str]
    operation: OperationModel


@functools.cache
def routes() -> tuple[Route, ...]:
    """The routes of every operation that the service has."""
    loader = Loader()
    return tuple(
        Route(
            method=model.http["method"],
            pattern=_path_pattern(model.http["requestUri"]),
            operation=model,
        )
        for service, operations in OPERATIONS.items()
        for model in _operation_models(loader, service, operations)
    )


def find_route(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The operation that a request means, with the members that its path carries."""
    for route in routes():
        if route.method == method and (match := route.pattern.fullmatch(path.rstrip("/"))):
            return route, {name: unquote(value) for name, value in match.groupdict().items()}
    return None


def matches(path: str) -> bool:
    """Tell whether a path belongs to this service; other services have `/tags/` as well."""
    if path.startswith("/tags/"):
        arn = unquote(path.removeprefix("/tags/"))
        return bool(re.match(r"arn:[^:]*:bedrock-agentcore:[^:]*:[^:]*:code-interpreter", arn))
    return path == "/code-interpreters" or path.startswith("/code-interpreters/")


def _path_pattern(uri: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+)\}", uri.rstrip("/"))
    pattern = "".join(
        f"(?P<{piece}>[^/]+)" if number % 2 else re.escape(piece)
        for number, piece in enumerate(pieces)
    )
    if pieces[0] == "/tags/":  # clients differ in whether they encode the slash of an ARN
        pattern = pattern.replace("[^/]+", ".+")
    return re.compile(pattern)


def _operation_models(
    loader: Loader, service: str, operations: tuple[str, ...]
) -> Iterator[OperationModel]:
    """The models of some operations, without the hundreds of shapes of the others."""
    description: dict[str, Any] = loader.load_service_model(service, "service-2")
    shapes: dict[str, Any] = {}
    pending = []
    for name in operations:
        operation = description["operations"][name]
        references = (operation.get("input"), operation.get("output"), *operation["errors"])
        pending += [reference["shape"] for reference in references if reference]
    while pending:
        name = pending.pop()
        if name not in shapes:
            shapes[name] = shape = description["shapes"][name]
            pending += [reference["shape"] for reference in _references(shape)]
    model = ServiceModel(
        {
            "metadata": description["metadata"],
            "operations": {name: description["operations"][name] for name in operations},
            "shapes": shapes,
        },
        service_name=service,
    )
    for name in operations:
        yield model.operation_model(name)


def _references(shape: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from shape.get("members", {}).values()
    for key in ("member", "key", "value"):
        if key in shape:
            yield shape[key]
