"""The protocol of CloudFormation's custom resources: exactly one answer to each request.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
"""

from __future__ import annotations

import hashlib
import json
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from .log import log
from .pacing import CLOCK, Clock, backoff

# The physical id of a resource whose creation failed: its Delete has nothing to do.
CREATE_FAILED = "cdk-code-interpreter:create-failed"
# What CloudFormation accepts as an answer, in bytes.
LARGEST_ANSWER = 4096
LONGEST_REASON = 2000
LONGEST_IDENTIFIER = 512
DELIVERY_ATTEMPTS = 6
DELIVERY_TIMEOUT = 5.0
# Kept free at the end of an invocation: a call that hangs (13 s) and the delivery of the answer.
TIME_TO_ANSWER = 60.0


class Context(Protocol):
    """What is used of the context that Lambda passes to a handler."""

    log_group_name: str
    log_stream_name: str
    invoked_function_arn: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is stopped."""


@dataclass(frozen=True)
class Request:
    """A request of CloudFormation, without the URL that the answer goes to."""

    type: str
    physical_id: str
    stack_id: str
    logical_id: str
    properties: Mapping[str, Any]

    @property
    def stable_id(self) -> str:
        """A physical id that is the same for every request of this resource."""
        digest = hashlib.sha256(f"{self.stack_id}/{self.logical_id}".encode(errors="replace"))
        return f"{self.logical_id[:64]}-{digest.hexdigest()[:16]}"


@dataclass(frozen=True)
class Answer:
    """What CloudFormation is told."""

    physical_id: str
    data: Mapping[str, str] = field(default_factory=dict)
    failure: str = ""
    """Why the request failed, and what to do next. Empty: it succeeded."""


Handle = Callable[[Request, Context], Answer]
Put = Callable[[str, bytes], None]


class RequestFailedError(Exception):
    """A request that cannot be fulfilled; the text says why and what to do next."""


class AnswerLostError(Exception):
    """The answer could not be delivered; Lambda then sends the event again."""


def respond(
    event: object, context: Context, handle: Handle, *, put: Put | None = None, clock: Clock = CLOCK
) -> None:
    """Handle a request and answer it, once, whatever happens.

    Args:
        event: The event as Lambda passes it, possibly malformed.
        context: The context as Lambda passes it.
        handle: Does what is asked for. What it raises becomes the reason of a failure.
        put: Sends the answer to the URL. Default: an HTTP PUT.
        clock: The time, and the waiting.

    Raises:
        AnswerLostError: Nobody could be told. The event is then delivered again.
    """
    fields = event if isinstance(event, dict) else {}
    url = fields.get("ResponseURL")
    public = {name: value for name, value in fields.items() if name != "ResponseURL"}
    log("custom resource request", request=public)
    answer = _handled(public, context, handle)
    body = answer_body(public, answer, context)
    level = "ERROR" if answer.failure else "INFO"
    log("custom resource answer", level=level, reason=answer.failure, data=answer.data)
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        log("the event has no URL to answer to", level="ERROR")
        return
    deliver(url, body, put or put_answer, clock)


def answer_body(event: Mapping[str, Any], answer: Answer, context: Context) -> bytes:
    """The answer as CloudFormation reads it, never longer than it accepts."""
    reason = answer.failure or "done"
    if answer.failure:
        group = getattr(context, "log_group_name", "unknown")
        stream = getattr(context, "log_stream_name", "unknown")
        reason = f"{reason[:LONGEST_REASON]} (log group {group}, stream {stream})"
    body: dict[str, Any] = {
        "Status": _status(answer),
        "Reason": reason,
        "PhysicalResourceId": answer.physical_id,
        "StackId": _text(event, "StackId"),
        "RequestId": _text(event, "RequestId"),
        "LogicalResourceId": _text(event, "LogicalResourceId"),
        "Data": dict(answer.data),
    }
    return _fitted(body)


def deliver(url: str, body: bytes, put: Put, clock: Clock = CLOCK) -> None:
    """Send the answer, again if need be.

    Raises:
        AnswerLostError: No attempt succeeded.
    """
    for attempt in range(1, DELIVERY_ATTEMPTS + 1):
        try:
            put(url, body)
            return
        except Exception as error:
            # The error's text may hold the URL, which is a credential: only its kind is logged.
            log("the answer was not accepted", level="WARNING", error=type(error).__name__)
        if attempt < DELIVERY_ATTEMPTS:
            clock.sleep(backoff(attempt))
    raise AnswerLostError("CloudFormation did not accept the answer") from None


def put_answer(url: str, body: bytes) -> None:
    """Send the answer to the URL that CloudFormation gave.

    The URL is signed for an empty content type, so none may be sent along.
    """
    request = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})
    with urllib.request.urlopen(request, timeout=DELIVERY_TIMEOUT):
        pass


def _handled(event: Mapping[str, Any], context: Context, handle: Handle) -> Answer:
    request = Request(
        type=_text(event, "RequestType"),
        physical_id=_text(event, "PhysicalResourceId"),
        stack_id=_text(event, "StackId"),
        logical_id=_text(event, "LogicalResourceId"),
        properties=_mapping(event.get("ResourceProperties")),
    )
    if request.type == "Delete" and request.physical_id.startswith(CREATE_FAILED):
        return Answer(request.physical_id)
    try:
        if request.type not in ("Create", "Update", "Delete"):
            raise RequestFailedError(
                f"RequestType must be Create, Update or Delete, got {request.type!r}"
            )
        return handle(request, context)
    except RequestFailedError as error:
        return Answer(_failed_id(request), failure=str(error))
    except Exception as error:
        return Answer(_failed_id(request), failure=f"{type(error).__name__}: {error}")


def _failed_id(request: Request) -> str:
    if request.type == "Create" or not request.physical_id:
        return f"{CREATE_FAILED}:{request.stable_id}"
    return request.physical_id


def _fitted(body: dict[str, Any]) -> bytes:
    encoded = json.dumps(body).encode()
    if len(encoded) > LARGEST_ANSWER:
        encoded = json.dumps(
            {name: _cut(value) if name != "Data" else {} for name, value in body.items()}
        ).encode()
    return encoded


def _cut(value: str) -> str:
    """As much of a text as fits, by its length in JSON, where one character may take twelve."""
    while len(json.dumps(value)) > LONGEST_IDENTIFIER:
        value = value[: max(1, len(value) * LONGEST_IDENTIFIER // (2 * len(json.dumps(value))))]
    return value


def _status(answer: Answer) -> str:
    return "FAILED" if answer.failure else "SUCCESS"


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
