"""The one port of a local AWS: administration, the code interpreter, and MiniStack for the rest.

Import this only after MiniStack's environment is prepared.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from email.utils import formatdate
from typing import Any

from agentcore_local import _ministack, _ministack_function_logs, cloudformation, resource_types
from agentcore_local._ministack import Receive, Scope, Send
from agentcore_local.administration import Administration
from agentcore_local.alarms.heartbeat import Heartbeat
from agentcore_local.clock import Clock
from agentcore_local.ministack_backend import MiniStackBackend
from agentcore_local.resource_types import function_logs
from agentcore_local.service.http import HttpRequest, HttpResponse
from agentcore_local.service.service import CodeInterpreterService
from agentcore_local.settings import ADMIN_PATH, Settings
from agentcore_local.web_pages import refusal

Handler = Callable[[HttpRequest], Awaitable[HttpResponse]]


class Gateway:
    """The ASGI application that is served.

    Args:
        settings: the options of this local AWS.
        port: the port that it is served on.
        on_ready: called once when everything has started.
    """

    def __init__(self, settings: Settings, port: int, *, on_ready: Callable[[], None]) -> None:
        self._ministack = _ministack.application()
        cloudformation.install()
        self._clock = Clock()
        cloudformation.follow(self._clock.now)
        behavior = settings.service_behavior
        backend = MiniStackBackend(
            endpoint_url=f"http://{settings.host}:{port}",
            clock=self._clock,
            trust_needs_conditions=behavior.unconditioned_trust_fails,
        )
        self._service = CodeInterpreterService(
            backend,
            data_folder=settings.data_folder / "sessions",
            limits=settings.service_limits,
            behavior=behavior,
        )
        _ministack_function_logs.install()
        # Before others, which guard what it lets functions log, and schedules and rules invoke.
        self._heartbeat = Heartbeat(self._clock, tick_service=self._service.tick)
        self._heartbeat.install()
        if settings.enforce_iam:
            function_logs.install()
        resource_types.install(self._service, now=self._clock.now)
        self._administration = Administration(settings, self._clock, self._service, self._heartbeat)
        self._on_ready = on_ready

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, request or the server's own start and end."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif (problem := refusal(_headers(scope))) is not None:
            await self._refuse(scope, send, problem)
        elif scope["type"] == "http" and scope["path"].startswith(f"{ADMIN_PATH}/"):
            await self._serve(self._administration.handle, scope, receive, send)
        elif scope["type"] == "http" and self._service.matches(scope["method"], _raw_path(scope)):
            await self._serve(self._service.handle, scope, receive, send)
        else:
            await self._ministack(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_and_start(message: dict[str, object]) -> None:
            if message["type"] == "lifespan.startup.complete":
                await self._service.start()
                await self._heartbeat.start()
                await send(message)
                self._on_ready()
                return
            if message["type"] == "lifespan.shutdown.complete":
                await self._heartbeat.stop()
                await self._service.stop()
            await send(message)

        await self._ministack(scope, receive, send_and_start)  # type: ignore[arg-type]

    async def _serve(self, handle: Handler, scope: Scope, receive: Receive, send: Send) -> None:
        request = await _read(scope, receive)
        if request is not None:
            await self._answer(send, await handle(request))

    async def _refuse(self, scope: Scope, send: Send, problem: str) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return
        body = json.dumps({"__type": "AccessDeniedException", "message": problem}).encode()
        headers = {"content-type": "application/json"}
        await self._answer(send, HttpResponse(status=403, headers=headers, body=body))

    async def _answer(self, send: Send, response: HttpResponse) -> None:
        if response.dropped:
            await _drop_connection(send)
            return
        # A janitor tells ages by this date: sessions are dated by the same clock.
        dated = {**response.headers, "date": formatdate(self._clock.now(), usegmt=True)}
        headers = [(name.encode(), value.encode()) for name, value in dated.items()]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        async for chunk in _chunks(response.body):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _read(scope: Scope, receive: Receive) -> HttpRequest | None:
    """The request, or None if its sender left before it was whole."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    return HttpRequest(
        method=scope["method"],
        path=_raw_path(scope),
        query_string=scope.get("query_string", b"").decode("latin-1"),
        headers=_headers(scope),
        body=b"".join(chunks),
    )


def _headers(scope: Scope) -> dict[str, str]:
    return {
        name.decode("latin-1").lower(): value.decode("latin-1")
        for name, value in scope.get("headers", [])
    }


def _raw_path(scope: Scope) -> str:
    """The path as it came, still percent-encoded: a signature covers it like this."""
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw_path.decode("latin-1").partition("?")[0]


async def _drop_connection(send: Send) -> None:
    """Close the connection without an answer; ASGI has no word for it, so hypercorn is told."""
    from hypercorn.protocol.events import StreamClosed

    stream: Any = send.__self__  # type: ignore[attr-defined]
    await stream.send(StreamClosed(stream_id=stream.stream_id))


async def _chunks(body: bytes | AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if isinstance(body, bytes):
        yield body
        return
    async for chunk in body:
        yield chunk
        await asyncio.sleep(0)
