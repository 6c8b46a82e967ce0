"""How fast the session functions are, how large, and how many of their requests are refused.

Run it with `python benchmarks/session_functions.py`, with `--ended 100000` for an account with a
past. It prints figures and judges none. Each drain is a process of its own, as a Lambda function
is, and hands its answer to nobody; the local service allows 30 requests a second of each
operation, as AWS does by default.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from agentcore_local import LocalAws

LAMBDA = Path(__file__).resolve().parents[1] / "lambda"
RATE = 20.0
UNLIMITED = ("StartCodeInterpreterSession", "CreateCodeInterpreter", "GetCodeInterpreter")

# What runs in a drain's own process: a Delete, the requests counted by their outcome.
DRAIN = """
import json, sys, time
from pathlib import Path
from session_manager import drain
from session_manager.clients import session_client
from session_manager.cloudformation import Request

statuses = []
session_client(None).meta.events.register(
    "after-call", lambda http_response, **rest: statuses.append(http_response.status_code))

class Context:
    def get_remaining_time_in_millis(self):
        return 900_000

started = time.monotonic()
answer = drain.handle(Request("Delete", sys.argv[1], "stack", "Drain", {}), Context())
status = Path("/proc/self/status").read_text().splitlines()
(peak,) = [line.split()[1] for line in status if line.startswith("VmHWM")]
print(json.dumps({
    "seconds": time.monotonic() - started,
    "requests": len(statuses),
    "throttled": statuses.count(429),
    "mebibytes": int(peak) / 1024,
    **answer.data,
}))
"""
TICK = """
from session_manager import janitor
from session_manager.clients import session_client
calls = []
session_client(None).meta.events.register(
    "before-call", lambda model, **rest: calls.append(model.name))

class Context:
    invoked_function_arn = ""
    def get_remaining_time_in_millis(self):
        return 900_000

import sys
janitor.handler({"task": "sweep", "interpreter_id": sys.argv[1]}, Context())
print(calls)
"""
CLIENT = 'boto3.client("bedrock-agentcore", region_name="us-east-1")'
PLAIN = f"import boto3; {CLIENT}"
HANDLER = "import session_manager.{0}; from session_manager.clients import session_client; " + (
    'session_client("us-east-1")'
)


class Interpreter:
    """An interpreter of the local service, with sessions."""

    def __init__(self, aws: LocalAws, name: str) -> None:
        self.aws = aws
        control = aws.client("bedrock-agentcore-control")
        made = control.create_code_interpreter(
            name=name, networkConfiguration={"networkMode": "SANDBOX"}
        )
        self.id = made["codeInterpreterId"]
        while control.get_code_interpreter(codeInterpreterId=self.id)["status"] != "READY":
            aws.admin("POST", "clock", {"advance_seconds": 1})
        self._data = aws.client("bedrock-agentcore")

    def start(self, count: int, seconds: int = 28_800) -> None:
        for _ in range(count):
            self._data.start_code_interpreter_session(
                codeInterpreterIdentifier=self.id, sessionTimeoutSeconds=seconds
            )


def run(aws: LocalAws, script: str, *arguments: str, **environment: str) -> str:
    """Run a script in a process of its own, pointed at the local AWS."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, **aws.environment, "PYTHONPATH": str(LAMBDA), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[-1]


def drained(aws: LocalAws, interpreters: list[Interpreter]) -> list[dict[str, Any]]:
    """Drain interpreters at the same time."""
    share = str(len(interpreters))
    with concurrent.futures.ThreadPoolExecutor(len(interpreters)) as threads:
        outputs = threads.map(
            lambda each: run(aws, DRAIN, each.id, INTERPRETERS=share), interpreters
        )
        return [json.loads(each) for each in outputs]


def show_drains(what: str, results: list[dict[str, Any]], sessions: int) -> None:
    """One line about drains that ran together."""
    seconds = max(each["seconds"] for each in results)
    requests = sum(each["requests"] for each in results)
    throttled = sum(each["throttled"] for each in results)
    allowed = sessions / RATE
    memory = max(each["mebibytes"] for each in results)
    left = {each["LeftSessions"] for each in results}
    print(
        f"{what}: {seconds:.1f} s, {seconds / allowed:.2f} of what the rate allows "
        f"({allowed:.0f} s); {requests} requests, {throttled} refused "
        f"({throttled / requests:.1%}); {memory:.0f} MiB; sessions left: {', '.join(left)}"
    )


def show_imports() -> None:
    """Processor time of importing a handler, beside boto3 and one client; interleaved."""
    scripts = {"boto3": PLAIN} | {
        each: HANDLER.format(each) for each in ("drain", "janitor", "canary")
    }
    figures: dict[str, list[float]] = {name: [] for name in scripts}
    for _ in range(9):
        for name, script in scripts.items():
            started = processor_time()
            subprocess.run(
                [sys.executable, "-c", script],
                env={**os.environ, "PYTHONPATH": str(LAMBDA)},
                check=True,
            )
            figures[name].append(processor_time() - started)
    plain = statistics.median(figures["boto3"])
    for name, seconds in figures.items():
        middle = statistics.median(seconds)
        print(
            f"import {name} and one client: {middle * 1000:.0f} ms, {middle / plain:.2f} of plain "
            f"boto3 ({min(seconds) * 1000:.0f} to {max(seconds) * 1000:.0f} ms, n={len(seconds)})"
        )


def processor_time() -> float:
    """Seconds that processes started from here have used, which others on the machine do not."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ended", type=int, default=2_000, help="ended sessions on the list")
    options = parser.parse_args()
    show_imports()
    rates = dict.fromkeys(UNLIMITED, 1e6)
    limits = {"requests_per_second": rates, "active_sessions": 10**9}
    with LocalAws(enforce_iam=False, limits=limits) as aws:
        one = Interpreter(aws, "One")
        print(f"an idle tick calls: {run(aws, TICK, one.id)}")
        one.start(1000)
        show_drains("one drain of 1000 sessions", drained(aws, [one]), 1000)
        five = [Interpreter(aws, f"Five{number}") for number in range(5)]
        for each in five:
            each.start(200)
        show_drains("five drains of 200 sessions", drained(aws, five), 1000)
        past = Interpreter(aws, "Past")
        past.start(200)
        show_drains("200 sessions", drained(aws, [past]), 200)
        past.start(options.ended, seconds=60)
        aws.admin("POST", "clock", {"advance_seconds": 120})
        past.start(200)
        show_drains(f"200 sessions beside {options.ended} ended", drained(aws, [past]), 200)


if __name__ == "__main__":
    main()
