"""The service by itself over HTTP, with an AWS around it that tests hold in their hands."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
import uvicorn
from botocore.config import Config
from botocore.exceptions import ClientError

from agentcore_local.service.backend import Caller, Credentials
from agentcore_local.service.http import HttpRequest
from agentcore_local.service.limits import Limits
from agentcore_local.service.service import CodeInterpreterService

ACCOUNT = "111122223333"
REGION = "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Execution"


@dataclass
class PermissiveBackend:
    """An AWS that allows what it is not told to deny, and remembers what it was asked."""

    endpoint_url: str = ""
    clock_offset: float = 0.0
    denied_actions: set[str] = field(default_factory=set)
    trust_errors: dict[str, str] = field(default_factory=dict)
    authorized: list[tuple[str, str, Mapping[str, object]]] = field(default_factory=list)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    assumed: list[dict[str, str]] = field(default_factory=list)

    def now(self) -> float:
        return time.time() + self.clock_offset

    def identify(self, request: HttpRequest) -> Caller:
        scope = request.headers["authorization"].split("Credential=")[1].split("/")
        account = scope[0].removeprefix("AKIA").ljust(12, "0") if scope[0] != "test" else ACCOUNT
        return Caller(
            access_key_id=scope[0],
            account=account,
            region=scope[2],
            arn=f"arn:aws:iam::{account}:root",
        )

    def authorize(
        self, caller: Caller, action: str, resource_arn: str, context: Mapping[str, object]
    ) -> str | None:
        self.authorized.append((action, resource_arn, context))
        return f"not authorized to perform: {action}" if action in self.denied_actions else None

    def pass_role_error(self, caller: Caller, role_arn: str) -> str | None:
        return self.authorize(caller, "iam:PassRole", role_arn, {})

    def role_trust_error(
        self, role_arn: str, *, source_account: str, source_arn: str
    ) -> str | None:
        return self.trust_errors.get(role_arn)

    def assume_execution_role(self, role_arn: str, **how: str) -> Credentials:
        self.assumed.append({"role_arn": role_arn, **how})
        number = len(self.assumed)
        return Credentials(
            access_key_id=f"ASIA{number:016}",
            secret_access_key="secret",
            session_token="token",
            expiration=self.now() + 3600,
        )

    def put_metric(self, **metric: Any) -> None:
        self.metrics.append(metric)


class LocalService:
    """One service on a free loopback port, in a thread of its own."""

    def __init__(self, data_folder: Path, **options: Any) -> None:
        self.backend = PermissiveBackend()
        self.service = CodeInterpreterService(self.backend, data_folder=data_folder, **options)
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._serve, port=0, log_level="error", lifespan="off", interface="asgi3"
            )
        )
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._clients: dict[str, Any] = {}

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(20)

    def stop(self) -> None:
        for client in self._clients.values():
            client.close()
        self._server.should_exit = True
        self._thread.join(30)

    def wait_for(self, coroutine: Any) -> Any:
        """Run something on the service's own loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def client(self, name: str, *, key: str = "test", region: str = REGION) -> Any:
        cached = f"{name} {key} {region}"
        if cached not in self._clients:
            self._clients[cached] = boto3.client(
                name,
                region_name=region,
                endpoint_url=self.backend.endpoint_url,
                aws_access_key_id=key,
                aws_secret_access_key="secret",
                config=Config(retries={"total_max_attempts": 1}, read_timeout=60),
            )
        return self._clients[cached]

    @property
    def control(self) -> Any:
        return self.client("bedrock-agentcore-control")

    @property
    def data(self) -> Any:
        return self.client("bedrock-agentcore")

    def error(self, operation: Any, **params: Any) -> tuple[str, int, dict[str, Any]]:
        """The code, the status and all of the error that a client gets."""
        try:
            operation(**params)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            return error.response["Error"]["Code"], status, error.response
        raise AssertionError("the call succeeded")

    def statuses(self, identifier: str) -> list[str]:
        """The states of all sessions of an interpreter, newest first."""
        answer = self.data.list_code_interpreter_sessions(
            codeInterpreterIdentifier=identifier, maxResults=100
        )
        return [item["status"] for item in answer["items"]]

    @staticmethod
    def process_exists(pid: int) -> bool:
        """Whether a process runs (a zombie does not)."""
        try:
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    @staticmethod
    def processes_of(session_id: str) -> list[int]:
        """The processes that carry a session's mark and run."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                marked = process.environ().get("AGENTCORE_LOCAL_SESSION") == session_id
                if marked and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process.pid)
        return found

    def tick(self, seconds: float = 0.0) -> None:
        """Move the clock and let time have its effects."""
        self.backend.clock_offset += seconds
        self.wait_for(self.service.tick())

    def create(self, name: str, **params: Any) -> str:
        params.setdefault("networkConfiguration", {"networkMode": "SANDBOX"})
        answer = self.control.create_code_interpreter(name=name, **params)
        identifier: str = answer["codeInterpreterId"]
        self.backend.clock_offset += self.service.behavior.create_seconds
        assert self.control.get_code_interpreter(codeInterpreterId=identifier)["status"] == "READY"
        return identifier

    def session(self, identifier: str = "aws.codeinterpreter.v1", **params: Any) -> Session:
        answer = self.data.start_code_interpreter_session(
            codeInterpreterIdentifier=identifier, **params
        )
        return Session(self, identifier, answer["sessionId"])

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        config = self._server.config
        config.load()
        self._server.lifespan = config.lifespan_class(config)
        await self.service.start()
        await self._server.startup()
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.backend.endpoint_url = f"http://127.0.0.1:{port}"
        self._started.set()
        await self._server.main_loop()
        await self._server.shutdown()
        await self.service.stop()

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        request = HttpRequest(
            method=scope["method"],
            path=scope["raw_path"].decode(),
            query_string=scope["query_string"].decode(),
            headers={name.decode(): value.decode() for name, value in scope["headers"]},
            body=body,
        )
        assert self.service.matches(request.method, request.path)
        response = await self.service.handle(request)
        if response.dropped:
            send.__self__.transport.close()
            return
        headers = [(name.encode(), value.encode()) for name, value in response.headers.items()]
        start = {"type": "http.response.start", "status": response.status, "headers": headers}
        await send(start)
        if isinstance(response.body, AsyncIterator):
            async for chunk in response.body:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        else:
            await send({"type": "http.response.body", "body": response.body})


@dataclass
class Session:
    """One session of a test."""

    local: LocalService
    identifier: str
    id: str

    def invoke(self, tool: str, **arguments: Any) -> dict[str, Any]:
        answer = self.local.data.invoke_code_interpreter(
            codeInterpreterIdentifier=self.identifier,
            sessionId=self.id,
            name=tool,
            arguments=arguments,
        )
        with contextlib.closing(answer["stream"]) as stream:
            (event,) = stream
        result: dict[str, Any] = event["result"]
        return result

    def run(self, code: str, **arguments: Any) -> dict[str, Any]:
        return self.invoke("executeCode", code=code, **arguments)

    def stop(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.local.data.stop_code_interpreter_session(
            codeInterpreterIdentifier=self.identifier, sessionId=self.id
        )
        return answer

    def get(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.local.data.get_code_interpreter_session(
            codeInterpreterIdentifier=self.identifier, sessionId=self.id
        )
        return answer


def unlimited(**limits: Any) -> Limits:
    """Limits without rates, so that a test need not pace itself."""
    return Limits(requests_per_second={}, **limits)


@pytest.fixture(scope="package")
def shared_local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalService]:
    local = LocalService(tmp_path_factory.mktemp("service"), limits=unlimited())
    local.start()
    yield local
    local.stop()


@pytest.fixture
def local(shared_local: LocalService) -> Iterator[LocalService]:
    """A service without state: shared, and reset after each test."""
    yield shared_local
    shared_local.wait_for(shared_local.service.reset())
    backend = shared_local.backend
    backend.denied_actions.clear()
    backend.trust_errors.clear()
    backend.authorized.clear()
    backend.metrics.clear()
    backend.assumed.clear()
    backend.clock_offset = 0.0


@pytest.fixture
def start_local(tmp_path: Path) -> Iterator[Any]:
    """Start a service with options of its own."""
    started = []

    def start(**options: Any) -> LocalService:
        options.setdefault("limits", unlimited())
        options.setdefault("warm_kernels", 0)
        local = LocalService(tmp_path / f"service{len(started)}", **options)
        local.start()
        started.append(local)
        return local

    yield start
    for local in started:
        local.stop()
