"""Exports: unique in an account and region, and fixed for as long as another stack imports them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from agentcore_local import _ministack_cloudformation as ministack

Exports = dict[str, dict[str, Any]]


class ExportRefused(Exception):
    """An export may not be made, changed or removed."""


def exports_of(stack: Mapping[str, Any]) -> dict[str, str]:
    """What a stack exports now: values by export name."""
    return {
        output["ExportName"]: output["OutputValue"]
        for output in stack.get("Outputs") or []
        if output.get("ExportName")
    }


def importers(export_name: str, *, apart_from: str = "") -> list[str]:
    """The names of the stacks that import an export, in whatever state they are."""
    found = []
    for name, stack in list(ministack.package._stacks.items()):
        gone = stack.get("StackStatus") in ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS")
        if gone or name == apart_from or not stack.get("_resources"):
            continue
        if export_name in ministack.handlers._imported_export_names(stack, name):
            found.append(name)
    return sorted(found)


def check_exports(
    stack_name: str, stack_id: str, before: Mapping[str, str], after: Exports
) -> None:
    """Check what a stack is about to export against what others export and import.

    Raises:
        ExportRefused: another stack has an export of that name, or one that is in use would
            change or go.
    """
    for name, value in before.items():
        used_by = importers(name, apart_from=stack_name)
        if not used_by:
            continue
        if name not in after:
            raise ExportRefused(
                f"Delete canceled. Cannot delete export {name} as it is in use by "
                f"{_joined(used_by)}."
            )
        if after[name]["Value"] != value:
            raise ExportRefused(
                f"Cannot update export {name} as it is in use by {_joined(used_by)}."
            )
    for name in after:
        owner = ministack.package._exports.get(name)
        if owner and owner["StackId"] != stack_id:
            other = owner["StackId"].split("/")[1]
            raise ExportRefused(f"Export with name {name} is already exported by stack {other}.")


def publish_exports(stack_id: str, exports: Exports) -> None:
    """Let these be all exports of a stack."""
    for name, export in list(ministack.package._exports.items()):
        if export["StackId"] == stack_id and name not in exports:
            ministack.package._exports.pop(name, None)
    ministack.package._exports.update(exports)


def republish_exports(stack: Mapping[str, Any]) -> None:
    """Publish what a stack's outputs say that it exports."""
    stack_id = stack["StackId"]
    publish_exports(
        stack_id,
        {
            name: {"StackId": stack_id, "Name": name, "Value": value}
            for name, value in exports_of(stack).items()
        },
    )


def delete_refusal(stack: Mapping[str, Any]) -> str | None:
    """Why a stack may not be deleted because of its exports, or None."""
    for name in exports_of(stack):
        used_by = importers(name, apart_from=stack["StackName"])
        if used_by:
            return (
                f"Delete canceled. Cannot delete export {name} as it is in use by "
                f"{_joined(used_by)}."
            )
    return None


def _joined(names: Iterable[str]) -> str:
    return ", ".join(names)
