"""Judges governed interpreters with every tool there is, and prints one table.

Run by `make compliance`. Ends with 1 if the strict profile has a finding that is neither
acknowledged in the construct that causes it nor documented as false.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from aws_cdk import App
from rich.console import Console
from rich.table import Table

from cdk_code_interpreter.checks import guard_rules

# The apps that are judged are those that the tests judge.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "compliance"))
import governed_apps
import judges

Judgment = tuple[Sequence[judges.Finding], Sequence[judges.Finding]]


def main() -> int:
    """Run every tool over every app."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkov", type=Path, help="checkov, in an environment of its own")
    binary = parser.parse_args().checkov
    apps = [*governed_apps.STRICT, governed_apps.lean]
    with tempfile.TemporaryDirectory() as folder:
        guard = judges.CfnGuard(Path(folder))
        judgments = {
            define: dict(judge(define, Path(folder) / define.__name__, guard, binary))
            for define in apps
        }
    console = Console(width=150)
    table = Table("tool", *(define.__name__.replace("_", " ") for define in apps))
    table.title = "Findings: open / acknowledged or documented as false"
    for tool in judgments[governed_apps.lean]:
        counts = (judgments[define][tool] for define in apps)
        table.add_row(tool, *(f"{len(found)} / {len(explained)}" for found, explained in counts))
    console.print(table)
    for define, by_tool in judgments.items():
        for tool, (found, _) in by_tool.items():
            if found:
                console.print(f"{define.__name__}, {tool}: {listed(found)}")
    return int(
        any(found for define in governed_apps.STRICT for found, _ in judgments[define].values())
    )


def judge(
    define: Callable[[App], None], folder: Path, guard: judges.CfnGuard, binary: Path | None
) -> Iterator[tuple[str, Judgment]]:
    """What each tool finds in one app: what is open, and what is explained."""
    judges.synthesize(define, folder, validate=True)
    templates = judges.templates_of(folder)
    found = judges.pack_findings(folder)
    suppressed = judges.pack_findings(folder, "suppressedViolations")
    for name in (*judges.PLUGIN_NAMES, "CloudFormation Validate"):
        yield name, (found.get(name, []), suppressed.get(name, []))
    yield "cfn-lint", (judges.cfn_lint(templates), [])
    yield "Guard, our own", (guard.broken(guard_rules(), *templates), [])
    tower = guard.broken(guard.control_tower, *templates)
    false = [each for each in tower if each.rule in judges.CONTROL_TOWER_FALSE_POSITIVES]
    yield "Guard, Control Tower", ([each for each in tower if each not in false], false)
    if binary is not None:
        yield "checkov", (judges.checkov(binary, templates), [])


def listed(findings: Sequence[judges.Finding]) -> str:
    """Rules with the number of their findings."""
    counts = Counter(finding.rule.partition("[")[0] for finding in findings)
    return ", ".join(f"{rule} x{count}" for rule, count in sorted(counts.items()))


if __name__ == "__main__":
    sys.exit(main())
