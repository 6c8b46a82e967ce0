"""What is done when the app is complete, before its constructs are looked at."""

from __future__ import annotations

from collections.abc import Callable

import jsii
from aws_cdk import AspectPriority, Aspects, IAspect
from constructs import Construct, IConstruct


def when_complete(construct: Construct, action: Callable[[], None]) -> None:
    """Do something to a construct at synthesis, before other aspects see what is in it.

    Args:
        construct: The construct.
        action: What is done, once.
    """
    Aspects.of(construct).add(_Completion(construct, action), priority=AspectPriority.MUTATING)


@jsii.implements(IAspect)
class _Completion:
    def __init__(self, construct: Construct, action: Callable[[], None]) -> None:
        self._construct = construct
        self._action = action

    def visit(self, node: IConstruct) -> None:
        """Act at the construct itself, and not at what is in it."""
        if node is self._construct:
            self._action()
