"""What counts as a change of a stack when a change set is made.

MiniStack compares the properties of resources once their references are resolved. CloudFormation
also takes a change of outputs alone: the change set has no changes, and can be executed
(https://github.com/aws/aws-cdk/pull/2029). And a template whose references are written otherwise is
another template even if they come to the same: a stack that no longer imports must be able to say
so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation.deletion import deployed_template
from agentcore_local.cloudformation.stack_template import Records, StackTemplate


def install() -> None:
    """Let a request name a change set's stack by its ARN too."""
    original = ministack.changesets._find_change_set

    def find_change_set(name: str, stack_name: str = "") -> Any:
        stack = ministack.handlers._resolve_stack(stack_name) if stack_name else None
        return original(name, stack["StackName"] if stack else stack_name)

    ministack.changesets._find_change_set = find_change_set


def find(name: str, stack_name: str) -> Any:
    """MiniStack's record of a change set, by its ARN or by its name and its stack, or None."""
    return ministack.changesets._find_change_set(name, stack_name)[1]


def accept_unlisted_changes(change_set: dict[str, Any]) -> None:
    """Make a change set executable that has no changes to list and changes the stack all the same.

    Args:
        change_set: MiniStack's record of an `UPDATE` change set that it has just made.
    """
    if change_set["Status"] != "FAILED" or change_set["StatusReason"] != ministack.NO_CHANGES:
        return
    stack = ministack.package._stacks[change_set["StackName"]]
    before = deployed_template(stack)
    after = StackTemplate(
        change_set["_template"],
        change_set["_resolved_params"],
        stack_name=before.stack_name,
        stack_id=before.stack_id,
    )
    records: Records = stack.get("_resources") or {}
    if (
        _properties(before) != _properties(after)
        or before.outputs != after.outputs
        or _resolved_outputs(before, records) != _resolved_outputs(after, records)
    ):
        change_set.update(Status="CREATE_COMPLETE", ExecutionStatus="AVAILABLE", StatusReason="")


def _properties(template: StackTemplate) -> dict[str, Any]:
    """The properties of the resources as they are written."""
    return {name: each.get("Properties") or {} for name, each in template.resources.items()}


def _resolved_outputs(template: StackTemplate, records: Records) -> dict[str, Any]:
    """The outputs that there are, by what is known of them before the change set is executed."""
    outputs = {}
    for name, output in template.outputs.items():
        if template.conditions.get(output.get("Condition", ""), True):
            outputs[name] = _resolved(template, output, records)
    return outputs


def _resolved(template: StackTemplate, output: Mapping[str, Any], records: Records) -> Any:
    try:
        return template.resolve(output, records)
    except Exception:  # a reference to what is not there yet
        return output
