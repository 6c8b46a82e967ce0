"""The wire: HTTP requests into parameters, results and errors into HTTP responses (REST-JSON)."""

from __future__ import annotations

import base64
import binascii
import json
import struct
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from botocore.model import OperationModel

from agentcore_local.service import validation
from agentcore_local.service.errors import CANNOT_PARSE, ServiceError, invalid
from agentcore_local.service.http import HttpRequest, HttpResponse

JSON = "application/json"
EVENT_STREAM = "application/vnd.amazon.eventstream"

STRING_HEADER = 7
"""The type of a string in an event's header."""

LARGEST_EVENT = 24 * 1024 * 1024
"""The most bytes that botocore reads in one event of a stream."""


def parse_request(
    operation: OperationModel, request: HttpRequest, path_members: Mapping[str, str]
) -> dict[str, Any]:
    """Collect an operation's parameters from path, query string, headers and body.

    Raises:
        ServiceError: The body is not JSON, or a value has the wrong type.
    """
    query = parse_qs(request.query_string, keep_blank_values=True)
    body = _json_body(request.body)
    values: dict[str, object] = {}
    shape: Any = operation.input_shape
    located = set()
    for name, member in shape.members.items():
        location, key = member.serialization.get("location"), member.serialization.get("name")
        if location is None:
            continue
        located.add(name)
        if location == "uri":
            values[name] = path_members[key]
        elif location == "querystring" and key in query:
            values[name] = _from_text(member, query[key])
        elif location == "header" and key.lower() in request.headers:
            values[name] = _from_text(member, [request.headers[key.lower()]])
    if len(located) < len(shape.members):
        if not isinstance(body, Mapping):
            raise invalid("The body is not a JSON object", fields=[], reason=CANNOT_PARSE)
        values = {key: value for key, value in body.items() if key not in located} | values
    return dict(validation.read(shape, values))


def _json_body(body: bytes) -> object:
    if not body:
        return {}
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise invalid(
            f"The body is not valid JSON: {error}", fields=[], reason=CANNOT_PARSE
        ) from None


def _from_text(member: Any, texts: list[str]) -> object:
    if member.type_name == "list":
        return texts
    if member.type_name in ("integer", "long"):
        try:
            return int(texts[0])
        except ValueError:
            return texts[0]  # the type check reports it with its name
    return texts[0]


def serialize(shape: Any, value: Any) -> Any:
    """Turn a value of a shape into JSON's types; members that the shape lacks are left out."""
    kind = shape.type_name
    if kind == "structure":
        return {
            name: serialize(member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None and "location" not in member.serialization
        }
    if kind == "list":
        return [serialize(shape.member, each) for each in value]
    if kind == "map":
        return {key: serialize(shape.value, each) for key, each in value.items()}
    if kind == "timestamp":
        return timestamp(value)
    if kind == "blob":
        return base64.b64encode(value).decode()
    return value


def timestamp(seconds: float) -> str:
    """Seconds since the epoch as the service writes a time."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}Z"


def response(operation: OperationModel, result: Mapping[str, Any]) -> HttpResponse:
    """The answer to a successful call."""
    status = operation.http["responseCode"]
    content = b""
    if status != 204:
        content = json.dumps(serialize(operation.output_shape, result)).encode()
    return HttpResponse(status=status, headers=_headers(JSON), body=content)


def error_response(error: ServiceError) -> HttpResponse:
    """The answer to a failed call."""
    return HttpResponse(
        status=error.http_status,
        headers=_headers(JSON) | {"x-amzn-errortype": error.code},
        body=json.dumps(error.members()).encode(),
    )


def stream_headers(session_id: str) -> dict[str, str]:
    """The headers of an event stream of a session."""
    return _headers(EVENT_STREAM) | {"x-amzn-code-interpreter-session-id": session_id}


def _headers(content_type: str) -> dict[str, str]:
    return {"content-type": content_type, "x-amzn-requestid": str(uuid.uuid4())}


def result_event(operation: OperationModel, result: Mapping[str, Any]) -> bytes:
    """One result in an event stream.

    Raises:
        ServiceError: No client could read it, because it is too large.
    """
    shape: Any = operation.output_shape
    event = shape.members["stream"].members["result"]
    payload = json.dumps(serialize(event, result)).encode()
    if len(payload) > LARGEST_EVENT:
        raise invalid(
            f"The result has {len(payload)} bytes on the wire, and a client reads at most "
            f"{LARGEST_EVENT}; write less, or into a file that is read in parts",
            fields=[],
        )
    return _event({":message-type": "event", ":event-type": "result"}, payload)


def error_event(error: ServiceError) -> bytes:
    """An error in an event stream, when the HTTP status has been sent already."""
    kind = error.code[0].lower() + error.code[1:]
    payload = json.dumps(error.members()).encode()
    return _event({":message-type": "exception", ":exception-type": kind}, payload)


def _event(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Encode one message of the format `application/vnd.amazon.eventstream`."""
    block = b""
    for name, value in {**headers, ":content-type": JSON}.items():
        block += struct.pack("!B", len(name)) + name.encode()
        block += struct.pack("!BH", STRING_HEADER, len(value.encode())) + value.encode()
    prelude = struct.pack("!II", len(block) + len(payload) + 16, len(block))
    message = prelude + struct.pack("!I", binascii.crc32(prelude)) + block + payload
    return message + struct.pack("!I", binascii.crc32(message))
