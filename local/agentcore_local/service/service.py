"""The service as a whole: takes requests, keeps every account's state, runs sessions."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from agentcore_local.service import credentials, protocol, service_model, validation
from agentcore_local.service.account import AccountRegion
from agentcore_local.service.backend import Backend, Caller
from agentcore_local.service.behavior import ServiceBehavior
from agentcore_local.service.control_plane import ControlPlane
from agentcore_local.service.credentials import SessionCredentials
from agentcore_local.service.data_plane import DataPlane
from agentcore_local.service.errors import (
    ServiceError,
    access_denied,
    internal_error,
    invalid,
    throttled,
)
from agentcore_local.service.faults import Faults
from agentcore_local.service.http import HttpRequest, HttpResponse
from agentcore_local.service.interpreters import SYSTEM_IDENTIFIER, custom_arn, system_arn
from agentcore_local.service.limits import Limits, RateLimiter
from agentcore_local.service.session_work import SessionWork

logger = logging.getLogger(__name__)

HOUSEKEEPING_SECONDS = 1.0

LARGE_BYTES = 1_000_000
"""From this size on, a request is parsed beside the event loop."""


class CodeInterpreterService:
    """The Code Interpreter of every account and region, on this machine.

    Args:
        backend: The AWS around it.
        data_folder: Where sessions have their folders; made if it is missing.
        limits: Quotas and rates; the documented ones by default.
        behavior: The answers to what is not documented.
        warm_kernels: How many Python kernels are kept ready for sessions to come.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        data_folder: Path,
        limits: Limits | None = None,
        behavior: ServiceBehavior | None = None,
        warm_kernels: int = 2,
    ) -> None:
        self._backend = backend
        self.limits = limits or Limits()
        self.behavior = behavior or ServiceBehavior()
        self.faults = Faults(backend.now)
        self._states: dict[tuple[str, str], AccountRegion] = {}
        self._rates = RateLimiter(self.limits.requests_per_second)
        self._credentials = SessionCredentials(backend)
        self._work = SessionWork(
            backend,
            self._credentials,
            data_folder=data_folder.resolve(),
            limits=self.limits,
            behavior=self.behavior,
            warm_kernels=warm_kernels,
        )
        self._control = ControlPlane(backend, self.limits, self.behavior)
        self._data = DataPlane(
            backend,
            self.limits,
            self.behavior,
            self.faults,
            runtime_of=self._work.runtime_of,
            until_ended=self._work.until_ended,
        )
        self._housekeeping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Clean up after a killed predecessor, and warm up in the background."""
        await self._work.start()
        self._housekeeping = asyncio.create_task(self._keep_house())

    async def stop(self) -> None:
        """End every process of every session."""
        if self._housekeeping is not None:
            self._housekeeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._housekeeping
            self._housekeeping = None
        await self._work.stop()

    def matches(self, method: str, path: str) -> bool:
        """Tell whether a request is for this service; `path` is still percent-encoded."""
        if path.startswith(credentials.PREFIX):
            return method == "GET"
        return service_model.matches(path)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        if request.path.startswith(credentials.PREFIX):
            return self._credentials.answer(request)
        found = service_model.find_route(request.method, request.path)
        if found is None:
            error = ServiceError("UnknownOperationException", 404, "There is no such operation")
            return protocol.error_response(error)
        route, path_members = found
        return await _Call(self, route.operation, request, path_members).answer()

    # For CloudFormation, which calls within the same process

    def create_code_interpreter(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """CreateCodeInterpreter without HTTP; times are seconds since the epoch.

        Raises:
            ServiceError: As the operation does.
        """
        return self.call("CreateCodeInterpreter", params, caller)

    def get_code_interpreter(self, identifier: str, caller: Caller) -> dict[str, Any]:
        """GetCodeInterpreter without HTTP."""
        return self.call("GetCodeInterpreter", {"codeInterpreterId": identifier}, caller)

    def delete_code_interpreter(self, identifier: str, caller: Caller) -> dict[str, Any]:
        """DeleteCodeInterpreter without HTTP."""
        return self.call("DeleteCodeInterpreter", {"codeInterpreterId": identifier}, caller)

    def list_tags(self, arn: str, caller: Caller) -> dict[str, str]:
        """ListTagsForResource without HTTP."""
        tags: dict[str, str] = self.call("ListTagsForResource", {"resourceArn": arn}, caller)[
            "tags"
        ]
        return tags

    def tag(self, arn: str, tags: Mapping[str, str], caller: Caller) -> None:
        """TagResource without HTTP."""
        self.call("TagResource", {"resourceArn": arn, "tags": dict(tags)}, caller)

    def untag(self, arn: str, keys: list[str], caller: Caller) -> None:
        """UntagResource without HTTP."""
        self.call("UntagResource", {"resourceArn": arn, "tagKeys": keys}, caller)

    def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Any operation of the control plane without HTTP: validated and authorized as over it.

        Raises:
            ServiceError: As the operation does.
        """
        shape: Any = next(
            route.operation.input_shape
            for route in service_model.routes()
            if route.operation.name == operation
        )
        params = validation.read(shape, params)
        validation.check(shape, params)
        if fault := self.faults.strike("server_error", operation):
            raise internal_error(str(fault.options.get("message", "An injected fault")))
        return self._control.operations[operation](self.state(caller), caller, params)

    # For the command and the Python API

    def sessions(self) -> list[dict[str, Any]]:
        """Every session and record of every account, newest first."""
        return [
            {"account": state.account, "region": state.region, **session.describe()}
            for state in self._states.values()
            for session in state.sessions.all()
        ]

    async def reset(self) -> None:
        """Forget everything: faults, sessions with their processes, interpreters."""
        self.faults.clear()
        now = self._backend.now()
        for state in self._states.values():
            for session in state.sessions.ready():
                state.sessions.end(session, now)
        await self._work.finish()
        self._states.clear()
        self._rates = RateLimiter(self.limits.requests_per_second)

    async def tick(self) -> None:
        """Let time have its effects: sessions that end, metrics of each minute.

        It happens every second; tests that move the clock call it to wait for no second.
        """
        now = self._backend.now()
        for state in list(self._states.values()):
            state.sessions.expire()
            await self._work.meter(state, now)

    def state(self, caller: Caller) -> AccountRegion:
        """The state of the caller's account in the caller's region."""
        key = caller.account, caller.region
        if key not in self._states:
            self._states[key] = AccountRegion(
                *key,
                backend=self._backend,
                behavior=self.behavior,
                faults=self.faults,
                record_seconds=self.limits.record_seconds,
                on_session_end=self._work.end,
            )
        return self._states[key]

    async def _keep_house(self) -> None:
        while True:
            try:
                await self.tick()
            except Exception:
                logger.exception("housekeeping failed")
            await asyncio.sleep(HOUSEKEEPING_SECONDS)


class _Call:
    """One request on its way through the service."""

    def __init__(
        self,
        service: CodeInterpreterService,
        operation: Any,
        request: HttpRequest,
        path_members: Mapping[str, str],
    ) -> None:
        self._service = service
        self._operation = operation
        self._request = request
        self._path_members = path_members
        self._identifier = next(iter(path_members.values()), "")
        self._caller: Caller | None = None
        self._started = time.perf_counter()

    async def answer(self) -> HttpResponse:
        error: ServiceError | None = None
        try:
            response = await self._respond()
        except ServiceError as raised:
            error = raised
        except Exception:
            logger.exception("%s failed", self._operation.name)
            error = internal_error("An internal error occurred")
        if error is not None:
            response = protocol.error_response(error)
        if not isinstance(response.body, AsyncIterator):
            self._measure(error)
        if (fault := self._strike("drop_connection", after=True)) is not None:
            logger.info("dropped an answer: %s", fault.id)
            return HttpResponse(status=0, dropped=True)
        return response

    async def _respond(self) -> HttpResponse:
        service, name = self._service, self._operation.name
        if fault := self._strike("latency"):
            await asyncio.sleep(float(fault.options.get("delay_seconds", 1)))
        if self._strike("drop_connection", after=False):
            return HttpResponse(status=0, dropped=True)
        caller = self._caller = service._backend.identify(self._request)
        self._raise_faults()
        service._rates.take(caller.account, caller.region, name)
        if len(self._request.body) > 2 * service.limits.payload_bytes:
            raise invalid("The request is too large", fields=[])
        params = await self._params()
        state = service.state(caller)
        if name == "InvokeCodeInterpreter":
            session_id, results = await service._data.invoke(state, caller, params)
            return HttpResponse(
                status=200,
                headers=protocol.stream_headers(session_id),
                body=self._events(results),
            )
        if name in service._data.operations:
            result = await service._data.operations[name](state, caller, params)
        else:
            result = service._control.operations[name](state, caller, params)
        return protocol.response(self._operation, result)

    async def _params(self) -> dict[str, Any]:
        def parse() -> dict[str, Any]:
            params = protocol.parse_request(self._operation, self._request, self._path_members)
            validation.check(self._operation.input_shape, params)
            return params

        if len(self._request.body) < LARGE_BYTES:
            return parse()
        return await asyncio.to_thread(parse)  # others need not wait for it

    async def _events(self, results: AsyncIterator[dict[str, Any]]) -> AsyncIterator[bytes]:
        error = None
        try:
            async for result in results:
                yield await asyncio.to_thread(protocol.result_event, self._operation, result)
        except ServiceError as raised:
            error = raised
            yield protocol.error_event(raised)
        finally:
            self._measure(error)

    def _raise_faults(self) -> None:
        if self._strike("throttle"):
            raise throttled()
        if fault := self._strike("server_error"):
            raise internal_error(str(fault.options.get("message", "An injected fault")))
        if self._strike("deny"):
            raise access_denied(f"Not authorized to perform: {self._operation.name}")

    def _strike(self, name: str, *, after: bool | None = None) -> Any:
        faults = self._service.faults
        if after is not None:
            lasting = faults.lasting(name, self._identifier)
            if lasting is None or bool(lasting.options.get("after")) is not after:
                return None
        return faults.strike(name, self._operation.name, self._identifier)

    def _measure(self, error: ServiceError | None) -> None:
        """Record the call, if it was one on an interpreter."""
        caller = self._caller
        if caller is None or "codeInterpreterIdentifier" not in self._path_members:
            return
        state = self._service.state(caller)
        if self._identifier == SYSTEM_IDENTIFIER:
            arn = system_arn(caller.partition, caller.region)
        elif state.interpreters.find(self._identifier) is not None:
            arn = custom_arn(caller.partition, caller.region, caller.account, self._identifier)
        else:
            return
        milliseconds = (time.perf_counter() - self._started) * 1000
        state.metrics.call(arn, self._operation.name, error=error, milliseconds=milliseconds)
