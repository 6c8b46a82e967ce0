"""What a resource type's schema says about its properties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation.resource_kinds import ResourceFailed


@dataclass(frozen=True, kw_only=True)
class TypeSchema:
    """The part of a type's schema that decides what an update does.

    Attributes:
        name: the type's name.
        required: the properties that must be there.
        create_only: the properties whose change takes a replacement.
        updatable: the properties that change in place.
        name_property: the property that names a resource uniquely; None for a type without one.
        tags: the property that takes the stack's tags, and its shape; None for a type that
            cannot be tagged.
    """

    name: str
    required: tuple[str, ...] = ()
    create_only: tuple[str, ...] = ()
    updatable: tuple[str, ...] = ()
    name_property: str | None = None
    tags: tuple[str, Literal["list", "map"]] | None = None

    def check(self, logical_id: str, properties: Mapping[str, Any]) -> None:
        """Check that the required properties are there and no others than known ones.

        Raises:
            ResourceFailed: they are not.
        """
        problems = [
            f"#: required key [{name}] not found"
            for name in self.required
            if name not in properties
        ]
        known = {*self.create_only, *self.updatable}
        problems += [
            f"#: extraneous key [{name}] is not permitted"
            for name in sorted(set(properties) - known)
        ]
        if problems:
            raise ResourceFailed(
                f"Properties validation failed for resource {logical_id} with message:\n"
                + "\n".join(problems)
            )

    def must_be_replaced(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """Whether an update from old to new properties takes a replacement."""
        return any(old.get(name) != new.get(name) for name in self.create_only)

    def register(self) -> None:
        """Let templates use the type: known, compared and tagged as the schema says."""
        provisioners = ministack.provisioners
        # Known is enough: this engine asks the type's kind, never MiniStack's handlers.
        provisioners._RESOURCE_HANDLERS[self.name] = {}
        provisioners._REPLACING_PROPERTIES[self.name] = self.create_only
        if self.tags is not None:
            provisioners._STACK_TAG_PROPERTY[self.name] = self.tags
