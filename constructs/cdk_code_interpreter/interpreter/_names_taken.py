"""Fixed names that another interpreter of the app has as well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .._documents.values import text
from ..checks.app_checks import Check, TemplateProblem, written
from ..checks.template import Templates

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

    def check(templates: Templates) -> Iterator[TemplateProblem]:
        mine = written(templates, interpreter)
        if mine is None:
            return
        for each in templates.interpreters:
            is_other = each != mine and text(each.properties.get("Name")) == name
            if is_other and not each.template.is_elsewhere(mine.template):
                where = f"{each.logical_id} in {Path(each.template.path).name}"
                yield TemplateProblem(
                    "unique-name",
                    f"{path}: code_interpreter_name {name!r} is that of {where} as well, and names "
                    "are unique in an account; leave it out, or choose another",
                    mine,
                    "Properties/Name",
                )

    return check
