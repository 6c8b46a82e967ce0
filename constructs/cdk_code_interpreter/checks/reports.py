"""Findings in the forms that pipelines read: SARIF 2.1.0, JUnit XML and Markdown."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any
from xml.etree import ElementTree

from .catalog import RULES
from .model import CheckLevel, Finding

_SARIF_LEVELS = {CheckLevel.ERROR: "error", CheckLevel.WARNING: "warning", CheckLevel.OFF: "none"}


def as_sarif(findings: Sequence[Finding]) -> str:
    """Return findings as a SARIF log.

    https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
    """
    places = {rule.rule_id: place for place, rule in enumerate(RULES)}
    driver = {
        "name": "cdk-code-interpreter",
        "version": version("cdk-code-interpreter"),
        "rules": [
            {
                "id": rule.rule_id,
                "shortDescription": {"text": rule.meaning},
                "fullDescription": {"text": rule.why},
                "help": {"text": rule.mend},
                "defaultConfiguration": {"level": _SARIF_LEVELS[rule.level]},
            }
            for rule in RULES
        ],
    }
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "results": [_sarif_result(each, places) for each in findings],
            }
        ],
    }
    return f"{json.dumps(log, indent=2)}\n"


def _sarif_result(finding: Finding, places: Mapping[str, int]) -> dict[str, Any]:
    hit = finding.hit
    return {
        "ruleId": finding.rule.rule_id,
        "ruleIndex": places[finding.rule.rule_id],
        "level": _SARIF_LEVELS[finding.level],
        "message": {"text": f"{finding.finding_id}: {finding.rule.meaning} {finding.rule.mend}"},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": hit.template.path}},
                "logicalLocations": [
                    {"fullyQualifiedName": f"{hit.logical_id}/{hit.location}", "kind": "resource"}
                ],
            }
        ],
    }


def as_junit(findings: Sequence[Finding]) -> str:
    """Return findings as JUnit XML: a test case for each rule, which fails where it found an error.

    Warnings stand in the test case's output.
    """
    suite = ElementTree.Element("testsuite", name="cdk-code-interpreter", tests=str(len(RULES)))
    failures = 0
    for rule in RULES:
        case = ElementTree.SubElement(
            suite, "testcase", classname="cdk-code-interpreter", name=rule.rule_id
        )
        found = [each for each in findings if each.rule is rule]
        errors = [each for each in found if each.level is CheckLevel.ERROR]
        if errors:
            failures += 1
            failure = ElementTree.SubElement(case, "failure", message=rule.meaning)
            failure.text = "\n".join(map(_place, errors))
        warnings = [each for each in found if each.level is CheckLevel.WARNING]
        if warnings:
            ElementTree.SubElement(case, "system-out").text = "\n".join(map(_place, warnings))
    suite.set("failures", str(failures))
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ElementTree.tostring(suites, "unicode")}\n'


def _place(finding: Finding) -> str:
    hit = finding.hit
    return f"{finding.finding_id}: {hit.template.path}: {hit.logical_id}/{hit.location}"


def as_markdown(findings: Sequence[Finding]) -> str:
    """Return findings as a Markdown table."""
    lines = ["| level | finding | template | resource | fix |", "|---|---|---|---|---|"]
    for each in findings:
        cells = (
            each.level.value,
            each.finding_id,
            each.hit.template.path,
            each.hit.logical_id,
            each.rule.mend,
        )
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n" if findings else "No findings.\n"


REPORTS: Mapping[str, Callable[[Sequence[Finding]], str]] = {
    "sarif": as_sarif,
    "junit": as_junit,
    "markdown": as_markdown,
}
