"""`make storm`: many random lives of a stack, several at a time, with a seed to repeat them by."""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
TEST = "tests/local/storm/test_storm.py"
LIVES = "stacks' lives"
SECONDS_BETWEEN_WORDS = 60


def main() -> int:
    """Run the storm; 0 if every invariant held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=200, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="default: random")
    parser.add_argument("--at-once", type=int, default=4, help="default: %(default)s")
    options = parser.parse_args()
    repeat = f"--examples {options.examples} --seed {options.seed} --at-once {options.at_once}"
    print(f"The storm {repeat}", flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        code = _run(options, Path(folder), started)
        _tell(Path(folder), time.monotonic() - started)
    if code:
        print(f"Repeat it with: python scripts/storm.py {repeat}")
    return code


def _run(options: argparse.Namespace, folder: Path, started: float) -> int:
    environment = {
        **os.environ,
        "STORM_EXAMPLES": str(options.examples),
        "STORM_SEED": str(options.seed),
        "STORM_SHARDS": str(options.at_once),
        "STORM_TALLY": str(folder),
    }
    # Nothing but the storm: beside other tests, xdist lets shards wait for each other.
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(options.at_once), TEST]
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment) as process:
        while True:
            try:
                return process.wait(SECONDS_BETWEEN_WORDS)
            except subprocess.TimeoutExpired:
                lives, seconds = _total(folder)[LIVES], time.monotonic() - started
                print(f"{lives} lives began in {seconds:.0f} seconds", flush=True)


def _total(folder: Path) -> Counter[str]:
    total: Counter[str] = Counter()
    for file in folder.glob("*.json"):
        total.update(json.loads(file.read_text()))
    return total


def _tell(folder: Path, seconds: float) -> None:
    for what, count in sorted(_total(folder).items()):
        print(f"{count:7} {what}")
    print(f"{seconds:7.0f} seconds")


if __name__ == "__main__":
    sys.exit(main())
