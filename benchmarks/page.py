"""The figures as a page of the documentation, so that what it says is what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Report = Mapping[str, Any]

_BEGINNING = """\
# Benchmarks

<!-- Written by `make bench BENCH=--accept`; do not edit. -->

`make bench` measures all of this again, in about ten minutes, and compares it with the figures
below (`benchmarks/results/baseline.json`); `make bench BENCH="--only synthesis"` measures one
part. Whole processes are run in turns (A B A B), each once before it counts, and a ratio is taken
round by round: what else the machine does hits both sides. Figures are medians, with the lowest and
the highest. Seconds are those of one machine and say little about yours; ratios, counts and dollars
carry over.

The target for each further resource is missed by far: runs on several days found 2.1 to 3.6 times
what the L2 takes. Python talks to the CDK in Node, and each call there and back takes about a
quarter of what the L2 takes for a whole resource, which it makes in one call: a further governed
interpreter needs nearly four calls for each of its resources. What the same resources take with
less stands beside it: as `literals`, each in one call and without a reference, and `linked`, with
the references and dependencies between them, each asked for once. Neither has a type, an L2, a text
that is known at synthesis only, or a construct but the resources. In the run below `linked` leaves
less room than the eight constructs take that a governed interpreter is put together from, one call
each. Reading the alarms from one document (`CfnInclude`) was tried once: it took 7 ms for each
further interpreter, where ours take 12, and 33 ms at its first use.

The target for the synthesis of one interpreter is near: runs on the same day found 1.61 and 1.75
(at most 1.7). Nearly half of what it takes beside the plain L2 is the import and the first use of
`aws_lambda` and what comes with it.
"""
_PARTS = {
    "synthesis": "Synthesis of one interpreter",
    "further": "Each further interpreter",
    "imports": "Imports",
    "templates": "Templates",
    "costs": "What is deployed costs",
    "functions": "Functions",
    "drains": "Drains",
    "records": "Records of the local service",
    "local": "Local AWS",
    "deployment": "Deployments in the local AWS",
}


def page_of(report: Report) -> str:
    """The page, as Markdown."""
    return "\n".join([_BEGINNING, _machine(report), *_sections(report)]) + "\n"


def number(value: float) -> str:
    """A figure with as many digits as it is worth."""
    return f"{value:.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.3g}"


def _machine(report: Report) -> str:
    machine, versions = report["machine"], report["versions"]
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"Measured on {report['measured'][:10]}: {machine['processors']} processors, "
        f"{machine['memory_gibibytes']} GiB, {machine['system']}, Python {machine['python']}, "
        f"{listed}; load at the end {machine['load']}.\n"
    )


def _sections(report: Report) -> Iterator[str]:
    for part, title in _PARTS.items():
        figures = [each for each in report["figures"] if each["part"] == part]
        if not figures:
            continue
        yield f"## {title}\n"
        yield "| figure | median | lowest to highest | at most |\n|---|---:|---:|---:|"
        yield from map(_row, figures)
        yield ""


def _row(figure: Mapping[str, Any]) -> str:
    spread = (
        f"{number(figure['low'])} to {number(figure['high'])} ({figure['count']})"
        if figure["count"] > 1
        else ""
    )
    target = "" if figure["target"] is None else number(figure["target"])
    missed = "" if figure["met"] else " **missed**"
    value = f"{number(figure['value'])} {figure['unit']}".strip()
    return f"| {figure['name']} | {value}{missed} | {spread} | {target} |"
