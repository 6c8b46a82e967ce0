"""How quick and how large the local AWS is: start, sessions, round trips, memory.

Run it with `python benchmarks/local_sessions.py`. It prints figures and judges none: what is
quick on one machine is slow on another.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from typing import Any

import psutil

from agentcore_local import LocalAws

SYSTEM = "aws.codeinterpreter.v1"
AT_ONCE = 50


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


def show(what: str, seconds: list[float]) -> None:
    """One line: the median, and the spread around it."""
    ordered = sorted(seconds)
    middle = statistics.median(ordered) * 1000
    low, high = ordered[0] * 1000, ordered[-1] * 1000
    print(f"{what:<44} {middle:8.1f} ms   ({low:.1f} to {high:.1f}, n={len(ordered)})")


def timed(action: Callable[[], Any]) -> float:
    """How long something takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    show("start of the local AWS", [timed(start_and_stop) for _ in range(3)])
    # Without the rates of a real account: they are what would be measured.
    with LocalAws(limits={"requests_per_second": 10_000}) as aws:
        sessions = Sessions(aws)
        server = psutil.Process(aws.pid)
        kept = [sessions.start_and_print()]
        print(f"memory of the server itself at first: {memory_of(server)} MiB")
        show("session, from start to its first print", measure_first_prints(sessions, kept))
        show("print in Python", measure_code(sessions, kept[0], "print(1)"))
        typescript = {"language": "typescript"}
        node = {"language": "javascript", "runtime": "nodejs"}
        for language in (typescript, node):
            what = f"console.log in {' on '.join(language.values())}"
            show(what, measure_code(sessions, kept[0], "console.log(1)", **language))
        for session in kept:
            sessions.stop(session)
        many: list[str] = []
        threads = [
            threading.Thread(target=lambda: many.append(sessions.start_and_print()))
            for _ in range(AT_ONCE)
        ]
        seconds = timed(lambda: run_all(threads))
        print(f"{AT_ONCE} sessions at once, each with a print: {seconds:.1f} s")
        print(f"memory of the server itself with them: {memory_of(server)} MiB")
        show("stop of a session", [timed(lambda each=each: sessions.stop(each)) for each in many])


def memory_of(process: psutil.Process) -> int:
    """Resident memory in MiB."""
    return round(process.memory_info().rss / 2**20)


def measure_code(sessions: Sessions, session: str, code: str, **language: str) -> list[float]:
    """Run code again and again, once before it counts."""
    sessions.run(session, code, **language)
    return [timed(lambda: sessions.run(session, code, **language)) for _ in range(100)]


def start_and_stop() -> None:
    """Start a server; its end is in the figure, as it is in a test's."""
    with LocalAws():
        pass


def measure_first_prints(sessions: Sessions, kept: list[str]) -> list[float]:
    """Start sessions one after the other, a moment apart, as a warm pool expects it."""
    figures = []
    for _ in range(10):
        time.sleep(0.3)
        figures.append(timed(lambda: kept.append(sessions.start_and_print())))
    return figures


def run_all(threads: list[threading.Thread]) -> None:
    """Run threads to their end."""
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
