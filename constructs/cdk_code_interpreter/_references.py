"""References to an interpreter from other stacks.

A strong reference is an export, and CloudFormation refuses to change an export while it is used:
the interpreter could not be replaced. So references to what changes with it are weak.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import ReferenceStrength, Stack

from ._stacks import facts_of, outermost_nested_stack_resource

if TYPE_CHECKING:
    from aws_cdk import CfnResource


def refer_weakly(resource: CfnResource, stack: Stack) -> None:
    """Let other stacks read this resource's attributes without holding them fast.

    Args:
        resource: The resource whose attributes change when the interpreter is replaced.
        stack: Its stack.
    """
    resource.apply_cross_stack_reference_strength(ReferenceStrength.WEAK)
    if facts_of(stack).nest:
        # What leaves a nested stack is an output of it, and so a reference to that stack's own
        # resource. `BOTH` keeps the exports that others may already import, and frees ours.
        nested = outermost_nested_stack_resource(stack)
        nested.apply_cross_stack_reference_strength(ReferenceStrength.BOTH)


def weakly(reference: str) -> str:
    """A reference to another stack's resource that does not keep it from being changed."""
    return str(Stack.consume_reference(reference, ReferenceStrength.WEAK))
