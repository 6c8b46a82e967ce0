"""`make bench`: every part, one table, one JSON, compared with the last committed one."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from . import costs, drains, local_aws, records, synthesis, templates
from .figures import Figure
from .page import number, page_of
from .processes import REPOSITORY

RESULTS = Path(__file__).with_name("results")
BASELINE = RESULTS / "baseline.json"
PAGE = REPOSITORY / "docs" / "benchmarks.md"
# A change of less than this is the machine's, not ours.
NOISE = 0.10

PARTS: dict[str, Callable[[], Iterator[Figure]]] = {
    "synthesis": synthesis.synthesis,
    "further": synthesis.further_interpreters,
    "imports": synthesis.imports,
    "templates": templates.templates,
    "costs": costs.costs,
    "functions": drains.functions,
    "drains": drains.drains,
    "records": records.records,
    "local": local_aws.local_aws,
    "deployment": local_aws.deployment,
}


def main() -> int:
    """Measure, tell, and write down; 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=PARTS, help="measure only this part")
    parser.add_argument("--output", type=Path, default=RESULTS / "latest.json")
    parser.add_argument("--baseline", type=Path, default=BASELINE)
    parser.add_argument(
        "--accept",
        action="store_true",
        help="make the figures the baseline (of these parts), and write the page that shows them",
    )
    options = parser.parse_args()
    console = Console()
    measured: dict[str, list[Figure]] = {}
    for part in options.only or PARTS:
        console.print(f"measuring: {part}", style="dim")
        measured[part] = list(PARTS[part]())
    figures = [figure for part in measured.values() for figure in part]
    baseline = _read(options.baseline)
    console.print(_table(figures, {each["name"]: each["value"] for each in baseline["figures"]}))
    missed = [figure.name for figure in figures if not figure.met]
    for name in missed:
        console.print(f"[red]target missed[/red]: {name}")
    report = _report(measured)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    _write(options.output, report)
    console.print(f"written to {options.output}")
    if options.accept:
        kept = [each for each in baseline["figures"] if each["part"] not in measured]
        accepted = {**report, "figures": _in_order([*kept, *report["figures"]])}
        _write(options.baseline, accepted)
        PAGE.write_text(page_of(accepted))
    return 1 if missed else 0


def _read(file: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {"figures": []}
    return read


def _write(file: Path, report: dict[str, Any]) -> None:
    file.write_text(json.dumps(report, indent=2) + "\n")


def _in_order(figures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    parts = list(PARTS)
    return sorted(figures, key=lambda figure: parts.index(figure["part"]))


def _report(measured: dict[str, list[Figure]]) -> dict[str, Any]:
    return {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "processors": psutil.cpu_count(),
            "memory_gibibytes": round(psutil.virtual_memory().total / 2**30),
            "load": round(psutil.getloadavg()[0], 1),
            "python": platform.python_version(),
            "system": platform.system(),
        },
        "versions": {name: version(name) for name in ("aws-cdk-lib", "constructs", "boto3")},
        "figures": [
            {"part": part, **figure.as_json()}
            for part, figures in measured.items()
            for figure in figures
        ],
    }


def _table(figures: list[Figure], baseline: dict[str, float]) -> Table:
    table = Table(title="Benchmarks: medians, with the lowest and the highest")
    table.add_column("figure", overflow="fold")
    for column in ("median", "spread", "target", "baseline"):
        table.add_column(column, justify="right")
    for figure in figures:
        target = "" if figure.target is None else number(figure.target)
        style = "" if figure.met else "red"
        spread = (
            f"{number(figure.low)}-{number(figure.high)} (n={figure.count})"
            if figure.count > 1
            else ""
        )
        value = f"{number(figure.value)} {figure.unit}".strip()
        table.add_row(figure.name, value, spread, target, _change(figure, baseline), style=style)
    return table


def _change(figure: Figure, baseline: dict[str, float]) -> str:
    before = baseline.get(figure.name)
    if not before:
        return "new"
    change = figure.value / before - 1
    text = f"{number(before)} ({change:+.0%})"
    # How many fit into a stack is better when it is larger.
    worse = change < -NOISE if "fit into" in figure.name else change > NOISE
    return f"[yellow]{text}[/yellow]" if worse else text


if __name__ == "__main__":
    sys.exit(main())
