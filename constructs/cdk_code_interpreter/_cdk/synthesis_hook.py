"""What is done when the app is complete, before its constructs are looked at."""

from __future__ import annotations

from collections.abc import Callable

import jsii
from aws_cdk import AspectPriority, Aspects, IAspect
from constructs import Construct, IConstruct

# Aspects that change something have had their turn, and those that only look have not.
AFTER_OTHERS = AspectPriority.READONLY - 1


def when_complete(
    construct: Construct,
    action: Callable[[], object],
    priority: float = AspectPriority.MUTATING,
) -> None:
    """Do something to a construct at synthesis.

    Args:
        construct: The construct.
        action: What is done, once.
        priority: When it is done. Default: before other aspects see what is in it.
    """
    Aspects.of(construct).add(_Completion(construct, action), priority=priority)


@jsii.implements(IAspect)
class _Completion:
    def __init__(self, construct: Construct, action: Callable[[], object]) -> None:
        self._construct = construct
        self._action = action

    def visit(self, node: IConstruct) -> None:
        """Act at the construct itself, and not at what is in it."""
        if node is self._construct:
            self._action()
