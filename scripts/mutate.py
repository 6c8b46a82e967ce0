"""Mutation testing of the session functions' core: `make mutate`.

Each decision is changed in every way that mutmut knows, and some test must notice. What no test
can notice is listed, with the reason why it changes nothing, in `tests/lambda/equivalents.json`;
any other survivor fails the run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
WORK = REPOSITORY / "build" / "mutation"
EQUIVALENTS = REPOSITORY / "tests" / "lambda" / "equivalents.json"
MUTMUT = [sys.executable, "-m", "mutmut"]
Mutant = tuple[str, str, str]


def prepare() -> None:
    """Copy the package to the top of a folder of its own, beside the tests.

    mutmut finds a function that it mutated by the name under which its module is imported, which
    must be the path of the file.
    """
    shutil.rmtree(WORK, ignore_errors=True)
    without_caches = shutil.ignore_patterns("__pycache__")
    shutil.copytree(
        REPOSITORY / "lambda" / "session_manager", WORK / "session_manager", ignore=without_caches
    )
    shutil.copytree(
        REPOSITORY / "tests" / "lambda", WORK / "tests" / "lambda", ignore=without_caches
    )
    shutil.copy(REPOSITORY / "tests" / "conftest.py", WORK / "tests")
    shutil.copy(REPOSITORY / "pyproject.toml", WORK)


def run() -> str:
    """Run mutmut and give back its list of results."""
    jobs = str(os.cpu_count() or 1)
    subprocess.run([*MUTMUT, "run", "--max-children", jobs], cwd=WORK, check=True)
    return _output("results")


def survivors(results: str) -> dict[str, Mutant]:
    """The mutants that no test noticed: where, the line as it is, the line as it was changed."""
    found = {}
    for line in results.splitlines():
        name, _, verdict = line.strip().rpartition(": ")
        if name and verdict not in ("killed", "timeout"):
            found[name] = _describe(name)
    return found


def _describe(name: str) -> Mutant:
    changed = [
        line
        for line in _output("show", name).splitlines()
        if line[:1] in "-+" and not line.startswith(("---", "+++"))
    ]
    removed = " ".join(line[1:].strip() for line in changed if line.startswith("-"))
    added = " ".join(line[1:].strip() for line in changed if line.startswith("+"))
    return name.partition("__mutmut_")[0], removed, added


def _output(*arguments: str) -> str:
    done = subprocess.run(
        [*MUTMUT, *arguments], cwd=WORK, check=True, capture_output=True, text=True
    )
    return done.stdout


def main() -> int:
    """Run, and compare what survives with what is listed."""
    prepare()
    found = survivors(run())
    listed = {
        (each["function"], each["line"], each["mutant"])
        for each in json.loads(EQUIVALENTS.read_text())
    }
    surprises = {name: mutant for name, mutant in found.items() if mutant not in listed}
    for name, (_, line, mutant) in surprises.items():
        print(f"survived, and not listed: {name}\n  - {line}\n  + {mutant}")
    for function, line, mutant in sorted(listed - set(found.values())):
        print(f"listed, but does not survive: {function}\n  - {line}\n  + {mutant}")
    print(f"{len(found)} survivors, {len(found) - len(surprises)} of them listed with a reason")
    return 1 if surprises or listed - set(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
