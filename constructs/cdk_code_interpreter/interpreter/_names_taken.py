"""Fixed names that another interpreter of the app has as well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import Stack

from .._cdk.template_checks import Check, TemplateProblem

if TYPE_CHECKING:
    from aws_cdk import CfnResource


def names_taken(path: str, interpreter: CfnResource, name: str) -> Check:
    """Return a check of the written templates: does another interpreter have the fixed name?

    An L2, an L1, and interpreters of other stacks count, where both go to one account and Region,
    or may do.

    Args:
        path: The interpreter's path.
        interpreter: The interpreter.
        name: Its name.
    """

    def check(templates: Iterable[Path]) -> Iterator[TemplateProblem]:
        from .._documents.values import text
        from ..checks.template import read_templates

        stack = Stack.of(interpreter)
        own = (stack.template_file, str(stack.resolve(stack.get_logical_id(interpreter))))
        found = read_templates(templates)
        alike = [each for each in found.interpreters if text(each.properties.get("Name")) == name]
        mine = next((e for e in alike if (Path(e.template.path).name, e.logical_id) == own), None)
        for each in alike:
            if mine is None or each == mine or each.template.is_elsewhere(mine.template):
                continue
            where = f"{each.logical_id} in {Path(each.template.path).name}"
            yield TemplateProblem(
                "unique-name",
                f"{path}: code_interpreter_name {name!r} is that of {where} as well, and names are "
                "unique in an account; leave it out, or choose another",
                Path(mine.template.path),
                mine.logical_id,
                "Properties/Name",
            )

    return check
