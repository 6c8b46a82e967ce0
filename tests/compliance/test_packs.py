"""What rule packs and linters say of governed interpreters, and what was acknowledged and why."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from aws_cdk import App, CfnResource, Stack

from cdk_code_interpreter.checks import guard_rules

from . import governed_apps as apps
from .judges import (
    CONTROL_TOWER_FALSE_POSITIVES,
    CfnGuard,
    cfn_lint,
    pack_findings,
    plugin_reports,
    synthesize,
    templates_of,
)

Define = Callable[[App], None]
AssemblyOf = Callable[[Define], Path]

# What the lean profile leaves open; the compliance guide explains each.
LEAN = {
    "Janitor",
    "SandboxNetwork",
    "CloudWatchLogGroupEncrypted",
    "LambdaConcurrency",
    "LambdaDLQ",
    "LambdaInsideVPC",
    "LambdaTracing",
    "SNSEncryptedKMS",
}
EVERY_STRICT = pytest.mark.parametrize("define", apps.STRICT, ids=lambda define: define.__name__)


def violations(folder: Path) -> set[tuple[str, str]]:
    return {
        (finding.rule, finding.where)
        for findings in pack_findings(folder).values()
        for finding in findings
    }


@EVERY_STRICT
def test_the_strict_profile_has_no_finding(define: Define, assembly_of: AssemblyOf) -> None:
    assert violations(assembly_of(define)) == set()


def test_what_is_beside_it_is_judged_by_itself(assembly_of: AssemblyOf) -> None:
    found = violations(assembly_of(apps.beside_an_l2))
    assert found
    assert all(path.startswith("Stack/Plain/") for _, path in found)


@pytest.mark.parametrize("define", [*apps.STRICT, apps.beside_an_l2, apps.lean])
def test_every_acknowledgment_is_used_and_reasoned(define: Define, assembly_of: AssemblyOf) -> None:
    folder = assembly_of(define)
    declared = {
        (rule_id, path.strip("/"))
        for file in folder.rglob("*.metadata.json")
        for path, entries in json.loads(file.read_text()).items()
        for entry in entries
        if entry["type"] == "aws:cdk:acknowledged-rules"
        for rule_id in entry["data"]
        # CDK's own, for its own validation of templates, which has a test of its own.
        if not rule_id.startswith("CloudFormation-Validate::")
    }
    suppressed = [
        violation
        for report in plugin_reports(folder)
        for violation in report.get("suppressedViolations") or []
    ]
    used = {(each["acknowledgedId"], each["acknowledgedAt"]) for each in suppressed}
    assert declared
    assert declared == used
    assert all(len(each["reason"]) > 20 for each in suppressed)


@EVERY_STRICT
def test_no_more_than_three_kinds_of_finding_are_acknowledged(
    define: Define, assembly_of: AssemblyOf
) -> None:
    suppressed = pack_findings(assembly_of(define), "suppressedViolations")
    kinds = {
        re.sub(r"\[.*", "", finding.rule)
        for findings in suppressed.values()
        for finding in findings
    }
    assert kinds == {"AwsSolutions-IAM5", "Serverless-SQSRedrivePolicy"}


def test_the_lean_profile_has_the_findings_that_are_documented(assembly_of: AssemblyOf) -> None:
    found = violations(assembly_of(apps.lean))
    assert {rule.partition("[")[0].rpartition("-")[2] for rule, _ in found} == LEAN


def test_everything_is_kept_for_a_year_with_a_key_under_the_strict_profile(
    assembly_of: AssemblyOf,
) -> None:
    groups = [
        resource["Properties"]
        for template in templates_of(assembly_of(apps.one))
        for resource in json.loads(template.read_text())["Resources"].values()
        if resource["Type"] == "AWS::Logs::LogGroup"
    ]
    assert {group["RetentionInDays"] for group in groups} == {365}
    assert all("KmsKeyId" in group for group in groups)


def test_cfn_lint_has_no_finding(assembly_of: AssemblyOf) -> None:
    templates = [
        template
        for define in (*apps.STRICT, apps.beside_an_l2, apps.lean)
        for template in templates_of(assembly_of(define))
    ]
    assert cfn_lint(templates) == []


def test_control_tower_finds_documented_false_positives_only(
    assembly_of: AssemblyOf, cfn_guard: CfnGuard
) -> None:
    templates = [path for define in apps.STRICT for path in templates_of(assembly_of(define))]
    found = {finding.rule for finding in cfn_guard.broken(cfn_guard.control_tower, *templates)}
    assert found == set(CONTROL_TOWER_FALSE_POSITIVES)


def test_our_own_guard_rules_have_no_finding(assembly_of: AssemblyOf, cfn_guard: CfnGuard) -> None:
    templates = [path for define in apps.STRICT for path in templates_of(assembly_of(define))]
    assert cfn_guard.broken(guard_rules(), *templates) == []


def test_the_validation_of_the_cdk_would_find_something(tmp_path: Path) -> None:
    def wrong(app: App) -> None:
        properties = {"NoSuchProperty": 1}
        CfnResource(Stack(app, "Stack"), "Topic", type="AWS::SNS::Topic", properties=properties)

    reports = pack_findings(synthesize(wrong, tmp_path, validate=True))
    assert reports["CloudFormation Validate"]


@pytest.mark.parametrize("define", [apps.one, apps.in_a_private_network, apps.lean])
def test_the_validation_of_the_cdk_has_no_finding(define: Define, tmp_path: Path) -> None:
    reports = pack_findings(synthesize(define, tmp_path, validate=True))
    assert reports.get("CloudFormation Validate", []) == []
