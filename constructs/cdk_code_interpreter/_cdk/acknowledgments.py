"""Findings of cdk-nag that cannot be avoided, acknowledged with the reason.

Acknowledgments are part of the CDK: nothing of cdk-nag is needed for them, they leave no trace
in a template, and a report lists each with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, MutableMapping
from weakref import WeakKeyDictionary

from aws_cdk import Acknowledgment, Validations
from constructs import Construct

_PSEUDO_PARAMETER = re.compile(r"\$\{Token\[AWS\.([A-Za-z]+)\.\d+\]\}")


_ACKNOWLEDGED: MutableMapping[Construct, tuple[Validations, set[str]]] = WeakKeyDictionary()


def acknowledge(scope: Construct, pack: str, rules: Iterable[str], reason: str) -> None:
    """Acknowledge rules of cdk-nag for a construct and what is in it, once.

    Args:
        scope: The construct.
        pack: Name of the rule pack, such as ``AwsSolutions``.
        rules: The rules without the pack's name, each with its finding if it has one.
        reason: Why they cannot be avoided.
    """
    known = _ACKNOWLEDGED.get(scope)
    if known is None:
        known = _ACKNOWLEDGED[scope] = (Validations.of(scope), set())
    validations, identifiers = known
    new = {f"{pack}::{pack}-{rule}" for rule in rules} - identifiers
    if new:
        identifiers |= new
        validations.acknowledge(*(Acknowledgment(id=each, reason=reason) for each in sorted(new)))


def acknowledge_wildcards(scope: Construct, resources: Iterable[str], reason: str) -> None:
    """Acknowledge that a policy names patterns of resources.

    Args:
        scope: The construct that holds the policy.
        resources: The patterns. One with other tokens than pseudo parameters is left alone: its
            name in the report is not known yet.
        reason: Why they cannot be avoided.
    """
    written = (_PSEUDO_PARAMETER.sub(r"<AWS::\1>", each) for each in resources)
    known = [each for each in written if "*" in each and "${Token[" not in each]
    acknowledge(scope, "AwsSolutions", [f"IAM5[Resource::{each}]" for each in known], reason)
