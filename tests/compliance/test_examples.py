"""What is shown as an example satisfies the rules that are shipped beside it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cdk_code_interpreter.checks import CheckLevel, find, read_templates

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_has_no_error_of_our_own_rules(example: Path, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, example],
        env={**os.environ, "CDK_OUTDIR": str(tmp_path), "CDK_VALIDATION": "false"},
        check=True,
    )
    templates = sorted(tmp_path.glob("*.template.json"))

    found = find(read_templates(templates))

    assert templates
    assert [each.finding_id for each in found if each.level is CheckLevel.ERROR] == []
