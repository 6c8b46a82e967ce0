"""Names that let CloudFormation replace an interpreter.

Every property but the tags is create-only. CloudFormation makes the new interpreter before it
deletes the old one, and the name is unique in the account, so a name that stays the same turns
each such change into a conflict. The generated name therefore is
``{label}_{id digest}_{revision digest}``: the first two parts name this interpreter in every
generation, the last changes whenever a create-only property does.

The algorithm is API: another name for the same input replaces everybody's interpreters. A golden
file guards it; a change of it is a new major version.

Pattern and uniqueness of the name:
https://docs.aws.amazon.com/bedrock-agentcore-control/latest/APIReference/API_CreateCodeInterpreter.html
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from aws_cdk import Stack
from constructs import Construct

from .._cdk.construct_tree import stack_of
from .._cdk.lazy_string import lazy_text
from .._cdk.stacks import facts_of, outermost_stack

_ID_DIGEST_LENGTH = 10
_REVISION_DIGEST_LENGTH = 8
MAX_LABEL = 48 - _ID_DIGEST_LENGTH - _REVISION_DIGEST_LENGTH - 2


def label_of(path: Sequence[str]) -> str:
    """A readable beginning for the name, from construct ids (the stack's own id left out)."""
    words = (re.sub(r"[^a-zA-Z0-9]+", "_", part).strip("_") for part in path)
    label = "_".join(word for word in words if word)
    if not label or not label[0].isalpha():
        label = f"ci_{label}".rstrip("_")
    return label[:MAX_LABEL].rstrip("_")


def id_digest(stack_name: str, path: Sequence[str]) -> str:
    """What tells this interpreter from every other one in the account."""
    return _digest([stack_name, *path])[:_ID_DIGEST_LENGTH]


def revision_digest(properties: Mapping[str, Any]) -> str:
    """What changes with the create-only properties; they must be resolved."""
    return _digest(properties)[:_REVISION_DIGEST_LENGTH]


def _digest(value: Any) -> str:
    # Python's own hash is salted per process.
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def stem_of(scope: Construct, construct_id: str, *, name_prefix: str | None) -> str:
    """The part of the name that all generations share: ``{label}_{id digest}``.

    Args:
        scope: The scope that the interpreter is made in.
        construct_id: Its id there.
        name_prefix: Beginning of the name. Default: construct ids below the stack.
    """
    facts = facts_of(stack_of(scope))
    path = [*facts.path_below(scope), construct_id]
    # The stack's name, not its id: one app may be deployed under several names.
    return f"{name_prefix or label_of(path)}_{id_digest(facts.deployed_name, path)}"


def fixed_names_of(stack: Stack) -> dict[str, str]:
    """Which construct has which fixed name, in all that is deployed together with a stack."""
    return _FIXED_NAMES.setdefault(outermost_stack(stack), {})


_FIXED_NAMES: MutableMapping[Stack, dict[str, str]] = WeakKeyDictionary()


def revised_name(stem: str, properties: Callable[[], Mapping[str, Any]]) -> str:
    """A token that resolves to the whole name once the app's constructs are complete.

    Args:
        stem: What all generations share.
        properties: Gives the create-only properties, resolved. Called at synthesis, after aspects
            and property injectors had their say.
    """

    def produce() -> str:
        return f"{stem}_{revision_digest(properties())}"

    return lazy_text(produce)
