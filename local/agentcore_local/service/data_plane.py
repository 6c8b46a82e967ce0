"""The data plane: sessions, and what is run in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from agentcore_local.service.account import AccountRegion
from agentcore_local.service.backend import Backend, Caller
from agentcore_local.service.behavior import ServiceBehavior
from agentcore_local.service.errors import (
    ServiceError,
    access_denied,
    conflict,
    internal_error,
    invalid,
    not_found,
)
from agentcore_local.service.faults import Faults
from agentcore_local.service.interpreters import (
    SYSTEM_IDENTIFIER,
    Interpreter,
    custom_arn,
    system_arn,
)
from agentcore_local.service.limits import Limits, check_quota
from agentcore_local.service.paging import page, start_token
from agentcore_local.service.runtime import SessionRuntime
from agentcore_local.service.sessions import Session
from agentcore_local.service.tools import check_arguments, run_tool

Params = dict[str, Any]


class DataPlane:
    """The operations of `bedrock-agentcore` that concern code interpreters.

    Args:
        backend: The AWS around.
        limits: Quotas.
        behavior: The answers to what is not documented.
        faults: What goes wrong on purpose.
        runtime_of: Makes the runtime of a session, once.
        until_ended: Waits until the processes of an ended session are gone.
    """

    def __init__(
        self,
        backend: Backend,
        limits: Limits,
        behavior: ServiceBehavior,
        faults: Faults,
        *,
        runtime_of: Callable[[AccountRegion, Session], SessionRuntime],
        until_ended: Callable[[Session], Awaitable[None]],
    ) -> None:
        self._backend = backend
        self._limits = limits
        self._behavior = behavior
        self._faults = faults
        self._runtime_of = runtime_of
        self._until_ended = until_ended
        self._list_repeats: set[str] = set()
        self.operations: Mapping[
            str, Callable[[AccountRegion, Caller, Params], Awaitable[Params]]
        ] = {
            "StartCodeInterpreterSession": self.start,
            "GetCodeInterpreterSession": self.get,
            "ListCodeInterpreterSessions": self.list,
            "StopCodeInterpreterSession": self.stop,
        }

    async def start(self, state: AccountRegion, caller: Caller, params: Params) -> Params:
        """StartCodeInterpreterSession."""
        interpreter = self._interpreter(state, caller, "StartCodeInterpreterSession", params)
        if answer := state.tokens.recall("StartCodeInterpreterSession", params):
            return answer
        if interpreter.status != "READY":
            raise conflict(f"CodeInterpreter {interpreter.id} is {interpreter.status}")
        answer = self._start(state, interpreter, params).describe()
        state.tokens.remember("StartCodeInterpreterSession", params, answer)
        return answer

    async def get(self, state: AccountRegion, caller: Caller, params: Params) -> Params:
        """GetCodeInterpreterSession."""
        interpreter = self._interpreter(state, caller, "GetCodeInterpreterSession", params)
        return state.sessions.get(interpreter.id, params["sessionId"]).describe()

    async def list(self, state: AccountRegion, caller: Caller, params: Params) -> Params:
        """ListCodeInterpreterSessions: newest first."""
        interpreter = self._interpreter(state, caller, "ListCodeInterpreterSessions", params)
        status = params.get("status")
        found = state.sessions.of(interpreter, status)
        scope = f"{interpreter.id} {status}"
        shown, token = page(found, params, key=_age, scope=scope)
        answer = {"items": [session.describe() for session in shown], "nextToken": token}
        if self._faults.strike("expire_during_drain", resource=interpreter.id):
            for session in shown:
                state.sessions.end(session, self._backend.now())
        return self._repeat_page(interpreter, params, answer, scope)

    async def stop(self, state: AccountRegion, caller: Caller, params: Params) -> Params:
        """StopCodeInterpreterSession."""
        interpreter = self._interpreter(state, caller, "StopCodeInterpreterSession", params)
        if answer := state.tokens.recall("StopCodeInterpreterSession", params):
            # The first attempt may be under way still.
            await self._until_ended(state.sessions.get(interpreter.id, params["sessionId"]))
            return answer
        session = state.sessions.get(interpreter.id, params["sessionId"])
        if session.status == "TERMINATED" and self._behavior.stop_of_ended_session_fails:
            raise conflict(f"Session {session.id} is already TERMINATED")
        if self._faults.strike("stop_fails", resource=interpreter.id):
            raise conflict(f"Session {session.id} cannot be stopped now")
        now = self._backend.now()
        if fault := self._faults.strike("stop_lies", resource=interpreter.id):
            session.ends_at = min(
                session.ends_at, now + float(fault.options.get("delay_seconds", 5))
            )
        else:
            was_ready = session.status == "READY"
            state.sessions.end(session, now)
            if was_ready and self._faults.strike("restarting_agent", resource=interpreter.id):
                self._start(state, interpreter, {"name": "restarted"})
        answer = session.describe()
        state.tokens.remember("StopCodeInterpreterSession", params, answer)
        if session.status == "TERMINATED":
            await self._until_ended(session)
        return answer

    async def invoke(
        self, state: AccountRegion, caller: Caller, params: Params
    ) -> tuple[str, AsyncIterator[Params]]:
        """InvokeCodeInterpreter: the session's id, and the results as they come to be.

        There is one result, at the end: clients in the field read the first one only.
        """
        interpreter = self._interpreter(state, caller, "InvokeCodeInterpreter", params)
        tool, arguments = params["name"], params.get("arguments", {})
        check_arguments(tool, arguments, self._limits.payload_bytes)
        session = self._session_to_invoke(state, interpreter, params)
        runtime = self._runtime_of(state, session)

        async def results() -> AsyncIterator[Params]:
            try:
                yield await run_tool(runtime, tool, arguments)
            except ServiceError:
                raise
            except Exception as error:
                if session.status != "READY":  # whatever failed, it failed for this
                    raise not_found(f"Session {session.id} has ended") from error
                raise internal_error(f"{tool} failed: {error}") from error

        return session.id, results()

    def _session_to_invoke(
        self, state: AccountRegion, interpreter: Interpreter, params: Params
    ) -> Session:
        session_id = params.get("sessionId")
        if session_id is None:
            if self._behavior.invoke_without_session_fails:
                message = "A session id is needed"
                raise invalid(message, fields=[("sessionId", message)])
            return self._start(state, interpreter, {})
        session = state.sessions.get(interpreter.id, session_id)
        if session.status != "READY":
            raise not_found(f"Session {session.id} has ended: it is {session.status}")
        return session

    def _start(self, state: AccountRegion, interpreter: Interpreter, params: Params) -> Session:
        check_quota(
            len(state.sessions.ready()), self._limits.active_sessions, "concurrent active sessions"
        )
        not_kept = ("clientToken", "traceId", "traceParent", "codeInterpreterIdentifier")
        kept = {key: value for key, value in params.items() if key not in not_kept}
        return state.sessions.start(interpreter, kept)

    def _interpreter(
        self, state: AccountRegion, caller: Caller, action: str, params: Params
    ) -> Interpreter:
        """The interpreter that a request names, after authorization on its ARN.

        An interpreter that is gone still answers for the records of its sessions.
        """
        identifier = self._identifier(params["codeInterpreterIdentifier"])
        if identifier == SYSTEM_IDENTIFIER:
            arn = system_arn(caller.partition, caller.region)
            interpreter: Interpreter | None = state.interpreters.system(
                caller.partition, caller.region
            )
        else:
            arn = custom_arn(caller.partition, caller.region, caller.account, identifier)
            interpreter = state.interpreters.find(identifier)
        tags = interpreter.tags if interpreter else {}
        context = {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
        denial = self._backend.authorize(caller, f"bedrock-agentcore:{action}", arn, context)
        if denial is not None:
            raise access_denied(denial)
        if interpreter is None or interpreter.status == "DELETED":
            raise not_found(f"CodeInterpreter {identifier} not found")
        return interpreter

    def _identifier(self, given: str) -> str:
        if given.startswith("arn:") and self._behavior.arn_as_identifier:
            return given.rsplit("/", 1)[-1]
        return given

    def _repeat_page(
        self, interpreter: Interpreter, params: Params, answer: Params, scope: str
    ) -> Params:
        """Send a page again under its own token, if that is to go wrong."""
        if answer["nextToken"] is None or interpreter.id in self._list_repeats:
            self._list_repeats.discard(interpreter.id)
            return answer
        if self._faults.strike("list_repeats_page", resource=interpreter.id):
            self._list_repeats.add(interpreter.id)
            return answer | {"nextToken": params.get("nextToken") or start_token(scope)}
        return answer


def _age(session: Session) -> tuple[float, str]:
    return session.created_at, session.id
