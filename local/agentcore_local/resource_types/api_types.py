"""Resource types that are thin: each calls the operations of a service that MiniStack has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from agentcore_local.cloudformation.events import ResourceAddress
from agentcore_local.cloudformation.resource_kinds import (
    Existing,
    Properties,
    Provisioned,
    ResourceFailed,
)
from agentcore_local.resource_types.schema import TypeSchema
from agentcore_local.resource_types.service_calls import CallFailed


class ApiType(ABC):
    """A resource type on top of a service's operations.

    A subclass says how a resource is made, changed in place and removed; what a change means for
    the resource is decided by the schema.
    """

    schema: TypeSchema

    async def create(self, address: ResourceAddress, properties: Properties) -> Provisioned:
        """Create a resource."""
        self.schema.check(address.logical_id, properties)
        return await self.make(address, properties)

    async def update(
        self, address: ResourceAddress, existing: Existing, properties: Properties
    ) -> Provisioned:
        """Change a resource in place, or make another one."""
        self.schema.check(address.logical_id, properties)
        if self.schema.must_be_replaced(existing.properties, properties):
            self._refuse_same_name(existing, properties)
            return await self.make(address, properties)
        return await self.change(address, existing, properties)

    async def delete(
        self, address: ResourceAddress, physical_id: str, properties: Properties
    ) -> None:
        """Delete a resource; one that is gone already is no failure."""
        try:
            await self.remove(physical_id, properties)
        except CallFailed as failed:
            if "NotFound" not in failed.code and "NoSuch" not in failed.code:
                raise

    @abstractmethod
    async def make(self, address: ResourceAddress, properties: Properties) -> Provisioned:
        """Make a resource of checked properties."""

    async def change(
        self, address: ResourceAddress, existing: Existing, properties: Properties
    ) -> Provisioned:
        """Change a resource in place; by default the operation that makes it also changes it."""
        return await self.make(address, properties)

    @abstractmethod
    async def remove(self, physical_id: str, properties: Properties) -> None:
        """Remove a resource."""

    def _refuse_same_name(self, existing: Existing, properties: Properties) -> None:
        name = self.schema.name_property
        if name is None:
            return
        if name in properties and properties[name] == existing.properties.get(name):
            raise ResourceFailed(
                "CloudFormation cannot update a stack when a custom-named resource requires "
                f"replacing. Rename {properties[name]} and update the stack again."
            )


def picked(properties: Properties, *names: str) -> dict[str, Any]:
    """The properties of these names that are set."""
    return {name: properties[name] for name in names if name in properties}


def lowered(value: Any) -> Any:
    """A structure of properties with its keys as the service's JSON has them."""
    if isinstance(value, list):
        return [lowered(item) for item in value]
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: lowered(item) for name, item in value.items()}
    return value


def tag_map(properties: Properties) -> dict[str, str]:
    """The `Tags` of a resource, a list in templates, as the map that newer services take."""
    return {tag["Key"]: str(tag.get("Value", "")) for tag in properties.get("Tags") or []}
