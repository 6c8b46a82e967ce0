"""`agentcore-local evidence`: what an auditor is given about an app that was synthesized."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from agentcore_local.evidence import collect_evidence, evidence_rows, write_evidence

_COLORS = {"met": "green", "acknowledged": "yellow", "not met": "red"}


def add_command(commands: Any) -> None:
    """Add the command to the parser's commands."""
    text = "write evidence for an auditor about a synthesized app"
    command = commands.add_parser("evidence", help=text, description=text)
    command.add_argument("assembly", type=Path, help="the folder that `cdk synth` wrote: cdk.out")
    command.add_argument("-o", "--output", type=Path, help="a file for all of it, as JSON")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    evidence = collect_evidence(options.assembly)
    if options.output is not None:
        write_evidence(evidence, options.output)
    table = Table("stack", "rule", "status", "resources")
    for stack, rule, status, _, resources in evidence_rows(evidence):
        table.add_row(stack, rule, f"[{_COLORS[status]}]{status}[/]", resources)
    console = Console()
    console.print(table)
    for stack in evidence["stacks"]:
        for each in stack["acknowledgments"]:
            console.print(f"{each['construct']}: {each['id']}: {each['reason']}", markup=False)
