"""Where constructs stand: asked once, since each question to CDK crosses into Node."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary, WeakValueDictionary

from aws_cdk import CfnResource, Stack
from constructs import Construct, IConstruct

if TYPE_CHECKING:
    from constructs import Node


class Placed(Protocol):
    """Whatever has a place in the construct tree."""

    @property
    def node(self) -> Node:
        """The place."""


_NODES: MutableMapping[Placed, Node] = WeakKeyDictionary()
_PATHS: MutableMapping[Placed, str] = WeakKeyDictionary()
_STACKS: MutableMapping[IConstruct, Stack] = WeakKeyDictionary()
_CHILDREN: MutableMapping[Placed, MutableMapping[str, IConstruct]] = WeakKeyDictionary()
_RESOURCES: MutableMapping[Placed, IConstruct | None] = WeakKeyDictionary()


class Component(Construct):
    """A construct that knows its place without asking, as all of this library's do."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        """Take a place in the tree.

        Args:
            scope: Where to define it.
            construct_id: Its id in that scope.
        """
        super().__init__(scope, construct_id)
        remember(self, scope, construct_id)


def remember(construct: Construct, scope: Construct, construct_id: str) -> None:
    """Keep the place of a construct that has just been made.

    Args:
        construct: The construct.
        scope: Where it was defined.
        construct_id: Its id in that scope.
    """
    # As CDK writes it: a slash in an id is no separator, and an app has no name.
    above, own = path_of(scope), construct_id.replace("/", "--")
    _PATHS[construct] = f"{above}/{own}" if above else own
    _STACKS[construct] = stack_of(scope)
    _CHILDREN.setdefault(scope, WeakValueDictionary())[construct_id] = construct


def node_of(construct: Placed) -> Node:
    """A construct's node."""
    known = _NODES.get(construct)
    if known is None:
        known = _NODES[construct] = construct.node
    return known


def path_of(construct: Placed) -> str:
    """A construct's path from the top of the tree."""
    known = _PATHS.get(construct)
    if known is None:
        known = _PATHS[construct] = node_of(construct).path
    return known


def stack_of(scope: IConstruct) -> Stack:
    """The stack that something is in."""
    if isinstance(scope, Stack):
        return scope
    known = _STACKS.get(scope)
    if known is None:
        known = _STACKS[scope] = Stack.of(scope)
    return known


def child_of(scope: Placed, construct_id: str) -> IConstruct | None:
    """A construct's child, if there is one by now."""
    children = _CHILDREN.setdefault(scope, WeakValueDictionary())
    known = children.get(construct_id)
    if known is None:
        known = node_of(scope).try_find_child(construct_id)
        if known is not None:
            children[construct_id] = known
    return known


def resource_of(construct: Placed) -> IConstruct | None:
    """What an L2 construct makes of itself in the template; `None` for an import."""
    if isinstance(construct, CfnResource):
        return construct
    if construct not in _RESOURCES:
        _RESOURCES[construct] = node_of(construct).default_child
    return _RESOURCES[construct]
