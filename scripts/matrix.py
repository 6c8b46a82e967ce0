"""`make matrix`: the unit tests at the oldest and at the newest aws-cdk-lib that are supported.

Each has an environment of its own, which is kept: the second run installs nothing.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
CDK = ("aws-cdk-lib", "constructs")
# What comes with aws-cdk-lib in a version of its own.
_WITH_IT = re.compile(r"(aws-cdk-lib|constructs|jsii|aws-cdk[.-](asset|cloud).*|cdk-nag)==", re.I)


def main() -> int:
    """Run every entry; 0 if all of them pass."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="default: this one")
    parser.add_argument("--only", choices=("floor", "newest"), help="run just one entry")
    parser.add_argument("--tests", default="tests/unit", help="default: %(default)s")
    options = parser.parse_args()
    requirements = {"floor": floors(), "newest": list(CDK)}
    failed = []
    for name, required in requirements.items():
        if options.only in (None, name):
            environment = REPOSITORY / f".venv-matrix-{name}"
            _prepare(environment, required, options.python)
            print(f"== {name}: {_versions(environment)}", flush=True)
            failed += [name] if _test(environment, options.tests) else []
    print(f"failed: {', '.join(failed)}" if failed else "every entry passed")
    return 1 if failed else 0


def floors() -> list[str]:
    """The lowest versions that pyproject.toml allows, exactly."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    found = []
    for requirement in project["dependencies"]:
        name, _, bounds = requirement.partition(">=")
        lowest = bounds.partition(",")[0]
        # Lower bounds name no patch version.
        found.append(f"{name}=={lowest}{'.0' * (2 - lowest.count('.'))}")
    return found


def _prepare(environment: Path, required: list[str], python: str) -> None:
    ready = environment / ".ready"
    wanted = "\n".join([*required, (REPOSITORY / "constraints.txt").read_text()])
    if ready.exists() and ready.read_text() == wanted:
        return
    _run([python, "-m", "venv", "--clear", environment])
    constraints = environment / "constraints.txt"
    kept = [
        line
        for line in (REPOSITORY / "constraints.txt").read_text().splitlines()
        if not _WITH_IT.match(line)
    ]
    constraints.write_text("\n".join(kept))
    pip = [environment / "bin" / "python", "-m", "pip", "install", "--quiet"]
    _run([*pip, "-c", constraints, "pip"])
    wanted_by_tests = ["-e", ".[local,checks]", "hatchling", "--group", "tests"]
    _run([*pip, "-c", constraints, *required, *wanted_by_tests])
    ready.write_text(wanted)


def _versions(environment: Path) -> str:
    code = (
        "from importlib.metadata import version\n"
        f"print(', '.join(name + ' ' + version(name) for name in {CDK!r}))"
    )
    command = [environment / "bin" / "python", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _test(environment: Path, tests: str) -> int:
    scripts = environment / "bin"
    path = os.pathsep.join([str(scripts), os.environ.get("PATH", "")])
    return subprocess.run(
        [scripts / "python", "-m", "pytest", "-q", "-n", "2", *tests.split()],
        cwd=REPOSITORY,
        env={**os.environ, "PATH": path},
        check=False,
    ).returncode


def _run(command: list[str | Path]) -> None:
    subprocess.run(command, cwd=REPOSITORY, check=True)


if __name__ == "__main__":
    sys.exit(main())
