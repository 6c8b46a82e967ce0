"""Texts that are known once the app is complete."""

from __future__ import annotations

from collections.abc import Callable

import jsii
from aws_cdk import IStableStringProducer, Lazy


def lazy_text(produce: Callable[[], str]) -> str:
    """A token for a text that is made at synthesis.

    Args:
        produce: Makes it, once: aspects and property injectors had their say by then.
    """
    return Lazy.string(_Producer(produce))


@jsii.implements(IStableStringProducer)
class _Producer:
    def __init__(self, produce: Callable[[], str]) -> None:
        self._produce = produce

    def produce(self) -> str:
        """Answer CDK."""
        return self._produce()
