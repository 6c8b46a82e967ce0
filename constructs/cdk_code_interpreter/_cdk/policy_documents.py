"""The size of policy documents, and their words without token numbers."""

from __future__ import annotations

import re

_PSEUDO_PARAMETER = re.compile(r"\$\{Token\[(AWS\.[A-Za-z]+)\.\d+\]\}")
# A token of any other type stands for an ARN or id of at most this many characters.
_ANY_TOKEN = "${Token["
_LONGEST_VALUE = 150


def size_of(document: str) -> int:
    """Return how many characters a document may have once it is deployed, at most.

    A pseudo parameter's token is longer than its value (the longest Region has 14 characters).
    """
    known = _PSEUDO_PARAMETER.sub("x" * 15, document)
    return len(known) + _LONGEST_VALUE * known.count(_ANY_TOKEN)


def without_token_numbers(document: str) -> str:
    """Return a document in which pseudo parameters are the same in every stack and every run."""
    return _PSEUDO_PARAMETER.sub(r"<\1>", document)


def holds_token(document: str) -> bool:
    """Return whether a document holds an unresolved token."""
    return _ANY_TOKEN in document
