"""What the compliance tests share: the native `cfn-guard`, and synthesis with plugins."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, IPolicyValidationPlugin, Validations

Report = dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def cfn_guard_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked npm package inside `cdklabs.cdk-validator-cfnguard`: binaries and rules."""
    files = importlib.metadata.files("cdklabs.cdk-validator-cfnguard") or []
    archive = next(file for file in files if file.name.endswith(".jsii.tgz"))
    folder = tmp_path_factory.mktemp("cfn-guard")
    with tarfile.open(Path(archive.locate())) as packed:
        packed.extractall(folder, filter="data")
    return folder / "package"


@pytest.fixture(scope="session")
def guard(cfn_guard_package: Path) -> Callable[[Path, Path], Report]:
    """Runs the native cfn-guard: rules, folder of templates -> outcome by file stem."""
    system = {"Darwin": "macos", "Linux": "ubuntu"}[platform.system()]
    machine = "aarch64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    binary = cfn_guard_package / "bin" / system / machine / "cfn-guard"
    binary.chmod(0o755)

    def run(rules: Path, templates: Path) -> Report:
        command = [str(binary), "validate", "--rules", str(rules), "--data", str(templates)]
        options = ["--structured", "--output-format", "json", "--show-summary", "none"]
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
        # A rule file that does not parse is told on stderr, and then every template passes.
        assert not done.stderr, done.stderr
        outcomes = json.loads(done.stdout)
        return {Path(outcome["name"]).stem: outcome for outcome in outcomes}

    return run


@pytest.fixture
def new_app(tmp_path: Path) -> App:
    """An app that writes its report and goes on, whatever the plugins find."""
    return App(
        outdir=str(tmp_path / "cdk.out"),
        builtin_cloud_formation_validation=False,
        context={"@aws-cdk/core:failSynthOnValidationErrors": False},
    )


@pytest.fixture
def report_of() -> Callable[[App, Sequence[IPolicyValidationPlugin]], Report]:
    """Synthesizes with plugins and gives their reports, by plugin name."""

    def run(app: App, plugins: Sequence[IPolicyValidationPlugin]) -> Report:
        Validations.of(app).add_plugins(*plugins)
        assembly = app.synth()
        report = Path(assembly.directory) / "validation-report.json"
        if not report.exists():
            return {}
        reports = json.loads(report.read_text())["pluginReports"]
        return {entry["pluginName"]: entry for entry in reports}

    os.environ.pop("CDK_VALIDATION", None)
    return run
