"""What the compliance tests share: the native `cfn-guard`, and synthesis with plugins."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, IPolicyValidationPlugin, Validations

from .judges import CfnGuard, synthesize

Report = dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def cfn_guard(tmp_path_factory: pytest.TempPathFactory) -> CfnGuard:
    """The native cfn-guard."""
    return CfnGuard(tmp_path_factory.mktemp("cfn-guard"))


@pytest.fixture(scope="session")
def assembly_of(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[Callable[[App], None]], Path]:
    """Synthesizes an app with every pack, once for each way to define it."""
    done: dict[Callable[[App], None], Path] = {}

    def run(define: Callable[[App], None]) -> Path:
        if define not in done:
            done[define] = synthesize(define, tmp_path_factory.mktemp(define.__name__))
        return done[define]

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

    return run
