"""Every shape of template is judged by the pack and by the Guard file, and differences are said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cdk_code_interpreter.checks import RULES, Template, Templates, find, guard_rules

from .judges import CfnGuard
from .shapes import SHAPES, Shape, every_shape

BY_SHAPE = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)


@BY_SHAPE
def test_the_pack_says_of_a_shape_what_it_must(shape: Shape) -> None:
    templates = Templates((Template("a.template.json", shape.template),))

    assert {finding.rule.name for finding in find(templates)} == shape.pack


@pytest.fixture(scope="module")
def by_guard(cfn_guard: CfnGuard, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Names of the broken rules by shape, after one run of the native cfn-guard."""
    folder = tmp_path_factory.mktemp("shapes")
    for number, shape in enumerate(SHAPES):
        (folder / f"{number}.json").write_text(json.dumps(shape.template))
    return {
        SHAPES[int(Path(outcome["name"]).stem)].name: {
            str(broken["Rule"]["name"]) for broken in outcome["not_compliant"]
        }
        for outcome in cfn_guard.run(guard_rules(), folder)
    }


@BY_SHAPE
def test_the_guard_file_says_of_a_shape_what_it_must(
    shape: Shape, by_guard: dict[str, set[str]]
) -> None:
    assert by_guard[shape.name] == shape.guard


def test_a_limit_of_guard_is_said_by_a_rule_exactly_where_a_shape_shows_it() -> None:
    differing = {rule for shape in every_shape() for rule in shape.pack ^ shape.guard}

    assert differing == {rule.name for rule in RULES if rule.guard_limit}


def test_the_table_is_long_and_its_names_are_different() -> None:
    names = [shape.name for shape in every_shape()]

    assert len(names) == len(set(names))
    assert sum(bool(shape.pack) for shape in every_shape()) >= 80
    assert len(names) >= 200
