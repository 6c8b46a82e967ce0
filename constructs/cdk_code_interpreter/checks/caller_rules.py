"""Rules about who may use interpreters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .._documents.conditions import patterns_meet
from .._documents.values import mapping, text
from .model import CheckLevel, Controls, Hit, Proof, Rule
from .policies import (
    IDENTITIES,
    Statement,
    all_statements,
    attached_policies,
    is_like,
    policy_of_aws,
)
from .template import Templates

# The service authorization reference gives system interpreters the literal account `aws`, custom
# ones the account's own number, and Create and List no resource at all.
_SYSTEM_ARN_OF_ACCOUNT = re.compile(r"(?<!:aws)(?<![*?]):code-interpreter/")
_CUSTOM_ARN_OF_AWS = re.compile(r":aws:code-interpreter-custom/")
_ACTIONS_WITHOUT_RESOURCE = (
    "bedrock-agentcore:createcodeinterpreter",
    "bedrock-agentcore:listcodeinterpreters",
)
# Who may do these has what the execution role has.
_USING = (
    "bedrock-agentcore:StartCodeInterpreterSession",
    "bedrock-agentcore:InvokeCodeInterpreter",
)
_PLACE = re.compile(r"<AWS::(AccountId|Partition|Region)>")
# An interpreter that no policy means.
_ANY_INTERPRETER = "code-interpreter-custom/\ue000-\ue000"
_PARTS_OF_AN_ARN = 6
_POLICY_FOR_ALL = "BedrockAgentCoreFullAccess"


def _on_every_interpreter(templates: Templates) -> Iterator[Hit]:
    for statement in all_statements(templates):
        if statement.allows and not _is_limited_by_tags(statement):
            actions = [action for action in statement.actions if _is_use(action)]
            if actions and any(_is_every(text(each)) for each in statement.resources):
                for action in actions:
                    yield statement.hit(action)
    for identity in templates.of_type(*IDENTITIES):
        for location, value in attached_policies(identity):
            if policy_of_aws(value) == _POLICY_FOR_ALL:
                yield Hit(identity.template, identity.logical_id, location, _POLICY_FOR_ALL)


def _is_use(action: str) -> bool:
    """Return whether an action is of AgentCore by name, and runs code."""
    return action.lower().startswith("bedrock-agentcore:") and any(
        patterns_meet(action.lower(), each.lower()) for each in _USING
    )


def _is_every(resource: str) -> bool:
    written = _PLACE.sub("*", resource)
    parts = written.split(":", _PARTS_OF_AN_ARN - 1)
    if len(parts) < _PARTS_OF_AN_ARN or "*" in parts[0]:  # a wildcard stands for colons as well
        return is_like(written, f"arn:aws:bedrock-agentcore:\ue000:\ue000:{_ANY_INTERPRETER}")
    _, _, service, _, account, own = parts
    return (
        is_like(service, "bedrock-agentcore")
        and account != "aws"
        and is_like(own, _ANY_INTERPRETER)
    )


def _is_limited_by_tags(statement: Statement) -> bool:
    return any(
        key.lower().startswith("aws:resourcetag/")
        for keys in mapping(statement.body.get("Condition")).values()
        for key in mapping(keys)
    )


def _wrong_arns(templates: Templates) -> Iterator[Hit]:
    for statement in all_statements(templates):
        resources = [text(resource) for resource in statement.resources]
        for resource in resources:
            if _SYSTEM_ARN_OF_ACCOUNT.search(resource) or _CUSTOM_ARN_OF_AWS.search(resource):
                yield statement.hit(resource)
        if statement.allows and "*" not in resources:
            for action in statement.actions:
                if action.lower() in _ACTIONS_WITHOUT_RESOURCE:
                    yield statement.hit(action)


def _on_interpreters(templates: Templates) -> Iterator[Proof]:
    for statement in all_statements(templates):
        if any("CodeInterpreter" in action for action in statement.actions):
            yield Proof(statement.holder, statement.holder, statement.location)


CALLER_RULES = (
    Rule(
        name="CallerWildcard",
        meaning="A policy allows the action in brackets on every code interpreter.",
        why=(
            "Who may use an interpreter has, in effect, its execution role's permissions: with "
            "every interpreter of the account, those of every such role, and those of roles that "
            "are made later."
        ),
        mend="Name the interpreters' ARNs, as the interpreter's grants do.",
        controls=Controls(nist_800_53=("AC-3", "AC-6", "AC-6(1)")),
        level=CheckLevel.WARNING,
        check=_on_every_interpreter,
        prove=_on_interpreters,
        guard_limit=(
            "sees policies that are resources of their own, and resources that are one string or "
            "an Fn::Sub of one string; neither managed policies of AWS nor documents that are "
            "not written out, to which it objects"
        ),
    ),
    Rule(
        name="ArnForm",
        meaning=(
            "A policy names a code interpreter by an ARN that no interpreter has, or limits an "
            "action that takes no resource; in brackets."
        ),
        why=(
            "Such a statement allows or denies nothing. Custom interpreters are "
            "ACCOUNT:code-interpreter-custom/ID, the system's are aws:code-interpreter/ID, and "
            "CreateCodeInterpreter and ListCodeInterpreters take `*` only."
        ),
        mend="Use the ARN forms above, or the interpreter's grants.",
        controls=Controls(nist_800_53=("AC-3", "AC-6")),
        level=CheckLevel.ERROR,
        check=_wrong_arns,
        prove=_on_interpreters,
        guard_limit="does not see Fn::Sub with a list, nor imported values",
    ),
)
