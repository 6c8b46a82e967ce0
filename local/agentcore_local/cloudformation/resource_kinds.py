"""What CloudFormation does with a resource: create, update, delete; one kind per protocol."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation.events import STACK_TYPE, ResourceAddress

Properties = dict[str, Any]


class ResourceFailed(Exception):
    """A resource could not be created, updated or deleted.

    Attributes:
        physical_id: the physical id that the failed attempt left, or None if it left none. A
            resource with one gets its Delete in the rollback.
        changed: whether a failed update may have changed the resource, so that the rollback has
            to send it back to its previous properties.
    """

    def __init__(
        self, reason: str, *, physical_id: str | None = None, changed: bool = False
    ) -> None:
        super().__init__(reason)
        self.physical_id = physical_id
        self.changed = changed


@dataclass(kw_only=True)
class Provisioned:
    """A resource as a create or an update left it.

    Attributes:
        physical_id: its physical id, which `Ref` returns.
        attributes: what `Fn::GetAtt` returns, by name.
        name_seed: what a generated name was drawn with; kept on the resource's record.
        when_certain: what remains to be done once the update is certain to succeed.
        when_undone: how to undo the update, where sending the old properties is not the way.
    """

    physical_id: str
    attributes: dict[str, Any]
    name_seed: str = ""
    when_certain: Callable[[], Awaitable[None]] | None = None
    when_undone: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True, kw_only=True)
class Existing:
    """A resource before an update.

    Attributes:
        physical_id: its physical id.
        properties: its properties, stack tags included.
        attributes: what `Fn::GetAtt` returns.
        name_seed: what a generated name was drawn with.
        retained_when_replaced: whether its `UpdateReplacePolicy` keeps a predecessor.
    """

    physical_id: str
    properties: Properties
    attributes: dict[str, Any] = field(default_factory=dict)
    name_seed: str = ""
    retained_when_replaced: bool = False


class ResourceKind(Protocol):
    """How one kind of resource is created, updated and deleted."""

    async def create(self, address: ResourceAddress, properties: Properties) -> Provisioned:
        """Create a resource.

        Raises:
            ResourceFailed: it could not be created.
        """
        ...

    async def update(
        self, address: ResourceAddress, existing: Existing, properties: Properties
    ) -> Provisioned:
        """Update a resource; another physical id in the answer means that it was replaced.

        Raises:
            ResourceFailed: it could not be updated.
        """
        ...

    async def delete(
        self, address: ResourceAddress, physical_id: str, properties: Properties
    ) -> None:
        """Delete a resource.

        Raises:
            ResourceFailed: it could not be deleted.
        """
        ...


class TypeHandlers:
    """The types that have handlers in MiniStack's registry.

    Args:
        check_name: checks the name that a resource is to get, given its type, its properties and
            the ones that it had.
    """

    def __init__(
        self, check_name: Callable[[str, Properties, Properties | None], None] | None = None
    ) -> None:
        self._check_name = check_name or (lambda _type, _properties, _before: None)

    async def create(self, address: ResourceAddress, properties: Properties) -> Provisioned:
        """Create a resource with its type's create handler."""
        self._check_name(address.resource_type, properties, None)
        (physical_id, attributes), seed = await self._run(
            address,
            ministack.stacks._provision_keeping_seed,
            address.resource_type,
            address.logical_id,
            properties,
            address.stack_name,
        )
        return Provisioned(physical_id=physical_id, attributes=attributes or {}, name_seed=seed)

    async def update(
        self, address: ResourceAddress, existing: Existing, properties: Properties
    ) -> Provisioned:
        """Update a resource with its type's update handler, or replace it."""
        self._check_name(address.resource_type, properties, existing.properties)
        provisioners = ministack.provisioners
        predecessors: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = []
        settings = (
            (provisioners._RETAIN_REPLACED, existing.retained_when_replaced),
            (provisioners._DEFERRED_PREDECESSOR_DELETES, predecessors),
            (provisioners._NAME_SEED, existing.name_seed),
        )
        tokens = [(variable, variable.set(value)) for variable, value in settings]
        try:
            (physical_id, attributes), seed = await self._run(
                address,
                ministack.stacks._update_keeping_seed,
                address.resource_type,
                existing.physical_id,
                existing.properties,
                properties,
                address.stack_name,
                address.logical_id,
                existing.attributes,
            )
        finally:
            for variable, token in reversed(tokens):
                variable.reset(token)

        async def delete_predecessors() -> None:
            while predecessors:
                delete, arguments, options = predecessors[0]
                delete(*arguments, **options)
                predecessors.pop(0)

        return Provisioned(
            physical_id=physical_id,
            attributes=attributes or {},
            name_seed=seed,
            when_certain=delete_predecessors if predecessors else None,
        )

    async def delete(
        self, address: ResourceAddress, physical_id: str, properties: Properties
    ) -> None:
        """Delete a resource with its type's delete handler."""
        await self._run(
            address,
            ministack.provisioners._delete_resource,
            address.resource_type,
            physical_id,
            properties,
            address.stack_name,
            address.logical_id,
        )

    async def _run(
        self, address: ResourceAddress, handler: Callable[..., Any], *arguments: Any
    ) -> Any:
        try:
            if ministack.stacks._runs_on_worker_thread(address.resource_type):
                return await ministack.concurrency.run_reentrant(handler, *arguments)
            return handler(*arguments)
        except ResourceFailed:
            raise
        except Exception as error:
            # Whatever a handler raises is the reason of a failed resource, as on AWS.
            raise ResourceFailed(str(error) or type(error).__name__) from error


ANY_OTHER = "*"
_kinds: dict[str, ResourceKind] = {ANY_OTHER: TypeHandlers()}


def register_kind(name: str, kind: ResourceKind) -> None:
    """Let a kind handle a type, `Custom::` for custom ones, `ANY_OTHER` for the rest."""
    _kinds[name] = kind


def kind_of(resource_type: str) -> ResourceKind:
    """The kind that handles a type."""
    general = "Custom::" if resource_type.startswith("Custom::") else ANY_OTHER
    return _kinds.get(resource_type, _kinds[general])


def is_nested_stack(resource_type: str) -> bool:
    """Whether a type is the nested stack's."""
    return resource_type == STACK_TYPE
