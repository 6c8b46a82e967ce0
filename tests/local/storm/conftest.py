"""A local AWS of its own for the storm, which resets it, and the templates that it deploys."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentcore_local import LocalAws

from .world import STACK, World

VARIANTS = 32


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Every variant of the stack, synthesized in a process of its own."""
    program = Path(__file__).with_name("variants.py")
    finished = subprocess.run(
        [sys.executable, program, STACK, tmp_path_factory.mktemp("storm"), str(VARIANTS)],
        env={**os.environ, "CDK_VALIDATION": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    found: list[dict[str, Any]] = json.loads(finished.stdout)
    return found


@pytest.fixture(scope="module")
def world(templates: list[dict[str, Any]]) -> Iterator[World]:
    """A stack in a local AWS with IAM on."""
    with LocalAws() as aws:
        yield World(aws, templates)
