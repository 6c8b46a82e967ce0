"""Which interpreters of an app use a role, and whether they run in a VPC."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from weakref import WeakKeyDictionary

from aws_cdk import aws_iam as iam
from constructs import IConstruct

_USERS: MutableMapping[IConstruct, dict[str, dict[str, bool]]] = WeakKeyDictionary()


def use_role(role: iam.IRole, path: str, *, in_vpc: bool) -> None:
    """Write down that an interpreter uses a role.

    Args:
        role: The role.
        path: The interpreter's path.
        in_vpc: Whether its sessions run in a VPC.
    """
    root = role.node.root
    _USERS.setdefault(root, {}).setdefault(role.node.path, {})[path] = in_vpc


def users_of(role: iam.IRole) -> Mapping[str, bool]:
    """Return the interpreters that use a role, and whether each runs in a VPC."""
    return _USERS.get(role.node.root, {}).get(role.node.path, {})
