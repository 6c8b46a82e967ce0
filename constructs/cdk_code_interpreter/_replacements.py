"""References to an interpreter from other stacks.

A strong reference is an export, and CloudFormation refuses to change an export while it is used:
the interpreter could not be replaced. So references to what changes with it are weak. A weak one
reads the same before and after a replacement, so whatever has one also has something that changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Fn, ReferenceStrength, Stack

from ._cdk.stacks import facts_of, outermost_nested_stack_resource

if TYPE_CHECKING:
    from aws_cdk import CfnResource

    from .interpreter_reference import ICodeInterpreterRef


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


def generation_in(stack: Stack, interpreter: ICodeInterpreterRef) -> str | None:
    """What a resource must say for CloudFormation to see that the interpreter was replaced.

    Args:
        stack: The resource's stack.
        interpreter: The interpreter that the resource refers to.

    Returns:
        The interpreter's name, which is another one in each generation. `None` where nothing is
        needed: in the interpreter's own stack CloudFormation follows the reference.
    """
    return None if interpreter.stack is stack else interpreter.code_interpreter_name


def weakly(reference: str) -> str:
    """A reference to another stack's resource that does not keep it from being changed."""
    return str(Stack.consume_reference(reference, ReferenceStrength.WEAK))


def name_across_replacements(interpreter: ICodeInterpreterRef) -> str:
    """Return what an interpreter is called in our own metrics, before and after a replacement.

    For one of ours the part of its name that all its replacements share, for an import its id.
    """
    arn = interpreter.prefix_arn
    tail = arn.rpartition("/")[2]
    if tail == arn:  # the whole ARN is a token
        return Fn.select(1, Fn.split("/", arn))
    return tail.removesuffix("*").rstrip("_-")
