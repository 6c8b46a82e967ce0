"""Times whole processes, in turns: A B A B, so that what else the machine does hits both."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Run:
    """One process, from its start to its end, with all that it waited for.

    Attributes:
        seconds: Of the clock on the wall.
        cpu_seconds: Of all processors.
        peak_mebibytes: The most memory of its largest single process.
    """

    seconds: float
    cpu_seconds: float
    peak_mebibytes: float


def run_once(command: Sequence[str | Path], *, environment: Mapping[str, str] | None = None) -> Run:
    """Run a command that must succeed."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    errors = process.stderr.read()
    _pid, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}: {errors.decode()[-2000:]}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def in_turns(
    commands: Mapping[str, Sequence[str | Path]],
    *,
    rounds: int,
    environments: Mapping[str, Mapping[str, str]] | None = None,
) -> dict[str, list[Run]]:
    """Run every command once to warm up, then all of them in turns."""
    environments = environments or {}
    found: dict[str, list[Run]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            run = run_once(command, environment=environments.get(name))
            if turn:
                found[name].append(run)
    return found


def seconds(runs: Sequence[Run]) -> list[float]:
    return [run.seconds for run in runs]
