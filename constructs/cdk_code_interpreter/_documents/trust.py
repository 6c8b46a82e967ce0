"""Decides who may assume a role by its trust policy.

The one procedure that constructs, rules and evidence ask. It evaluates the policy as IAM does, for
requests that the service would make for the interpreter, and for those of everyone else:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .conditions import UNKNOWN, Answer, Context, holds
from .statements import (
    SERVICE_PRINCIPAL,
    is_for_action,
    is_for_service,
    is_the_service,
    principals_of,
)
from .values import each, mapping, text
from .variants import variants

SOURCE_ACCOUNT, SOURCE_ARN = "aws:SourceAccount", "aws:SourceArn"
OWN_ACCOUNT = "<AWS::AccountId>"
ASSUME_ROLE = "sts:AssumeRole"
_ASSUMING = (ASSUME_ROLE, "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")
_ACCOUNT = re.compile(r"\d{12}")
# Accounts and ARNs that no policy means.
_STRANGERS = ("908172635445", "172839405162")
_FOREIGN_ARNS = (
    "arn:aws:s3:::of-others",
    "arn:aws:lambda:xx-none-1:{}:function:other",
    "arn:aws-cn:s3:::of-others",
    "arn:aws-us-gov:lambda:xx-none-1:{}:function:other",
)
# What is absent from a request that a service makes for itself:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
_ABSENT_FOR_A_SERVICE = (
    "sts:ExternalId",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalType",
    "aws:MultiFactorAuthPresent",
    "aws:MultiFactorAuthAge",
    "aws:SourceIdentity",
    "aws:userid",
    "aws:username",
)


@dataclass(frozen=True)
class Opening:
    """A statement that lets in a caller whom it should not."""

    number: int
    """The statement's place in the document."""
    sid: str | None
    missing: tuple[str, ...]
    """The condition keys that it does not demand."""
    accounts: tuple[str, ...]
    """Other accounts that it names, or admits by a wildcard."""


@dataclass(frozen=True)
class Other:
    """A principal that is not the service."""

    number: int
    """The statement's place in the document."""
    name: str
    """The principal; ``*`` for everyone."""
    gets_in: Answer
    """Whether it passes the statement's conditions, and no Deny keeps it out."""


@dataclass(frozen=True)
class Verdict:
    """Whom a trust policy lets in."""

    trusts_the_service: bool
    """Whether any statement is for the service at all."""
    lets_the_interpreter_in: Answer
    """Whether the service may assume the role for the interpreter, in every replacement of it."""
    denied: bool
    """Whether it is a Deny that keeps the service out."""
    unmet: tuple[tuple[str, tuple[str, ...]], ...]
    """Keys and values that a statement for the service demands, and the interpreter has not."""
    openings: tuple[Opening, ...]
    """Statements that let the service in for others."""
    others: tuple[Other, ...]
    """Every other principal that a statement allows to assume the role."""

    @property
    def lets_everyone_in(self) -> bool:
        """Whether a statement names no principal, but everyone, and no condition narrows that."""
        return any(other.name == "*" and other.gets_in is True for other in self.others)


def judge_trust(document: object, *, account: str, arns: Sequence[str]) -> list[Verdict]:
    """Decide who may assume a role, one verdict for each document that conditions can choose.

    Args:
        document: The trust policy, as a template holds it.
        account: The role's account; `OWN_ACCOUNT` where it is not known.
        arns: ARNs that the interpreter may have, in this or a later replacement; none: whatever
            the policy itself names is taken for the interpreter's.
    """
    return [_Judge(each, account, arns).verdict() for each in variants(document)]


class _Judge:
    def __init__(self, document: Mapping[str, Any], account: str, arns: Sequence[str]) -> None:
        self._account = account
        self._arns = arns
        self._statements = [
            {**mapping(body), "Condition": self._written(mapping(body).get("Condition"))}
            for body in each(document.get("Statement"))
        ]
        self._absent = dict.fromkeys((*_ABSENT_FOR_A_SERVICE, *self._tags()))
        self._denies = [body for body in self._statements if body.get("Effect") == "Deny"]

    def verdict(self) -> Verdict:
        allowing = [
            (number, body)
            for number, body in enumerate(self._statements)
            if body.get("Effect") == "Allow" and self._is_for_service(body, ASSUME_ROLE)
        ]
        entered = [self._lets_in(allowing, arn) for arn in self._arns]
        return Verdict(
            trusts_the_service=bool(allowing),
            lets_the_interpreter_in=_all(entered),
            denied=any(
                self._allowed(allowing, context) is not False and self._denied(context) is True
                for context in (self._request(self._account, arn) for arn in self._arns)
            ),
            unmet=tuple(self._unmet(allowing)),
            openings=tuple(self._openings(allowing)),
            others=tuple(self._others()),
        )

    def _lets_in(self, allowing: Sequence[tuple[int, Mapping[str, Any]]], arn: str) -> Answer:
        context = self._request(self._account, arn)
        denied = self._denied(context)
        allowed = self._allowed(allowing, context)
        if denied is True or allowed is False:
            return False
        return UNKNOWN if denied is UNKNOWN or allowed is UNKNOWN else True

    def _unmet(
        self, allowing: Sequence[tuple[int, Mapping[str, Any]]]
    ) -> Iterator[tuple[str, tuple[str, ...]]]:
        for _, body in allowing[:1]:
            for operator, keys in mapping(body.get("Condition")).items():
                for key, values in mapping(keys).items():
                    requests = [self._request(self._account, arn) for arn in self._arns]
                    if any(holds({operator: {key: values}}, each) is False for each in requests):
                        yield key, tuple(text(value) for value in values)

    def _allowed(
        self, allowing: Sequence[tuple[int, Mapping[str, Any]]], context: Context
    ) -> Answer:
        answers = [holds(body.get("Condition"), context) for _, body in allowing]
        if True in answers:
            return True
        return UNKNOWN if UNKNOWN in answers else False

    def _denied(self, context: Context) -> Answer:
        answers = [
            holds(body.get("Condition"), context)
            for body in self._denies
            if self._is_for_service(body, ASSUME_ROLE)
        ]
        if True in answers:
            return True
        return UNKNOWN if UNKNOWN in answers else False

    def _openings(self, allowing: Sequence[tuple[int, Mapping[str, Any]]]) -> Iterator[Opening]:
        for number, body in allowing:
            accounts, arns = self._accounts_to_try(), self._arns_to_try()
            missing = []
            if any(self._enters(body, a, arn) for a in (None, _STRANGERS[0]) for arn in arns):
                missing.append(SOURCE_ACCOUNT)
            foreign = [None, *(each.format(self._account) for each in _FOREIGN_ARNS)]
            if any(self._enters(body, a, arn) for a in accounts for arn in foreign):
                missing.append(SOURCE_ARN)
            admitted = [
                other
                for other in accounts
                if other is not None and other not in _STRANGERS
                if any(self._enters(body, other, arn) for arn in arns)
            ]
            strangers = self._strangers(admitted)
            if SOURCE_ACCOUNT in missing:
                strangers = []
            if missing or strangers:
                sid = body.get("Sid")
                named = str(sid) if sid is not None else None
                yield Opening(number, named, tuple(missing), tuple(strangers))

    def _strangers(self, admitted: Sequence[str]) -> list[str]:
        """Return which of the admitted accounts are others'."""
        others = sorted({each for each in admitted if each != self._account})
        if not _ACCOUNT.fullmatch(self._account) and len(others) == 1:
            # The account is not known: the one that is written out will be it.
            return others if self._account in admitted else []
        return others

    def _enters(self, body: Mapping[str, Any], account: str | None, arn: str | None) -> bool:
        """Return whether a request may get through; what is not known is taken for the worst."""
        context = self._request(account, arn)
        if self._denied(context) is True:
            return False
        answer = holds(body.get("Condition"), context)
        return answer is True or (answer is UNKNOWN and self._is_open(body, context))

    def _is_open(self, body: Mapping[str, Any], context: Context) -> bool:
        """Return whether a request gets through, with every key that it may have to its liking.

        A value that only the deployment knows is taken for the right one: it lets no one else in.
        """
        known = [
            {operator: {key: values}}
            for operator, keys in mapping(body.get("Condition")).items()
            for key, values in mapping(keys).items()
            if context.is_known(key)
        ]
        return all(holds(each, context) is True for each in known)

    def _written(self, conditions: object) -> object:
        """Return conditions with their values as strings, and the pseudo parameters known."""
        if not isinstance(conditions, Mapping):
            return conditions
        return {
            operator: {
                key: [self._known(text(value)) for value in each(values)]
                for key, values in mapping(keys).items()
            }
            for operator, keys in conditions.items()
        }

    def _tags(self) -> Iterator[str]:
        for body in self._statements:
            for conditions in mapping(body.get("Condition")).values():
                for key in mapping(conditions):
                    if key.lower().startswith(("aws:principaltag/", "saml:", "aws:requesttag/")):
                        yield key

    def _request(self, account: str | None, arn: str | None) -> Context:
        return Context(
            {
                **self._absent,
                SOURCE_ACCOUNT: account,
                SOURCE_ARN: arn,
                "aws:PrincipalIsAWSService": "true",
                "aws:PrincipalServiceName": SERVICE_PRINCIPAL,
                "aws:SecureTransport": "true",
            }
        )

    def _accounts_to_try(self) -> list[str | None]:
        found = [self._account, *_STRANGERS]
        for value in self._values_of(SOURCE_ACCOUNT):
            if "<" in value:  # what only the deployment knows is taken for the right account
                continue
            found += [_filled(value, "0", 12), _filled(value, "9", 12)]
        return [None, *dict.fromkeys(self._known(each) for each in found)]

    def _arns_to_try(self) -> list[str | None]:
        found = [*self._arns, *(a.format(self._account) for a in _FOREIGN_ARNS)]
        found += [
            f"arn:aws:bedrock-agentcore:xx-none-1:{account}:code-interpreter-custom/other-0123456789"
            for account in (self._account, *_STRANGERS)
        ]
        for value in self._values_of(SOURCE_ARN):
            found.append(_filled(value, "x", 0))
        return [None, *dict.fromkeys(self._known(each) for each in found)]

    def _known(self, value: str) -> str:
        return value.replace(OWN_ACCOUNT, self._account).replace("<AWS::Partition>", "aws")

    def _values_of(self, wanted: str) -> Iterator[str]:
        for body in self._statements:
            for keys in mapping(body.get("Condition")).values():
                for key, values in mapping(keys).items():
                    if key.lower() == wanted.lower():
                        yield from (text(value) for value in each(values))

    def _is_for_service(self, body: Mapping[str, Any], action: str) -> bool:
        return is_for_action(body, action) and is_for_service(body)

    def _others(self) -> Iterator[Other]:
        for number, body in enumerate(self._statements):
            if body.get("Effect") != "Allow":
                continue
            if not any(is_for_action(body, action) for action in _ASSUMING):
                continue
            if "NotPrincipal" in body:
                yield Other(number, "*", self._gets_in(body, "AWS"))
            for kind, name in principals_of(body):
                if not is_the_service(kind, name):
                    yield Other(number, name, self._gets_in(body, kind))

    def _gets_in(self, body: Mapping[str, Any], kind: str) -> Answer:
        """Return whether a principal that is not the service passes a statement's conditions."""
        if kind == "Service":
            return True
        # Requests of people and roles are on no one else's behalf.
        context = Context(
            {SOURCE_ACCOUNT: None, SOURCE_ARN: None, "aws:PrincipalIsAWSService": "false"}
        )
        denied = any(
            holds(deny.get("Condition"), context) is True
            for deny in self._denies
            if is_for_action(deny, ASSUME_ROLE)
            and any(name == "*" for _, name in principals_of(deny))
        )
        return False if denied else holds(body.get("Condition"), context)


def _all(answers: Sequence[Answer]) -> Answer:
    if False in answers:
        return False
    return UNKNOWN if UNKNOWN in answers or not answers else True


def _filled(pattern: str, letter: str, length: int) -> str:
    """Return a string that a pattern matches."""
    missing = max(1, length - len(pattern.replace("*", "")))
    return pattern.replace("?", letter).replace("*", letter * missing, 1).replace("*", letter)
