"""The tools that judge synthesized apps, and what each of them found."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import subprocess
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cdk_nag
from aws_cdk import App, IPolicyValidationPlugin, Validations

from cdk_code_interpreter import CodeInterpreterChecks

PACKS = (
    CodeInterpreterChecks,
    cdk_nag.AwsSolutionsChecks,
    cdk_nag.HIPAASecurityChecks,
    cdk_nag.NIST80053R4Checks,
    cdk_nag.NIST80053R5Checks,
    cdk_nag.PCIDSS321Checks,
    cdk_nag.ServerlessChecks,
)
PLUGIN_NAMES = (
    "CodeInterpreter",
    "AwsSolutions",
    "HIPAA.Security",
    "NIST.800.53.R4",
    "NIST.800.53.R5",
    "PCI.DSS.321",
    "Serverless",
)
# Control Tower's rules know neither that a queue is the dead letter queue itself, nor that the
# account may use its own key, nor functions of the CDK that have no options.
CONTROL_TOWER_FALSE_POSITIVES = {
    "sqs_dlq_check": "the queue is the dead letter queue",
    "kms_create_grant_aws_service_check": "the default key policy of the CDK, for the account",
    "lambda_inside_vpc_check": "the function of the CDK that closes default security groups",
}


@dataclass(frozen=True)
class Finding:
    """One finding of one tool."""

    rule: str
    where: str


def synthesize(define: Callable[[App], None], folder: Path, *, validate: bool = False) -> Path:
    """Synthesize an app with every pack; the report says what they found."""
    app = App(
        outdir=str(folder),
        builtin_cloud_formation_validation=validate,
        context={"@aws-cdk/core:failSynthOnValidationErrors": False},
    )
    define(app)
    plugins: list[IPolicyValidationPlugin] = [pack(app) for pack in PACKS]
    Validations.of(app).add_plugins(*plugins)
    app.synth()
    return folder


def templates_of(folder: Path) -> list[Path]:
    """Every template of an assembly, those of stages and nested stacks too."""
    return sorted(folder.rglob("*.template.json"))


def plugin_reports(folder: Path) -> list[dict[str, Any]]:
    """What the plugins reported, one entry for each that had anything to say."""
    report = folder / "validation-report.json"
    return list(json.loads(report.read_text())["pluginReports"]) if report.exists() else []


def pack_findings(folder: Path, key: str = "violations") -> dict[str, list[Finding]]:
    """Findings of each plugin, or what was acknowledged (``suppressedViolations``)."""
    return {
        report["pluginName"]: [
            Finding(violation["ruleName"], construct["constructPath"])
            for violation in report.get(key) or []
            for construct in violation["violatingConstructs"]
        ]
        for report in plugin_reports(folder)
    }


def cfn_lint(templates: Sequence[Path]) -> list[Finding]:
    """Findings of cfn-lint, without W3005: Lambda's L2 repeats dependencies."""
    command = ["cfn-lint", "--format", "json", "--ignore-checks", "W3005", "--"]
    done = subprocess.run(
        [*command, *map(str, templates)], capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    return [
        Finding(match["Rule"]["Id"], "/".join(map(str, match["Location"]["Path"])))
        for match in json.loads(done.stdout)
    ]


class CfnGuard:
    """The native cfn-guard, out of the package `cdklabs.cdk-validator-cfnguard`."""

    def __init__(self, folder: Path) -> None:
        files = importlib.metadata.files("cdklabs.cdk-validator-cfnguard") or []
        archive = next(file for file in files if file.name.endswith(".jsii.tgz"))
        with tarfile.open(Path(archive.locate())) as packed:
            packed.extractall(folder, filter="data")
        system = {"Darwin": "macos", "Linux": "ubuntu"}[platform.system()]
        machine = "aarch64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
        self._binary = folder / "package" / "bin" / system / machine / "cfn-guard"
        self._binary.chmod(0o755)
        self.control_tower = folder / "package" / "rules"

    def run(self, rules: Path, *data: Path) -> list[dict[str, Any]]:
        """Outcomes of every template; rules that do not parse are an error."""
        command = [str(self._binary), "validate", "--rules", str(rules)]
        for path in data:
            command += ["--data", str(path)]
        options = ["--structured", "--output-format", "json", "--show-summary", "none"]
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
        # A rule file that does not parse is told on stderr, and then every template passes.
        assert not done.stderr, done.stderr
        return list(json.loads(done.stdout))

    def broken(self, rules: Path, *data: Path) -> list[Finding]:
        """Broken rules, each with the template that breaks it."""
        outcomes = self.run(rules, *data)
        assert len(outcomes) == len(data)
        return [
            Finding(broken["Rule"]["name"], outcome["name"])
            for outcome in outcomes
            for broken in outcome["not_compliant"]
        ]


def checkov(binary: Path, templates: Sequence[Path]) -> list[Finding]:
    """Failed checks of checkov, which needs an environment of its own."""
    files = [argument for path in templates for argument in ("--file", str(path))]
    options = ["--framework", "cloudformation", "--output", "json", "--compact", "--quiet"]
    done = subprocess.run(
        [str(binary), *files, *options, "--skip-download"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert report["summary"]["passed"] > 0
    failed = report["results"]["failed_checks"]
    return [Finding(check["check_id"], check["resource"]) for check in failed]
