"""What tests of the functions share: the local service over HTTP, and CloudFormation's mailbox."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest

from agentcore_local import LocalAws
from agentcore_local.service.limits import DOCUMENTED_RATES
from session_manager import clients
from session_manager.pacing import Clock

STACK_ID = "arn:aws:cloudformation:us-east-1:111122223333:stack/Analytics/0a1b2c3d"
OWNER_TAG = "cdk-code-interpreter:stack"
FASTER = 50.0
# Time that passes fifty times as fast, so that pauses of seconds do not hold up the tests.
FAST = Clock(
    monotonic=lambda: time.monotonic() * FASTER, sleep=lambda seconds: time.sleep(seconds / FASTER)
)


@dataclass
class ManualClock:
    """Time that passes only while somebody sleeps."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.slept.append(seconds)
        self.now += seconds

    @property
    def clock(self) -> Clock:
        return Clock(monotonic=lambda: self.now, sleep=self.sleep)


@dataclass
class FakeContext:
    """What Lambda passes to a handler besides the event."""

    seconds: float = 900.0
    log_group_name: str = "/aws/lambda/drain"
    log_stream_name: str = "2026/11/22/[$LATEST]abc"
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:111122223333:function:janitor"

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


class Mailbox:
    """Where CloudFormation waits for answers: an HTTP server that keeps what is put there."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.content_types: list[str | None] = []
        self.refusals = 0
        mailbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if mailbox.refusals > 0:
                    mailbox.refusals -= 1
                    self.send_error(503)
                    return
                mailbox.content_types.append(self.headers.get("Content-Type"))
                mailbox.bodies.append(body)
                mailbox.answers.append(json.loads(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/answer?Signature=SECRET"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass
class Interpreter:
    """An interpreter of the local service."""

    aws: LocalAws
    data: Any
    id: str
    arn: str
    name: str

    def start(self, count: int = 1, name: str | None = None) -> list[str]:
        named = {"name": name} if name else {}
        return [
            self.data.start_code_interpreter_session(
                codeInterpreterIdentifier=self.id, sessionTimeoutSeconds=28_800, **named
            )["sessionId"]
            for _ in range(count)
        ]

    def ready(self) -> set[str]:
        sessions = self.aws.admin("GET", "sessions")["sessions"]
        return {
            each["sessionId"]
            for each in sessions
            if each["codeInterpreterIdentifier"] == self.id and each["status"] == "READY"
        }

    def delete(self) -> None:
        self.aws.client("bedrock-agentcore-control").delete_code_interpreter(
            codeInterpreterId=self.id
        )


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    """A local AWS that lets everybody do everything, as often as they like."""
    boto3.DEFAULT_SESSION = None
    for each in (
        clients.session_client,
        clients.tool_client,
        clients.control_client,
        clients.stack_client,
    ):
        each.cache_clear()
    unlimited = dict.fromkeys(DOCUMENTED_RATES, 1e6)
    with LocalAws(enforce_iam=False, limits={"requests_per_second": unlimited}) as aws:
        yield aws


@pytest.fixture
def aws(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    """The local AWS, with the functions' clients pointed at it, and without faults."""
    for name, value in local_aws.environment.items():
        monkeypatch.setenv(name, value)
    yield local_aws
    local_aws.clear_faults()
    local_aws.reset()


@pytest.fixture
def new_interpreter(aws: LocalAws) -> Callable[..., Interpreter]:
    control = aws.client("bedrock-agentcore-control")
    data = aws.client("bedrock-agentcore")

    def make(
        name: str = "Sandbox_0123456789_abcdef01", owner: str | None = STACK_ID
    ) -> Interpreter:
        made = control.create_code_interpreter(
            name=name,
            networkConfiguration={"networkMode": "SANDBOX"},
            tags={} if owner is None else {OWNER_TAG: owner},
        )
        identifier = made["codeInterpreterId"]
        while control.get_code_interpreter(codeInterpreterId=identifier)["status"] != "READY":
            aws.admin("POST", "clock", {"advance_seconds": 1})
        return Interpreter(aws, data, identifier, made["codeInterpreterArn"], name)

    return make


@pytest.fixture(autouse=True)
def of_this_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell the functions which stack they are of, as the constructs do."""
    monkeypatch.setenv("STACK_ID", STACK_ID)


@pytest.fixture
def interpreter(new_interpreter: Callable[..., Interpreter]) -> Interpreter:
    return new_interpreter()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    mailbox = Mailbox()
    yield mailbox
    mailbox.close()


@pytest.fixture
def manual_clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def fast_clock() -> Clock:
    return FAST


@pytest.fixture
def context() -> FakeContext:
    return FakeContext()


@pytest.fixture
def request_event(mailbox: Mailbox) -> Callable[..., dict[str, Any]]:
    """Events as CloudFormation sends them."""

    def make(request_type: str, physical_id: str | None = None, **properties: Any) -> Any:
        event = {
            "RequestType": request_type,
            "ResponseURL": mailbox.url,
            "StackId": STACK_ID,
            "RequestId": "1f2e3d4c",
            "LogicalResourceId": "SandboxDrain",
            "ResourceType": "Custom::CodeInterpreterSessionDrain",
            "ResourceProperties": {"ServiceToken": "arn", "Version": "1", **properties},
        }
        return event if physical_id is None else {**event, "PhysicalResourceId": physical_id}

    return make


@pytest.fixture
def log_lines(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """What was logged since the last call, each line parsed."""

    def read() -> list[dict[str, Any]]:
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return read


@pytest.fixture
def calls(aws: LocalAws) -> Iterator[list[str]]:
    """The operations that the functions' clients call, in order."""
    made: list[str] = []

    def note(model: Any, **details: Any) -> None:
        made.append(model.name)

    for client in (
        clients.session_client(None),
        clients.tool_client(None),
        clients.control_client(None),
    ):
        client.meta.events.register("before-call", note)
    return made
