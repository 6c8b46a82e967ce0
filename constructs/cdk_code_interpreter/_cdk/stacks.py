"""What of a stack never changes: asked once, as in `_places`."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from functools import cache
from typing import cast
from weakref import WeakKeyDictionary

from aws_cdk import Aws, CfnResource, Fn, Stack

from .construct_tree import Placed, path_of


@dataclass(frozen=True, kw_only=True)
class StackFacts:
    """A stack's place in AWS and in the construct tree."""

    region: str
    account: str
    deployed_name: str
    """Name of the stack that is deployed: for a nested stack, the top of the nest."""
    depth: int
    """How many parts the path of the deployed stack has."""
    nest: tuple[str, ...]
    """The path from the deployed stack to this one; empty for the deployed one itself."""

    @property
    def arn_root(self) -> str:
        """What all ARNs of the service begin with in this stack's account and region."""
        return f"arn:{partition()}:bedrock-agentcore:{self.region}:{self.account}"

    @property
    def identity(self) -> list[str]:
        """What tells the stack from every other one in the account and region."""
        return [self.deployed_name, *self.nest]

    def path_below(self, construct: Placed) -> list[str]:
        """The path of a construct below the deployed stack."""
        return path_of(construct).split("/")[self.depth :]

    def alarm_arn(self, name: str) -> str:
        """The ARN of an alarm of this stack."""
        return f"arn:{partition()}:cloudwatch:{self.region}:{self.account}:alarm:{name}"


_FACTS: MutableMapping[Stack, StackFacts] = WeakKeyDictionary()


def facts_of(stack: Stack) -> StackFacts:
    """What never changes of a stack."""
    known = _FACTS.get(stack)
    if known is None:
        known = _FACTS[stack] = _ask(stack)
    return known


def _ask(stack: Stack) -> StackFacts:
    outermost = outermost_stack(stack)
    top = path_of(outermost)
    depth = len(top.split("/")) if top else 0  # an app-less stack is its own root
    return StackFacts(
        region=stack.region,
        account=stack.account,
        deployed_name=outermost.stack_name,
        depth=depth,
        nest=() if outermost is stack else tuple(path_of(stack).split("/")[depth:]),
    )


@cache
def partition() -> str:
    """The token of the partition, the same in every app."""
    return Aws.PARTITION


_INCARNATIONS: MutableMapping[Stack, str] = WeakKeyDictionary()


def incarnation_of(stack: Stack) -> str:
    """A piece of the stack's id that is another one when the stack is deleted and made again."""
    known = _INCARNATIONS.get(stack)
    if known is None:
        # arn:...:stack/NAME/and-a-uuid
        uuid = Fn.select(2, Fn.split("/", stack.stack_id))
        known = _INCARNATIONS[stack] = Fn.select(0, Fn.split("-", uuid))
    return known


def outermost_stack(stack: Stack) -> Stack:
    """The stack that is deployed: for a nested stack, the top of the nest."""
    while (parent := stack.nested_stack_parent) is not None:
        stack = parent
    return stack


def outermost_nested_stack_resource(nested: Stack) -> CfnResource:
    """What stands for a nest of stacks in the stack that is deployed."""
    while (parent := nested.nested_stack_parent) is not None:
        resource, nested = nested.nested_stack_resource, parent
    return cast("CfnResource", resource)
