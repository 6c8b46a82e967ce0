"""Templates that are launched under stack names which the app does not know."""

from __future__ import annotations

from aws_cdk import Stack

# Asked for by name: their modules are costly to load, and one is not a dependency of ours.
_TEMPLATES = ("ProductStack", "StackSetStack")
LAUNCHES_WARNING = (
    "this template is launched under stack names that the app does not know, and the interpreter's "
    "name is fixed when the app is synthesized: a second launch of the same version in one account "
    "ends in a conflict of names; launch it once in an account, or give each launch a template of "
    "its own (another name_prefix=)"
)


def is_launched(stack: Stack) -> bool:
    """Return whether a stack is the template of a Service Catalog product or of a StackSet."""
    return any(each.__name__ in _TEMPLATES for each in type(stack).mro())
