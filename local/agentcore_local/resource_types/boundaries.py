"""Permissions boundaries of roles and users, which MiniStack's CloudFormation handlers drop.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
"""

from __future__ import annotations

import re
from typing import Any

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation.resource_kinds import ResourceFailed

_AWS_POLICY = re.compile(r"arn:aws[a-z-]*:iam::aws:policy/.+")


def install() -> None:
    """Wrap MiniStack's handlers of both types."""
    for resource_type, store in (("AWS::IAM::Role", "_roles"), ("AWS::IAM::User", "_users")):
        _wrap(ministack.provisioners._RESOURCE_HANDLERS[resource_type], store)


def _wrap(handlers: dict[str, Any], store: str) -> None:
    create, update = handlers["create"], handlers["update"]

    def create_identity(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        boundary = _boundary_of(properties)
        created = create(logical_id, properties, stack_name)
        getattr(ministack.iam, store)[created[0]]["PermissionsBoundary"] = boundary
        return created

    def update_identity(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], *more: Any, **named: Any
    ) -> Any:
        boundary = _boundary_of(new)
        updated = update(physical_id, old, new, *more, **named)
        getattr(ministack.iam, store)[updated[0]]["PermissionsBoundary"] = boundary
        return updated

    handlers.update(create=create_identity, update=update_identity)


def _boundary_of(properties: dict[str, Any]) -> str | None:
    """Return the boundary's ARN, as IAM takes it.

    Raises:
        ResourceFailed: There is no such policy.
    """
    boundary = properties.get("PermissionsBoundary")
    if not boundary:
        return None
    arn = str(boundary)
    if arn not in ministack.iam._policies and not _AWS_POLICY.fullmatch(arn):
        raise ResourceFailed(
            f'Resource handler returned message: "Scope ARN: {arn} does not exist or is not '
            'attachable. (Service: Iam, Status Code: 404)" (HandlerErrorCode: NotFound)'
        )
    return arn
