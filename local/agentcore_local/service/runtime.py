"""What a session has once it is used: folders, kernels, commands and tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from agentcore_local.service import files
from agentcore_local.service.commands import Command, Task
from agentcore_local.service.environment import SessionFolders, find_program
from agentcore_local.service.errors import not_found
from agentcore_local.service.kernels import JupyterKernel, LaunchedKernel, write_connection_file
from agentcore_local.service.limits import Limits
from agentcore_local.service.node import NodeProcess
from agentcore_local.service.processes import Processes
from agentcore_local.service.results import text_result

INLINE_PLOTS = "module://matplotlib_inline.backend_inline"


class SessionRuntime:
    """Runs the tools of one session.

    Args:
        session: The session's id.
        folders: The session's folders.
        environment: The environment of its processes.
        processes: Starts and ends them.
        limits: How long and how large things may be.
        merged_output: Whether a command's two streams arrive as one.
    """

    def __init__(
        self,
        session: str,
        folders: SessionFolders,
        environment: Mapping[str, str],
        processes: Processes,
        limits: Limits,
        *,
        merged_output: bool,
    ) -> None:
        self._session = session
        self.folders = folders
        self._environment = environment
        self._processes = processes
        self._limits = limits
        self._merged_output = merged_output
        self._python = JupyterKernel(
            processes,
            self._launch_python,
            check=self.check_open,
            output_limit=limits.payload_bytes,
        )
        self._deno = JupyterKernel(
            processes,
            self._launch_deno,
            check=self.check_open,
            output_limit=limits.payload_bytes,
            marking=lambda mark: f"console.log({mark!r}); console.error({mark!r})",
        )
        self._node: NodeProcess | None = None
        self._tasks: dict[str, Task] = {}
        self._file_calls: set[asyncio.Task[dict[str, Any]]] = set()
        self._closed = False

    async def execute_code(
        self, code: str, *, language: str, runtime: str, fresh: bool
    ) -> dict[str, Any]:
        """Run code; `fresh` forgets the state of Python, and is ignored for other languages."""
        timeout = self._limits.invoke_seconds
        if runtime == "python":
            execution = await self._python.execute(code, timeout=timeout, fresh=fresh)
        elif runtime == "deno":
            execution = await self._deno.execute(code, timeout=timeout)
        else:
            execution = await self._node_process().execute(language, code, timeout=timeout)
        self.check_open()
        return execution.result()

    async def execute_command(self, command: str) -> dict[str, Any]:
        """Run a command to its end."""
        running = self._command()
        try:
            execution = await running.run(
                self._session,
                command,
                environment=self._environment,
                cwd=self.folders.work,
                timeout=self._limits.invoke_seconds,
            )
        finally:
            running.discard()
        self.check_open()
        return execution.result()

    def start_command(self, command: str) -> dict[str, Any]:
        """Start a command as a task."""
        task = Task(self._command())
        self._tasks[task.id] = task
        return task.start(
            self._session,
            command,
            environment=self._environment,
            cwd=self.folders.work,
            timeout=self._limits.command_seconds,
        )

    def task_status(self, task_id: str) -> dict[str, Any]:
        """How a task stands."""
        task = self._tasks.get(task_id)
        return task.describe() if task else _no_task(task_id)

    async def stop_task(self, task_id: str) -> dict[str, Any]:
        """Cancel a task."""
        task = self._tasks.get(task_id)
        return await task.stop() if task else _no_task(task_id)

    async def write_files(self, content: list[dict[str, Any]]) -> dict[str, Any]:
        """Write files."""
        return await self._call(files.write_files, content)

    async def read_files(self, paths: list[str]) -> dict[str, Any]:
        """Read files."""
        return await self._call(files.read_files, paths, self._limits.payload_bytes)

    async def list_files(self, directory: str) -> dict[str, Any]:
        """List a directory."""
        return await self._call(files.list_files, directory)

    async def remove_files(self, paths: list[str]) -> dict[str, Any]:
        """Remove files."""
        return await self._call(files.remove_files, paths)

    def check_open(self) -> None:
        """Check that the session has not ended.

        Raises:
            ServiceError: A ResourceNotFoundException: it has.
        """
        if self._closed:
            raise not_found(f"Session {self._session} has ended")

    def refuse_calls(self) -> None:
        """Let calls under way end with the error that the session has ended."""
        self._closed = True

    async def close(self) -> None:
        """Let go of sockets, tasks and folders; the processes have ended."""
        await asyncio.gather(*self._file_calls, return_exceptions=True)
        for task in self._tasks.values():
            await task.ended()
        self._python.close()
        self._deno.close()
        if self._node is not None:
            self._node.close()
        await asyncio.to_thread(self.folders.remove)

    async def _call(
        self, tool: Callable[..., dict[str, Any]], *arguments: object
    ) -> dict[str, Any]:
        """Run a tool for files in a thread."""
        work = asyncio.to_thread(tool, self.folders.work, *arguments)
        call = asyncio.create_task(work)
        self._file_calls.add(call)
        call.add_done_callback(self._file_calls.discard)
        result = await asyncio.shield(call)  # the thread goes on if the caller does not wait
        self.check_open()
        return result

    def _command(self) -> Command:
        return Command(
            self._processes,
            self.folders.output,
            limit=self._limits.payload_bytes,
            merged=self._merged_output,
        )

    async def _launch_python(self) -> LaunchedKernel:
        kernel = await self._processes.start_kernel(
            self._session,
            environment={**self._environment, "MPLBACKEND": INLINE_PLOTS},
            cwd=self.folders.work,
            path=[str(self.folders.work), str(self.folders.packages)],
        )
        return kernel.pid, kernel.connection_file

    async def _launch_deno(self) -> LaunchedKernel:
        connection_file = self._processes.folder / f"d{self._session}.json"
        write_connection_file(connection_file)
        log = self.folders.output / "deno.log"
        pid = await self._processes.run(
            self._session,
            [find_program("deno"), "jupyter", "--kernel", "--conn", str(connection_file)],
            environment=self._environment,
            cwd=self.folders.work,
            stdout=log,
            stderr=log,
        )
        return pid, connection_file

    def _node_process(self) -> NodeProcess:
        if self._node is None:
            self._node = NodeProcess(
                self._processes,
                self._session,
                check=self.check_open,
                node=find_program("node"),
                environment=self._environment,
                cwd=self.folders.work,
                log=self.folders.output / "node.log",
            )
        return self._node


def _no_task(task_id: str) -> dict[str, Any]:
    return text_result(f"Task not found: {task_id}", is_error=True)


def session_folders(data_folder: Path, session: str) -> SessionFolders:
    """Where a session's folders are."""
    return SessionFolders(data_folder / "sessions" / session)
