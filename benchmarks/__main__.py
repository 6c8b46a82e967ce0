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

RESULTS = Path(__file__).with_name("results")
BASELINE = RESULTS / "baseline.json"
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
    options = parser.parse_args()
    console = Console()
    figures: list[Figure] = []
    for name in options.only or PARTS:
        console.print(f"measuring: {name}", style="dim")
        figures += PARTS[name]()
    baseline = _read(options.baseline)
    console.print(_table(figures, baseline))
    missed = [figure.name for figure in figures if not figure.met]
    for name in missed:
        console.print(f"[red]target missed[/red]: {name}")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(_report(figures), indent=2) + "\n")
    console.print(f"written to {options.output}")
    return 1 if missed else 0


def _read(file: Path) -> dict[str, float]:
    if not file.exists():
        return {}
    return {each["name"]: each["value"] for each in json.loads(file.read_text())["figures"]}


def _report(figures: list[Figure]) -> dict[str, Any]:
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
        "figures": [figure.as_json() for figure in figures],
    }


def _table(figures: list[Figure], baseline: dict[str, float]) -> Table:
    table = Table(title="Benchmarks: medians, with the lowest and the highest")
    table.add_column("figure", overflow="fold")
    for column in ("median", "spread", "target", "baseline"):
        table.add_column(column, justify="right")
    for figure in figures:
        target = "" if figure.target is None else f"{_number(figure.target)}"
        style = "" if figure.met else "red"
        spread = (
            f"{_number(figure.low)}-{_number(figure.high)} (n={figure.count})"
            if figure.count > 1
            else ""
        )
        value = f"{_number(figure.value)} {figure.unit}".strip()
        table.add_row(figure.name, value, spread, target, _change(figure, baseline), style=style)
    return table


def _change(figure: Figure, baseline: dict[str, float]) -> str:
    before = baseline.get(figure.name)
    if not before:
        return "new"
    change = figure.value / before - 1
    text = f"{_number(before)} ({change:+.0%})"
    # How many fit into a stack is better when it is larger.
    worse = change < -NOISE if "fit into" in figure.name else change > NOISE
    return f"[yellow]{text}[/yellow]" if worse else text


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    sys.exit(main())
