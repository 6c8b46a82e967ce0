"""Every Python block of the documentation runs."""

import re
import textwrap
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^( *)```python\n(.*?)^\1```", flags=re.MULTILINE | re.DOTALL)


def documents() -> list[Path]:
    """The README and every page of the documentation."""
    return [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]


def blocks() -> list[object]:
    """Each Python block, named by its file and the line it begins at."""
    found: list[object] = []
    for document in documents():
        text = document.read_text()
        for match in BLOCK.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            name = f"{document.relative_to(REPOSITORY)}:{line}"
            found.append(pytest.param(textwrap.dedent(match.group(2)), id=name))
    return found


# AWS's own SDK for agents uses what pydantic has deprecated.
@pytest.mark.filterwarnings("ignore:Support for class-based `config`:DeprecationWarning")
@pytest.mark.parametrize("code", blocks())
def test_block_runs(
    code: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Relative assets of the examples are found, and nothing is written into the repository.
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("CDK_OUTDIR", str(tmp_path))
    monkeypatch.setenv("CDK_VALIDATION", "false")
    if "bedrock_agentcore." in code:  # an agent's code: it calls the service
        for name, value in request.getfixturevalue("local_aws").environment.items():
            monkeypatch.setenv(name, value)

    exec(compile(code, "documentation", "exec"), {"__name__": "__main__"})
