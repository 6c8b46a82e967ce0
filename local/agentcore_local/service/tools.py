"""Invoke: checks a tool's arguments and runs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentcore_local.service.errors import ServiceError, invalid
from agentcore_local.service.runtime import SessionRuntime

RUNTIMES = {
    "python": ("python",),
    "javascript": ("deno", "nodejs"),
    "typescript": ("deno", "nodejs"),
}
"""The runtimes of each language, the default one first.

https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/code-interpreter-runtime-selection.html
"""

REQUIRED_ARGUMENTS = {
    "executeCode": "code",
    "executeCommand": "command",
    "readFiles": "paths",
    "removeFiles": "paths",
    "writeFiles": "content",
    "startCommandExecution": "command",
    "getTask": "taskId",
    "stopTask": "taskId",
}


def check_arguments(tool: str, arguments: Mapping[str, Any], payload_limit: int) -> None:
    """Check what the service model leaves to each tool.

    Raises:
        ServiceError: An argument is missing, does not fit the others, or is too large.
    """
    required = REQUIRED_ARGUMENTS.get(tool)
    if required is not None and required not in arguments:
        raise _invalid_argument(required, f"{tool} needs the argument {required}")
    if tool == "executeCode":
        _choose_runtime(arguments)
    if "\0" in arguments.get("command", ""):
        place = arguments["command"].index("\0")
        message = f"A command cannot hold a NUL character; there is one at index {place}"
        raise _invalid_argument("command", message)
    for number, item in enumerate(arguments.get("content", [])):
        size = len(item.get("blob", b"")) or len(item.get("text", "").encode())
        if size > payload_limit:
            raise _invalid_argument(
                f"content.{number}", f"A file may have {payload_limit} bytes, got {size}"
            )


async def run_tool(
    runtime: SessionRuntime, tool: str, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """Run a tool whose arguments have been checked; returns the result for the event stream.

    Raises:
        ServiceError: A ResourceNotFoundException: the session has ended, before or meanwhile.
    """
    runtime.check_open()
    if tool == "executeCode":
        return await runtime.execute_code(
            arguments["code"],
            language=arguments.get("language", "python"),
            runtime=_choose_runtime(arguments),
            fresh=arguments.get("clearContext", False),
        )
    if tool == "executeCommand":
        return await runtime.execute_command(arguments["command"])
    if tool == "startCommandExecution":
        return runtime.start_command(arguments["command"])
    if tool == "getTask":
        return runtime.task_status(arguments["taskId"])
    if tool == "stopTask":
        return await runtime.stop_task(arguments["taskId"])
    return await _run_file_tool(runtime, tool, arguments)


async def _run_file_tool(
    runtime: SessionRuntime, tool: str, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    if tool == "writeFiles":
        return await runtime.write_files(arguments["content"])
    if tool == "readFiles":
        return await runtime.read_files(arguments["paths"])
    if tool == "removeFiles":
        return await runtime.remove_files(arguments["paths"])
    return await runtime.list_files(arguments.get("directoryPath", arguments.get("path", "")))


def _choose_runtime(arguments: Mapping[str, Any]) -> str:
    language = arguments.get("language", "python")
    available = RUNTIMES[language]
    runtime: str = arguments.get("runtime", available[0])
    if runtime not in available:
        raise _invalid_argument(
            "runtime", f"{language} runs on {' or '.join(available)}, got {runtime}"
        )
    return runtime


def _invalid_argument(name: str, message: str) -> ServiceError:
    return invalid(message, fields=[(f"arguments.{name}", message)])
