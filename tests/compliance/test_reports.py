"""`cdk-code-interpreter check`, and the forms in which pipelines read it."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cdk_code_interpreter.checks import RULES
from cdk_code_interpreter.checks.command import main

from .rule_cases import CASES, MENDED

BROKEN = next(case for case in CASES if case.rule == "PublicNetwork")


@pytest.fixture
def templates(tmp_path: Path) -> dict[str, str]:
    bodies = {"broken": BROKEN.template(), "mended": MENDED}
    for name, body in bodies.items():
        (tmp_path / f"{name}.template.json").write_text(json.dumps(body))
    return {name: str(tmp_path / f"{name}.template.json") for name in bodies}


def check(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["check", *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_a_finding_ends_the_command_with_one(
    templates: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(templates["broken"]) == 1
    shown = capsys.readouterr().out
    assert f"error: {templates['broken']}: Interpreter: CodeInterpreter-PublicNetwork" in shown
    assert "Fix: " in shown
    assert check(templates["broken"], "--fail-on", "never") == 0
    assert check(templates["mended"]) == 0


def test_what_cannot_be_read_ends_the_command_with_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(str(tmp_path / "absent.json")) == 2
    assert "absent.json" in capsys.readouterr().err


def test_sarif_names_rule_template_and_resource(templates: dict[str, str], tmp_path: Path) -> None:
    output = tmp_path / "report.sarif"
    assert check(templates["broken"], "--format", "sarif", "-o", str(output)) == 1
    log = json.loads(output.read_text())
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    rules = run["tool"]["driver"]["rules"]
    (result,) = run["results"]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "CodeInterpreter-PublicNetwork"
    (location,) = result["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == templates["broken"]
    assert location["logicalLocations"][0]["fullyQualifiedName"].startswith("Interpreter/")


def test_junit_has_a_case_for_each_rule(templates: dict[str, str], tmp_path: Path) -> None:
    output = tmp_path / "report.xml"
    check(templates["broken"], "--format", "junit", "-o", str(output))
    (suite,) = ElementTree.parse(output).getroot()
    assert (suite.get("tests"), suite.get("failures")) == (str(len(RULES)), "1")
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert failed == ["CodeInterpreter-PublicNetwork"]


def test_markdown_is_a_table(templates: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    check(templates["broken"], "--format", "markdown")
    header, _, row = capsys.readouterr().out.strip().splitlines()
    assert header.count("|") == row.count("|")
    check(templates["mended"], "--format", "markdown")
    assert capsys.readouterr().out == "No findings.\n"
