"""What a resource type's schema says about its properties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation.resource_kinds import ResourceFailed


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What a schema says of a value inside a property.

    Attributes:
        members: the keys that an object may have, with what is known of their values; None for a
            value that is no object with keys of its own.
        required: the keys that must be there.
        items: what is known of a list's items; None for a value that is no list.
        most_items: how many items a list may have; None for a value that is no list.
    """

    members: Mapping[str, Shape | None] | None = None
    required: tuple[str, ...] = ()
    items: Shape | None = None
    most_items: int | None = None

    def problems(self, value: Any, path: str) -> Iterator[str]:
        """What is wrong with a value, in CloudFormation's words."""
        if self.most_items is not None or self.items is not None:
            yield from self._list_problems(value, path)
        elif not isinstance(value, Mapping):
            yield f"{path}: expected type: JSONObject, found: {_found(value)}"
        elif self.members is not None:
            yield from self._object_problems(value, self.members, path)

    def _list_problems(self, value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{path}: expected type: JSONArray, found: {_found(value)}"
            return
        if self.most_items is not None and len(value) > self.most_items:
            yield f"{path}: expected maximum item count: {self.most_items}, found: {len(value)}"
        for number, item in enumerate(value):
            if self.items is not None:
                yield from self.items.problems(item, f"{path}/{number}")

    def _object_problems(
        self, value: Mapping[str, Any], members: Mapping[str, Shape | None], path: str
    ) -> Iterator[str]:
        for name in self.required:
            if name not in value:
                yield f"{path}: required key [{name}] not found"
        for name in sorted(set(value) - set(members)):
            yield f"{path}: extraneous key [{name}] is not permitted"
        for name, shape in members.items():
            if shape is not None and name in value:
                yield from shape.problems(value[name], f"{path}/{name}")


def _found(value: Any) -> str:
    kinds = {dict: "JSONObject", list: "JSONArray", str: "String", bool: "Boolean"}
    return kinds.get(type(value), "Number")


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
        shapes: what is known of the insides of properties, by their names.
    """

    name: str
    required: tuple[str, ...] = ()
    create_only: tuple[str, ...] = ()
    updatable: tuple[str, ...] = ()
    name_property: str | None = None
    tags: tuple[str, Literal["list", "map"]] | None = None
    shapes: Mapping[str, Shape] = field(default_factory=dict)

    def check(self, logical_id: str, properties: Mapping[str, Any]) -> None:
        """Check that properties, and what is in them, are what the schema says.

        Raises:
            ResourceFailed: they are not.
        """
        members = {name: self.shapes.get(name) for name in (*self.create_only, *self.updatable)}
        whole = Shape(members=members, required=self.required)
        problems = list(whole.problems(properties, "#"))
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
