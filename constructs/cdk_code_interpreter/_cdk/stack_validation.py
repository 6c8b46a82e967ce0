"""What can be judged only once the app is complete, for all constructs of a stack at once.

A validation of its own for each construct would cost each a call into Node and one back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from weakref import WeakKeyDictionary

import jsii
from aws_cdk import Stack
from constructs import IValidation

from .construct_tree import node_of

Check = Callable[[], Iterable[str]]


def check_late(stack: Stack, check: Check) -> None:
    """Have something checked before synthesis, after aspects and property injectors.

    Args:
        stack: The stack that fails with it.
        check: Gives the problems, each beginning with the path of its construct.
    """
    checks = _CHECKS.get(stack)
    if checks is None:
        checks = _CHECKS[stack] = _LateChecks()
        node_of(stack).add_validation(checks)
    checks.checks.append(check)


@jsii.implements(IValidation)
class _LateChecks:
    def __init__(self) -> None:
        self.checks: list[Check] = []

    def validate(self) -> list[str]:
        """Answer CDK before synthesis."""
        return [problem for check in self.checks for problem in check()]


_CHECKS: MutableMapping[Stack, _LateChecks] = WeakKeyDictionary()
