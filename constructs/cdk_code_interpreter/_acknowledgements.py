"""Findings of cdk-nag that cannot be avoided, acknowledged with the reason.

Acknowledgements are part of the CDK: nothing of cdk-nag is needed for them, they leave no trace
in a template, and a report lists each with its reason.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from weakref import WeakKeyDictionary

from aws_cdk import Acknowledgment, Validations
from constructs import Construct

_PSEUDO_PARAMETER = re.compile(r"\$\{Token\[AWS\.([A-Za-z]+)\.\d+\]\}")


_ACKNOWLEDGED: MutableMapping[Construct, tuple[Validations, set[str]]] = WeakKeyDictionary()


def acknowledge(scope: Construct, pack: str, rule: str, reason: str) -> None:
    """Acknowledge a rule of cdk-nag for a construct and what is in it, once.

    Args:
        scope: The construct.
        pack: Name of the rule pack, such as ``AwsSolutions``.
        rule: The rule without the pack's name, with its finding if it has one.
        reason: Why it cannot be avoided.
    """
    identifier = f"{pack}::{pack}-{rule}"
    known = _ACKNOWLEDGED.get(scope)
    if known is None:
        known = _ACKNOWLEDGED[scope] = (Validations.of(scope), set())
    validations, identifiers = known
    if identifier not in identifiers:
        identifiers.add(identifier)
        validations.acknowledge(Acknowledgment(id=identifier, reason=reason))


def acknowledge_wildcard(scope: Construct, resource: str, reason: str) -> None:
    """Acknowledge that a policy names a pattern of resources.

    Args:
        scope: The construct that holds the policy.
        resource: The pattern. One with other tokens than pseudo parameters is left alone: its
            name in the report is not known yet.
        reason: Why it cannot be avoided.
    """
    written = _PSEUDO_PARAMETER.sub(r"<AWS::\1>", resource)
    if "*" in written and "${Token[" not in written:
        acknowledge(scope, "AwsSolutions", f"IAM5[Resource::{written}]", reason)
