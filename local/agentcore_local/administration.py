"""The server's own administration: status, clock, faults, sessions and reset."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from inspect import isawaitable
from typing import Any

from agentcore_local import _ministack
from agentcore_local.alarms.heartbeat import Heartbeat
from agentcore_local.clock import Clock
from agentcore_local.cloudformation import administration as cloudformation_administration
from agentcore_local.service.http import HttpRequest, HttpResponse
from agentcore_local.service.service import CodeInterpreterService
from agentcore_local.settings import ADMIN_PATH, Settings

Handler = Callable[[dict[str, Any]], Awaitable[Any] | Any]


class Administration:
    """Answers the requests below the administration's prefix.

    Args:
        settings: the options of this local AWS.
        clock: the time of this AWS.
        service: the code interpreter service.
        heartbeat: what happens in each minute.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        service: CodeInterpreterService,
        heartbeat: Heartbeat,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._service = service
        self._heartbeat = heartbeat
        self._routes: dict[tuple[str, str], Handler] = {
            ("GET", "status"): self._status,
            ("POST", "clock"): self._advance,
            ("POST", "alarms/evaluate"): self._evaluate_alarms,
            ("POST", "reset"): self._reset,
            ("GET", "sessions"): self._sessions,
            ("GET", "faults"): self._faults,
            ("POST", "faults"): self._inject,
            ("DELETE", "faults"): self._clear_faults,
            **cloudformation_administration.routes(),
        }

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request, with a clear message if it is wrong."""
        name = request.path.removeprefix(f"{ADMIN_PATH}/").strip("/")
        handler = self._routes.get((request.method, name))
        if handler is None:
            known = ", ".join(sorted(f"{method} {path}" for method, path in self._routes))
            return _json(404, {"message": f"no {request.method} {name}; there are: {known}"})
        try:
            body = json.loads(request.body or b"{}")
            if not isinstance(body, dict):
                raise ValueError(f"the body must be a JSON object, got {type(body).__name__}")
            result = handler(body)
            return _json(200, await result if isawaitable(result) else result)
        except (ValueError, KeyError, TypeError) as error:
            return _json(400, {"message": str(error)})

    def _status(self, body: dict[str, Any]) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "account": self._settings.account,
            "region": self._settings.region,
            "enforce_iam": self._settings.enforce_iam,
            "data_folder": str(self._settings.data_folder),
            "now": self._clock.now(),
        }

    async def _advance(self, body: dict[str, Any]) -> dict[str, Any]:
        seconds = body.get("advance_seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise ValueError(f"advance_seconds must be a number of seconds, got {seconds!r}")
        await self._heartbeat.advance(float(seconds))
        return {"now": self._clock.now()}

    def _evaluate_alarms(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"alarms": self._heartbeat.evaluate()}

    async def _reset(self, body: dict[str, Any]) -> dict[str, Any]:
        await self._service.reset()
        _ministack.reset()
        cloudformation_administration.reset()
        self._clock.reset()
        return {}

    def _sessions(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"sessions": self._service.sessions()}

    def _faults(self, body: dict[str, Any]) -> dict[str, Any]:
        faults = self._service.faults
        return {"active": [asdict(fault) for fault in faults.active()], "known": dict(faults.known)}

    def _inject(self, body: dict[str, Any]) -> dict[str, Any]:
        options = dict(body)
        fault = self._service.faults.inject(options.pop("fault", ""), **options)
        return {"id": fault.id}

    def _clear_faults(self, body: dict[str, Any]) -> dict[str, Any]:
        self._service.faults.clear(body.get("id"))
        return {}


def _json(status: int, body: Any) -> HttpResponse:
    return HttpResponse(
        status=status,
        headers={"Content-Type": "application/json"},
        body=json.dumps(body).encode(),
    )
