"""The parent of every process that a session runs; a program of its own, started by the service.

Everything that sessions start - Python kernels, shells, Deno, Node - descends from this one
process, for three reasons. A kernel is forked from here with Jupyter already imported, so it is
there at once and shares memory. Nothing of a session can hide. And when the service dies, however
it dies, this program reads the end of its standard input, kills all that descends from it, and
exits.

Between the host and each kernel or command stands a keeper: a fork of the host that does nothing
but wait. It is a child subreaper, where the system has that, so orphans come back to it, whatever
they have made of their environment and their process groups. It lives as long as anything below
it, so descent from a keeper says whose a process is; a kernel that is kept warm has its keeper
before it has its session. The keeper reports each end and what it had used through a pipe that all
keepers share, and passes Ctrl-C on. When the host dies before it, it kills all that is below it.
The service knows a kernel or a command by its keeper's process id.

It speaks lines of JSON on standard input and output. Single-threaded, because it forks.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import selectors
import signal
import struct
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import psutil

SESSION_VARIABLE = "AGENTCORE_LOCAL_SESSION"
"""Marks each process of a session in its environment; finds it should its keeper be killed."""

KILL_SECONDS = 2
"""After how long a process that was killed and is still there is looked for anew."""

REPORT = struct.Struct("=i?id")
"""A keeper's word on a process below it that has ended: the keeper, whether it is the one that the
host asked for, its exit code and its processor time. Short enough to be written in one piece."""

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def process_control(option: int, value: int) -> None:
    """Call Linux's prctl; other systems have no such thing and go without."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


class Child:
    """One kernel or command that the host has started, with all that comes of it.

    Attributes:
        session: The session that it belongs to; None while a kernel waits for one.
        is_running: Whether it runs; its keeper stays for what it has left behind.
    """

    def __init__(self, session: str | None) -> None:
        self.session = session
        self.is_running = True


class ProcessHost:
    """Starts processes, reports their end, and ends sessions with all their descendants."""

    def __init__(self, folder: Path, warm_kernels: int) -> None:
        self._folder = folder
        self._warm_kernels = warm_kernels
        self._children: dict[int, Child] = {}
        self._parked: list[ParkedKernel] = []
        self._waiting: list[dict[str, Any]] = []
        self._pending: list[bytes] = []
        self._cpu_of_ended: dict[str, float] = {}
        self._selector = selectors.DefaultSelector()
        self._kernel_count = 0
        self._ended: set[str] = set()
        self._own = psutil.Process()
        self._reports, self._to_report = os.pipe()

    def run(self) -> None:
        """Serve requests until standard input ends."""
        process_control(PR_SET_CHILD_SUBREAPER, 1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_read, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(0, selectors.EVENT_READ, "request")
        self._selector.register(wake_read, selectors.EVENT_READ, "child")
        os.set_blocking(self._reports, False)
        self._selector.register(self._reports, selectors.EVENT_READ, "report")
        self._park_kernels()
        while True:
            for key, _ in self._selector.select():
                if key.data == "child":
                    with contextlib.suppress(BlockingIOError):
                        os.read(wake_read, 4096)
                    self._reap()
                elif key.data == "report":
                    self._read_reports()
                elif key.data == "request":
                    if not self._read_requests():
                        self._end_everything()
                        return
                else:
                    self._kernel_is_ready(key.data)

    def _read_requests(self) -> bool:
        """Read what is there and answer what is whole; False at the end of standard input."""
        received = os.read(0, 1 << 16)
        self._pending.append(received)
        if b"\n" in received:  # or else a long line takes squared time
            *lines, rest = b"".join(self._pending).split(b"\n")
            self._pending = [rest]
            for line in lines:
                self._answer(json.loads(line))
        return bool(received)

    def _answer(self, request: dict[str, Any]) -> None:
        operation = request["op"]
        if operation in ("kernel", "run"):
            self._begin(request)
        elif operation == "end":
            cpu_seconds, memory = self._end_session(request["session"])
            self._say(id=request["id"], cpu_seconds=cpu_seconds, memory_bytes=memory)
        elif operation == "kill":
            self._end_tree(request["pid"])
            self._say(id=request["id"])
        elif operation == "interrupt":
            self._interrupt(request["pid"])
            self._say(id=request["id"])
        elif operation == "usage":
            self._say(id=request["id"], sessions=self._usage())

    def _begin(self, request: dict[str, Any]) -> None:
        if request["session"] in self._ended:
            self._refuse(request)
        elif request["op"] == "kernel":
            self._waiting.append(request)
            self._hand_out_kernels()
        else:
            self._run(request)

    def _refuse(self, request: dict[str, Any]) -> None:
        """Start nothing for a session that has ended: nobody would end that."""
        self._say(id=request["id"], error="the session has ended")

    def _say(self, **message: object) -> None:
        data = (json.dumps(message) + "\n").encode()
        while data:
            data = data[os.write(1, data) :]

    # Kernels

    def _park_kernels(self) -> None:
        while len(self._parked) < max(self._warm_kernels, len(self._waiting)):
            self._kernel_count += 1
            connection = self._folder / f"k{self._kernel_count}.json"
            kernel = fork_kernel(connection, self._to_report)
            self._children[kernel.pid] = Child(None)
            self._parked.append(kernel)
            self._selector.register(kernel.ready, selectors.EVENT_READ, kernel)

    def _kernel_is_ready(self, kernel: ParkedKernel) -> None:
        self._selector.unregister(kernel.ready)
        kernel.is_ready = bool(os.read(kernel.ready, 1)) and self._is_running(kernel.pid)
        os.close(kernel.ready)
        if not kernel.is_ready:
            self._parked.remove(kernel)
            os.close(kernel.assignment)
            if self._waiting:
                number = self._waiting.pop(0)["id"]
                self._say(id=number, error="a Python kernel ended before it was up")
            return
        self._hand_out_kernels()

    def _hand_out_kernels(self) -> None:
        self._park_kernels()
        for kernel in [each for each in self._parked if each.is_ready]:
            if not self._waiting:
                break
            request = self._waiting[0]
            self._parked.remove(kernel)
            place = json.dumps({key: request[key] for key in ("env", "cwd", "path")})
            try:
                os.write(kernel.assignment, place.encode() + b"\n")
            except BrokenPipeError:  # it has ended, which is yet to be reported
                continue
            finally:
                os.close(kernel.assignment)
            self._waiting.pop(0)
            self._children[kernel.pid].session = request["session"]
            self._say(id=request["id"], pid=kernel.pid, connection=str(kernel.connection))
        self._park_kernels()

    def _drop_parked(self, pid: int) -> None:
        """Forget a kernel that ended while it was ready; the next session makes another."""
        for kernel in self._parked:
            if kernel.pid == pid and kernel.is_ready:  # or else its pipe tells of its end
                self._parked.remove(kernel)
                os.close(kernel.assignment)
                return

    # Commands

    def _run(self, request: dict[str, Any]) -> None:
        pid = fork_with_keeper(self._to_report, lambda: become_command(request))
        self._children[pid] = Child(request["session"])
        self._say(id=request["id"], pid=pid)

    # Ends

    def _is_running(self, pid: int) -> bool:
        child = self._children.get(pid)
        return child is not None and child.is_running

    def _reap(self) -> None:
        self._read_reports()
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self._children:  # a keeper; or else an orphan whose keeper was killed
                self._read_reports()
                child = self._children.pop(pid)
                if child.is_running:
                    self._report_end(pid, child, os.waitstatus_to_exitcode(status))

    def _read_reports(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while reports := os.read(self._reports, REPORT.size * 1000):
                for pid, is_main, code, spent in REPORT.iter_unpack(reports):
                    child = self._children[pid]
                    if child.session is not None:
                        before = self._cpu_of_ended.get(child.session, 0.0)
                        self._cpu_of_ended[child.session] = before + spent
                    if is_main:
                        self._report_end(pid, child, code)

    def _report_end(self, pid: int, child: Child, code: int) -> None:
        child.is_running = False
        if child.session is None:
            self._drop_parked(pid)
        else:
            self._say(exited=pid, code=code)

    def _processes_of(self, session: str | None) -> dict[str, list[psutil.Process]]:
        """The live processes of one session, or of all of them, by session; without keepers."""
        found: dict[str, list[psutil.Process]] = {}
        owners: dict[int, str] = {
            pid: child.session for pid, child in self._children.items() if child.session
        }
        for process in self._own.children(recursive=True):  # parents come before children
            if process.pid in self._children:
                continue
            with contextlib.suppress(psutil.Error):
                owner = owners.get(process.ppid()) or process.environ().get(SESSION_VARIABLE)
                if owner is not None:
                    owners[process.pid] = owner
                    if session is None or owner == session:
                        found.setdefault(owner, []).append(process)
        return found

    def _usage(self) -> dict[str, list[float]]:
        self._read_reports()
        usage = {session: [cpu, 0.0] for session, cpu in self._cpu_of_ended.items()}
        for session, processes in self._processes_of(None).items():
            figures = usage.setdefault(session, [0.0, 0.0])
            for process in processes:
                with contextlib.suppress(psutil.Error):
                    times = process.cpu_times()
                    figures[0] += times.user + times.system
                    figures[1] += process.memory_info().rss
        return usage

    def _end_session(self, session: str) -> tuple[float, float]:
        self._ended.add(session)
        for request in [each for each in self._waiting if each["session"] == session]:
            self._waiting.remove(request)
            self._refuse(request)
        cpu_seconds, memory = self._usage().get(session, [0.0, 0.0])
        keepers = [pid for pid, child in self._children.items() if child.session == session]
        self._end(keepers, lambda: self._processes_of(session).get(session, []))
        self._cpu_of_ended.pop(session, None)
        return cpu_seconds, memory

    def _end_tree(self, pid: int) -> None:
        def below() -> list[psutil.Process]:
            with contextlib.suppress(psutil.Error):
                return psutil.Process(pid).children(recursive=True)
            return []

        if self._is_running(pid):
            self._end([pid], below)

    def _interrupt(self, pid: int) -> None:
        if self._is_running(pid):
            os.kill(pid, signal.SIGINT)  # the keeper passes it on

    def _end(self, keepers: list[int], below: Callable[[], list[psutil.Process]]) -> None:
        """Kill what is below keepers, and wait for them to report that and end.

        They are not killed with the others: what is forked while others die still comes to them.
        """
        deadline = time.monotonic() + KILL_SECONDS
        while (found := below()) or any(pid in self._children for pid in keepers):
            if processes := [process for process in found if is_alive(process)]:
                self._kill(processes)
            elif time.monotonic() < deadline:
                time.sleep(0.001)
            else:  # something keeps them from it
                self._kill([psutil.Process(pid) for pid in keepers if pid in self._children])
            self._reap()

    def _end_everything(self) -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nobody listens any more
        while processes := self._own.children(recursive=True):
            self._kill(processes)

    def _kill(self, processes: list[psutil.Process]) -> None:
        """Kill processes, and wait until they are collected."""
        stop_and_kill(processes)
        deadline = time.monotonic() + KILL_SECONDS
        while time.monotonic() < deadline:
            self._reap()  # not psutil's wait: it would collect the exit codes itself
            if not any(process.is_running() for process in processes):
                return
            time.sleep(0.001)


class ParkedKernel:
    """A kernel that is up and waits to be told whose it is."""

    def __init__(self, pid: int, connection: Path, assignment: int, ready: int) -> None:
        self.pid = pid
        self.connection = connection
        self.assignment = assignment
        self.ready = ready
        self.is_ready = False


def fork_with_keeper(to_report: int, become: Callable[[], NoReturn]) -> int:
    """Fork a keeper that forks a child to become something; returns the keeper's process id."""
    host = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            be_keeper(host, to_report, become)
        finally:
            os._exit(1)
    return pid


def be_keeper(host: int, to_report: int, become: Callable[[], NoReturn]) -> None:
    """Wait for everything below to end, report it, and end then."""
    own = os.getpid()
    signal.set_wakeup_fd(-1)
    process_control(PR_SET_PDEATHSIG, signal.SIGTERM)
    process_control(PR_SET_CHILD_SUBREAPER, 1)
    main = os.fork()
    if main == 0:
        leave_the_host(own)
        become()

    def pass_on(*_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(main, signal.SIGINT)

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, pass_on)
    signal.signal(signal.SIGTERM, end_with_all_below)
    if os.getppid() != host:  # it died before its death could be a signal
        end_with_all_below()
    close_all_but(to_report)  # the pipes to the service above all: it waits for their end
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status, usage = os.wait4(-1, 0)
            if pid == main:
                signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process id may be used anew
            code, spent = os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime
            os.write(to_report, REPORT.pack(own, pid == main, code, spent))
    os._exit(0)


def end_with_all_below(*_: object) -> NoReturn:
    """Kill everything below this keeper, and exit: the host has died, or its time is up."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    own = psutil.Process()
    while processes := own.children(recursive=True):
        stop_and_kill(processes)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        time.sleep(0.001)
    os._exit(1)


def is_alive(process: psutil.Process) -> bool:
    """Whether a process is more than an exit code that is to be collected."""
    with contextlib.suppress(psutil.Error):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def stop_and_kill(processes: list[psutil.Process]) -> None:
    """Kill processes; they are stopped first, so that none can start another one meanwhile."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for process in processes:
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)


def fork_kernel(connection: Path, to_report: int) -> ParkedKernel:
    """Fork a Python kernel that binds its sockets and then waits for its session."""
    assignment_read, assignment_write = os.pipe()
    ready_read, ready_write = os.pipe()
    pid = fork_with_keeper(
        to_report, lambda: become_kernel(connection, assignment_read, ready_write)
    )
    os.close(assignment_read)
    os.close(ready_write)
    return ParkedKernel(pid, connection, assignment_write, ready_read)


def close_all_but(*kept: int) -> None:
    """Close what the host has open, its pipes to other kernels above all."""
    least = 3
    for number in sorted(kept):
        os.closerange(least, number)
        least = number + 1
    os.closerange(least, os.sysconf("SC_OPEN_MAX"))


def leave_the_host(keeper: int) -> None:
    """Make a forked child a leader of its own that dies with its keeper."""
    os.setsid()
    process_control(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != keeper:  # it died before its death could be a signal
        os._exit(1)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)


def become_kernel(connection: Path, assignment: int, ready: int) -> NoReturn:
    """Be a Jupyter kernel: bind, wait for the session's place and environment, serve."""
    try:
        close_all_but(assignment, ready)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(null, 1)
        write_connection_file(connection)
        sys.argv = ["kernel"]
        app: Any = kernel_application()
        app.initialize(["-f", str(connection), "--HistoryManager.enabled=False", "--log-level=50"])
        show_warnings()
        os.write(ready, b"1")
        os.close(ready)
        with os.fdopen(assignment) as pipe:
            place = json.loads(pipe.readline())
        os.environ.clear()
        os.environ.update(place["env"])
        os.chdir(place["cwd"])
        sys.path[:0] = place["path"]
        app.start()
    finally:
        os._exit(0)


def show_warnings() -> None:
    """Show a session the warnings that Python shows by default; the host itself shows none."""
    sys.warnoptions.clear()
    warnings.resetwarnings()
    for category in (
        DeprecationWarning,
        PendingDeprecationWarning,
        ImportWarning,
        ResourceWarning,
    ):
        warnings.simplefilter("ignore", category)
    warnings.filterwarnings("default", category=DeprecationWarning, module="__main__")


def kernel_application() -> Any:
    """Jupyter's kernel, but one whose output waits for its reader instead of being dropped."""
    import zmq
    from ipykernel.kernelapp import IPKernelApp

    class SessionKernelApp(IPKernelApp):
        def init_iopub(self, context: Any) -> None:
            context.setsockopt(zmq.XPUB_NODROP, 1)
            super().init_iopub(context)  # type: ignore[no-untyped-call]

    return SessionKernelApp.instance()


def write_connection_file(connection: Path) -> None:
    """Say where a kernel listens: on sockets in the file system, which only this user can open."""
    channels = ("shell", "iopub", "stdin", "control", "hb")
    content = {
        "transport": "ipc",
        "ip": str(connection.with_suffix("")),
        "key": os.urandom(16).hex(),
        "signature_scheme": "hmac-sha256",
        "kernel_name": "python3",
        **{f"{channel}_port": number for number, channel in enumerate(channels, start=1)},
    }
    connection.touch(mode=0o600)
    connection.write_text(json.dumps(content))


def become_command(request: dict[str, Any]) -> NoReturn:
    """Be another program, with its output going to files."""
    try:
        # Python ignores these two, which an execve keeps.
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(os.open(request["stdout"], flags, 0o600), 1)
        os.dup2(os.open(request["stderr"], flags, 0o600), 2)
        os.chdir(request["cwd"])
        os.execvpe(request["argv"][0], request["argv"], request["env"])
    except OSError as error:
        os.write(2, f"{request['argv'][0]}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def main() -> None:
    """Run the host: the folder for sockets and the number of warm kernels are its arguments."""
    folder, warm_kernels = Path(sys.argv[1]), int(sys.argv[2])
    # Imported before the first fork, so that every kernel finds them in memory.
    for module in ("ipykernel.ipkernel", "ipykernel.kernelapp", "ipykernel.zmqshell"):
        importlib.import_module(module)
    ProcessHost(folder, warm_kernels).run()


if __name__ == "__main__":
    main()
