"""How quick and how large the local AWS is: start, deployment, sessions, round trips, memory."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil

from agentcore_local import LocalAws

from .figures import Figure, counted, measured
from .processes import REPOSITORY

SYSTEM = "aws.codeinterpreter.v1"
AT_ONCE = 50
STACK = "CodeInterpreterExample"


class Sessions:
    """Starts sessions and runs code in them, through boto3."""

    def __init__(self, aws: LocalAws) -> None:
        self._data = aws.client("bedrock-agentcore")

    def start(self) -> str:
        answer = self._data.start_code_interpreter_session(codeInterpreterIdentifier=SYSTEM)
        return str(answer["sessionId"])

    def run(self, session: str, code: str, **language: str) -> dict[str, Any]:
        answer = self._data.invoke_code_interpreter(
            codeInterpreterIdentifier=SYSTEM,
            sessionId=session,
            name="executeCode",
            arguments={"code": code, **language},
        )
        return next(iter(answer["stream"]))["result"]

    def stop(self, session: str) -> None:
        self._data.stop_code_interpreter_session(
            codeInterpreterIdentifier=SYSTEM, sessionId=session
        )

    def start_and_print(self) -> str:
        session = self.start()
        self.run(session, "print(1)")
        return session


def local_aws() -> Iterator[Figure]:
    """The server's start, and its sessions."""
    yield measured("local AWS: start, first answer", [_start() for _ in range(5)], "s", target=3)
    # Without the rates of a real account: they are what would be measured.
    with LocalAws(limits={"requests_per_second": 10_000}) as aws:
        sessions, server = Sessions(aws), psutil.Process(aws.pid)
        kept = [sessions.start_and_print()]
        yield measured(
            "local AWS: session, from start to its first print",
            _first_prints(sessions, kept),
            "s",
            target=0.3,
        )
        yield from _round_trips(sessions, kept[0])
        for session in kept:
            sessions.stop(session)
        yield counted("local AWS: memory of the server", _memory(server), "MiB", target=100)
        yield from _at_once(sessions)
        yield counted(f"local AWS: memory after {AT_ONCE} sessions at once", _memory(server), "MiB")


def deployment() -> Iterator[Figure]:
    """`cdk deploy` and `cdk destroy` of app.py, as a user types them."""
    with LocalAws() as aws:
        yield measured("local AWS: cdk bootstrap", [_timed(aws.bootstrap)], "s")
        deploys, destroys = [], []
        for _ in range(3):
            deploys.append(
                _timed(lambda: aws.cdk("deploy", "--require-approval", "never", cwd=REPOSITORY))
            )
            destroys.append(_timed(lambda: aws.cdk("destroy", "--force", cwd=REPOSITORY)))
    yield measured("local AWS: cdk deploy of app.py", deploys, "s")
    yield measured("local AWS: cdk destroy of app.py", destroys, "s")


def _round_trips(sessions: Sessions, session: str) -> Iterator[Figure]:
    for name, target, language in (
        ("Python", 30, {"language": "python"}),
        ("TypeScript", None, {"language": "typescript"}),
        ("JavaScript on Node", None, {"language": "javascript", "runtime": "nodejs"}),
    ):
        code = "print(1)" if name == "Python" else "console.log(1)"
        run = functools.partial(sessions.run, session, code, **language)
        run()
        values = [1000 * _timed(run) for _ in range(100)]
        yield measured(f"local AWS: round trip of a print, {name}", values, "ms", target=target)


def _at_once(sessions: Sessions) -> Iterator[Figure]:
    many: list[str] = []
    threads = [
        threading.Thread(target=lambda: many.append(sessions.start_and_print()))
        for _ in range(AT_ONCE)
    ]

    def run_all() -> None:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    seconds = _timed(run_all)
    if len(many) != AT_ONCE:
        raise RuntimeError(f"{len(many)} of {AT_ONCE} sessions ran")
    yield counted(f"local AWS: {AT_ONCE} sessions at once, each with a print", seconds, "s")
    stops = [_timed(lambda each=each: sessions.stop(each)) for each in many]
    yield measured("local AWS: stop of a session", stops, "s")


def _start() -> float:
    aws = LocalAws()
    try:
        return _timed(aws.start)
    finally:
        aws.stop()


def _memory(process: psutil.Process) -> float:
    return float(process.memory_info().rss / 2**20)


def _first_prints(sessions: Sessions, kept: list[str]) -> list[float]:
    """Start sessions one after the other, a moment apart, as a warm pool expects it."""
    values = []
    for _ in range(10):
        time.sleep(0.3)
        values.append(_timed(lambda: kept.append(sessions.start_and_print())))
    return values


def _timed(action: Callable[[], Any]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started
