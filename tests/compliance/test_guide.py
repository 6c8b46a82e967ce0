"""The compliance guide says what the tools say."""

from __future__ import annotations

from pathlib import Path

from cdk_code_interpreter.checks import RULES

from .judges import CONTROL_TOWER_FALSE_POSITIVES
from .test_packs import LEAN


def guide(repository: Path) -> str:
    return (repository / "docs" / "compliance.md").read_text()


def test_the_guide_has_every_rule_as_it_is(repository: Path) -> None:
    text = guide(repository)
    for rule in RULES:
        controls = "; ".join(
            f"{name} {ids}" for name, ids in sorted(rule.controls.as_metadata().items())
        )
        cells = [f"`{rule.rule_id}`", rule.level.value, f"{rule.meaning} {rule.why}", rule.mend]
        assert f"| {' | '.join([*cells, controls])} |" in text


def test_the_guide_says_what_guard_does_not_see(repository: Path) -> None:
    limited = [line for line in guide(repository).splitlines() if line.startswith("| `")]
    for rule in RULES:
        row = f"| `{rule.name}` | {rule.guard_limit} |"
        assert (row in limited) == (rule.guard_limit is not None)


def test_the_guide_explains_what_the_lean_profile_leaves_open(repository: Path) -> None:
    text = guide(repository)
    section = text[text.index("### What the lean profile") : text.index("### What is acknowledged")]
    assert {rule for rule in LEAN if f"`{rule}`" not in section} == set()
    assert len(CONTROL_TOWER_FALSE_POSITIVES) == 3
