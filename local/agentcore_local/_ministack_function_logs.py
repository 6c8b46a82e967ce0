"""The one module that knows MiniStack's private names of where functions log.

MiniStack tells a function a log group by its name alone and a stream that never exists, and then
writes each invocation to a stream of its own. On Lambda each execution environment has one stream
in the group of the function's `LoggingConfig`, and both are in its environment:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html

Typed as Any on purpose: MiniStack ships no types, and its private names promise none.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from agentcore_local import _ministack
from agentcore_local._ministack_cloudwatch import checked_service

_NAMES = {
    "lambda_svc": (
        "_RESERVED_RUNTIME_ENV_VARS",
        "_emit_lambda_logs",
        "_execute_function_dispatch",
        "_probe_peak_memory_mb",
        "acquire_worker",
    ),
    "cloudwatch_logs": (
        "_create_log_group",
        "_create_log_stream",
        "_log_groups",
        "_put_log_events",
    ),
}
_GROUP = "AWS_LAMBDA_LOG_GROUP_NAME"
_STREAM = "AWS_LAMBDA_LOG_STREAM_NAME"

_functions: Any = checked_service("lambda_svc", _NAMES["lambda_svc"])
_logs: Any = checked_service("cloudwatch_logs", _NAMES["cloudwatch_logs"])


@dataclass(frozen=True, kw_only=True)
class _Log:
    """The log group and the log stream of one execution environment."""

    group: str
    stream: str


class _Invocation:
    """One run of a function, and where its environment logs, once it has one."""

    log: _Log | None = None


_invocation: ContextVar[_Invocation | None] = ContextVar("invocation", default=None)


def install() -> None:
    """Let functions know the group and stream in which what they log arrives."""
    _let_environments_name_their_stream()
    _name_logs_of_environments()
    _write_where_environments_log()


def log_group_of(configuration: Mapping[str, Any]) -> str:
    """The name of the group that a function logs to."""
    settings = configuration.get("LoggingConfig") or {}
    return str(settings.get("LogGroup") or f"/aws/lambda/{configuration.get('FunctionName')}")


def _let_environments_name_their_stream() -> None:
    """MiniStack drops the name from a function's variables; ours go that way."""
    runtime: Any = import_module("ministack.core.lambda_runtime")
    for module in (_functions, runtime):
        reserved = getattr(module, "_RESERVED_RUNTIME_ENV_VARS", None)
        if reserved is None:
            raise RuntimeError(
                f"the local AWS hooks private names of ministack {_ministack.PINNED}, and "
                f"{module.__name__} has no _RESERVED_RUNTIME_ENV_VARS; run: pip install "
                f"ministack=={_ministack.PINNED}"
            )
        reserved.discard(_STREAM)


def _name_logs_of_environments() -> None:
    acquire = _functions.acquire_worker

    def acquire_and_name(
        name: str, configuration: Mapping[str, Any], *rest: Any, **options: Any
    ) -> tuple[Any, str]:
        environment, reason = acquire(name, configuration, *rest, **options)
        if environment is not None:
            log = _log_of(environment, configuration)
            invocation = _invocation.get()
            if invocation is not None:
                invocation.log = log
        return environment, reason

    _functions.acquire_worker = acquire_and_name


def _log_of(environment: Any, configuration: Mapping[str, Any]) -> _Log:
    group = log_group_of(configuration)
    log: _Log | None = getattr(environment, "agentcore_local_log", None)
    if log is None or log.group != group:
        if log is not None:
            # MiniStack keeps an environment when only the function's log group changes.
            environment.kill()
        version = configuration.get("Version", "$LATEST")
        stream = f"{datetime.now(UTC):%Y/%m/%d}/[{version}]{secrets.token_hex(16)}"
        log = environment.agentcore_local_log = _Log(group=group, stream=stream)
    variables = (configuration.get("Environment") or {}).get("Variables") or {}
    environment.config = {
        **configuration,
        "Environment": {"Variables": {**variables, _GROUP: log.group, _STREAM: log.stream}},
    }
    return log


def _write_where_environments_log() -> None:
    dispatch, emit = _functions._execute_function_dispatch, _functions._emit_lambda_logs

    def dispatch_and_follow(*arguments: Any, **options: Any) -> Any:
        token = _invocation.set(_Invocation())
        try:
            return dispatch(*arguments, **options)
        finally:
            _invocation.reset(token)

    def emit_to_its_stream(
        function: Mapping[str, Any],
        request_id: str,
        text: str,
        error: bool,
        milliseconds: int,
        **options: Any,
    ) -> None:
        invocation = _invocation.get()
        if invocation is None or invocation.log is None:
            # It ran in no environment of ours: in a container, or nowhere.
            emit(function, request_id, text, error, milliseconds, **options)
            return
        _write(invocation.log, _lines(function, request_id, text, milliseconds))

    _functions._execute_function_dispatch = dispatch_and_follow
    _functions._emit_lambda_logs = emit_to_its_stream


def _lines(function: Mapping[str, Any], request_id: str, text: str, milliseconds: int) -> list[str]:
    """What Lambda's log has of one run.

    https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
    """
    configuration = function.get("config") or function
    return [
        f"START RequestId: {request_id} Version: {configuration.get('Version', '$LATEST')}",
        *(text or "").splitlines(),
        f"END RequestId: {request_id}",
        f"REPORT RequestId: {request_id}\tDuration: {milliseconds} ms\t"
        f"Billed Duration: {milliseconds} ms\t"
        f"Memory Size: {configuration.get('MemorySize', 128)} MB\t"
        f"Max Memory Used: {_functions._probe_peak_memory_mb(function)} MB",
    ]


def _write(log: _Log, lines: list[str]) -> None:
    names = {"logGroupName": log.group, "logStreamName": log.stream}
    if log.group not in _logs._log_groups:
        _logs._create_log_group(names)
    if log.stream not in _logs._log_groups[log.group]["streams"]:
        _logs._create_log_stream(names)
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": line} for line in lines]
    _logs._put_log_events({**names, "logEvents": events})
