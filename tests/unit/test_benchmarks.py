"""What the documentation says of figures is what `make bench` found."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def report(repository: Path) -> dict[str, Any]:
    """The figures that were accepted last."""
    read: dict[str, Any] = json.loads(
        (repository / "benchmarks" / "results" / "baseline.json").read_text()
    )
    return read


def test_the_page_shows_the_accepted_figures(repository: Path, report: dict[str, Any]) -> None:
    page_of = runpy.run_path(str(repository / "benchmarks" / "page.py"))["page_of"]

    assert (repository / "docs" / "benchmarks.md").read_text() == page_of(report)


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("bare", "`CodeInterpreter`"),
        ("governed", "`GovernedCodeInterpreter`"),
        ("strict", "`GovernedCodeInterpreter`, strict profile"),
    ],
)
def test_the_limits_of_a_stack_are_those_that_were_counted(
    repository: Path, report: dict[str, Any], kind: str, row: str
) -> None:
    figures = {each["name"]: each["value"] for each in report["figures"]}
    fit = f"{kind} interpreters that fit into a stack"

    assert (
        f"| {row} | {figures[fit]} | {figures[f'{fit} without indentation']} |"
        in (repository / "docs" / "unknowns.md").read_text()
    )


@pytest.mark.parametrize(
    "name",
    [
        "monthly cost of a stack with one interpreter, governed",
        "monthly cost of each further interpreter, governed",
        "monthly cost of a stack with one interpreter, strict",
    ],
)
def test_the_costs_of_what_governs_are_those_that_were_counted(
    repository: Path, report: dict[str, Any], name: str
) -> None:
    (dollars,) = [each["value"] for each in report["figures"] if each["name"] == name]

    assert f"${dollars:.3g} " in (repository / "docs" / "cost.md").read_text()
