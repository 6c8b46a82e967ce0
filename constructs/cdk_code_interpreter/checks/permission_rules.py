"""Rules about what permissions say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .._documents.values import each, text
from .model import CheckLevel, Controls, Hit, Proof, Rule
from .policies import all_statements, execution_roles, role_statements, unseen_policies
from .template import Templates

_LEAST_PRIVILEGE = Controls(
    nist_800_53=("AC-3", "AC-6", "AC-6(3)"),
    config_rules=("iam-policy-no-statements-with-full-access",),
    security_hub=("IAM.21",),
)
_BROAD_MANAGED_POLICY = re.compile(r"(AdministratorAccess|PowerUserAccess|FullAccess)$")
_EVERYTHING = re.compile(r"[*?]+|arn(:[^:]*){0,4}:\*+")
_PLACEHOLDER = re.compile(r"<[^>]*>")
# The service authorization reference gives system interpreters the literal account `aws`, custom
# ones the account's own number, and Create and List no resource at all.
_SYSTEM_ARN_OF_ACCOUNT = re.compile(r"(?<!:aws)(?<![*?]):code-interpreter/")
_CUSTOM_ARN_OF_AWS = re.compile(r":aws:code-interpreter-custom/")
_ACTIONS_WITHOUT_RESOURCE = (
    "bedrock-agentcore:createcodeinterpreter",
    "bedrock-agentcore:listcodeinterpreters",
)


def _wildcard_actions(templates: Templates) -> Iterator[Hit]:
    for role in execution_roles(templates):
        for statement in role_statements(templates, role):
            for action in statement.actions:
                if statement.allows and ("*" in action or "?" in action):
                    yield statement.hit(action)
        for index, value in enumerate(each(role.properties.get("ManagedPolicyArns"))):
            policy = text(value)
            if _BROAD_MANAGED_POLICY.search(policy):
                location = f"Properties/ManagedPolicyArns/{index}"
                yield Hit(role.template, role.logical_id, location, policy)


def _wildcard_resources(templates: Templates) -> Iterator[Hit]:
    for role in execution_roles(templates):
        for statement in role_statements(templates, role):
            for resource in map(text, statement.resources):
                if statement.allows and _is_everything(resource):
                    yield statement.hit(resource)


def _permissions(templates: Templates) -> Iterator[Proof]:
    for role in execution_roles(templates):
        statements = list(role_statements(templates, role))
        for statement in statements:
            yield Proof(statement.holder, statement.holder, statement.location)
        if not statements:
            yield Proof(role, role, "Properties/ManagedPolicyArns")


def _on_interpreters(templates: Templates) -> Iterator[Proof]:
    for statement in all_statements(templates):
        if any("CodeInterpreter" in action for action in statement.actions):
            yield Proof(statement.holder, statement.holder, statement.location)


def _is_everything(resource: str) -> bool:
    return _EVERYTHING.fullmatch(_PLACEHOLDER.sub("", resource)) is not None


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


PERMISSION_RULES = (
    Rule(
        name="RoleWildcardAction",
        meaning="An execution role is allowed actions by the wildcard in brackets.",
        why=(
            "Any code in a session can read the role's credentials, in every network mode. Actions "
            "that nobody listed, and those that AWS adds later, are then given to that code."
        ),
        mend="List the actions that the code needs, one by one.",
        controls=_LEAST_PRIVILEGE,
        level=CheckLevel.ERROR,
        check=_wildcard_actions,
        prove=_permissions,
        unseen=unseen_policies,
        guard_limit=(
            "sees the role that the interpreter refers to by Fn::GetAtt, and policies of the same "
            "template that are attached by Ref"
        ),
    ),
    Rule(
        name="RoleWildcardResource",
        meaning="An execution role is allowed actions on every resource.",
        why=(
            "Any code in a session can read the role's credentials; with `*` it reaches what other "
            "applications of the account keep."
        ),
        mend=(
            "Name the ARNs. Where an action takes no resource, let the caller do it outside the "
            "session, or acknowledge the finding with the action's name."
        ),
        controls=_LEAST_PRIVILEGE,
        level=CheckLevel.ERROR,
        check=_wildcard_resources,
        prove=_permissions,
        unseen=unseen_policies,
        guard_limit=(
            "sees the role that the interpreter refers to by Fn::GetAtt, policies of the same "
            "template that are attached by Ref, and resources without a reference in them"
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
