"""The site builds without a warning, and says all that is public."""

import os
import subprocess
from pathlib import Path

import cdk_code_interpreter


def test_the_site_builds_and_its_reference_has_every_public_name(
    repository: Path, tmp_path: Path
) -> None:
    subprocess.run(
        ["mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)],
        cwd=repository,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        check=True,
    )

    reference = (tmp_path / "reference" / "index.html").read_text()
    assert [name for name in cdk_code_interpreter.__all__ if f">{name}<" not in reference] == []
