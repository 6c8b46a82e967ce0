"""Rules about what an execution role may do."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .._documents.values import text
from .model import CheckLevel, Controls, Hit, Proof, Rule
from .policies import (
    attached_policies,
    execution_roles,
    policy_of_aws,
    role_statements,
    unseen_policies,
)
from .template import Templates

LEAST_PRIVILEGE = Controls(
    nist_800_53=("AC-3", "AC-6", "AC-6(3)"),
    config_rules=("iam-policy-no-statements-with-full-access",),
    security_hub=("IAM.21",),
)
_PLACEHOLDER = re.compile(r"<[^>]*>")
_PARTS_OF_AN_ARN = 6
# What names no type before the resource itself.
_WITHOUT_TYPE = ("s3", "sns", "sqs", "execute-api", "codecommit", "codepipeline")
_TYPE = re.compile(r"/?[A-Za-z0-9-]+[:/]")
_TYPE_OF_S3 = re.compile(r"(accesspoint|job|storage-lens|async-request)[:/]")


def _wildcard_actions(templates: Templates) -> Iterator[Hit]:
    for role in execution_roles(templates):
        for statement in role_statements(templates, role):
            for action in statement.actions:
                if statement.allows and ("*" in action or "?" in action):
                    yield statement.hit(action)


def _wildcard_resources(templates: Templates) -> Iterator[Hit]:
    for role in execution_roles(templates):
        for statement in role_statements(templates, role):
            for resource in map(text, statement.resources):
                if statement.allows and is_everything(resource):
                    yield statement.hit(resource)


def is_everything(resource: str) -> bool:
    """Return whether a resource is a wildcard where its own name begins.

    Args:
        resource: What a statement names, with references as ``<LogicalId>``.
    """
    written = _PLACEHOLDER.sub("x", resource)
    parts = written.split(":", _PARTS_OF_AN_ARN - 1)
    if len(parts) < _PARTS_OF_AN_ARN:
        # A wildcard stands for colons as well.
        return _begins_open(parts[0]) or (parts[0] == "arn" and written.endswith("*"))
    service, own = parts[2], parts[-1]
    kinds = _TYPE_OF_S3 if service in _WITHOUT_TYPE else _TYPE
    kind = kinds.match(own)
    return _begins_open(own) or (kind is not None and _begins_open(own[kind.end() :]))


def _begins_open(name: str) -> bool:
    return name.lstrip("?/").startswith("*") or (bool(name) and not name.strip("?"))


def _policies_of_aws(templates: Templates) -> Iterator[Hit]:
    for role in execution_roles(templates):
        for location, value in attached_policies(role):
            name = policy_of_aws(value)
            if name is not None:
                yield Hit(role.template, role.logical_id, location, name)


def _assumed_roles(templates: Templates) -> Iterator[Hit]:
    for role in execution_roles(templates):
        for statement in role_statements(templates, role):
            named = [action.lower() for action in statement.actions]
            if statement.allows_action("sts:AssumeRole") and any(
                action.startswith("sts:") for action in named
            ):
                for resource in map(text, statement.resources):
                    yield statement.hit(resource)


def _permissions(templates: Templates) -> Iterator[Proof]:
    for role in execution_roles(templates):
        statements = role_statements(templates, role)
        for statement in statements:
            yield Proof(statement.holder, statement.holder, statement.location)
        if not statements:
            yield Proof(role, role, "Properties/ManagedPolicyArns")


ROLE_RULES = (
    Rule(
        name="RoleWildcardAction",
        meaning="An execution role is allowed actions by the wildcard in brackets.",
        why=(
            "Any code in a session can read the role's credentials, in every network mode. Actions "
            "that nobody listed, and those that AWS adds later, are then given to that code."
        ),
        mend="List the actions that the code needs, one by one.",
        controls=LEAST_PRIVILEGE,
        level=CheckLevel.ERROR,
        check=_wildcard_actions,
        prove=_permissions,
        unseen=unseen_policies,
        guard_limit=(
            "sees the role that the interpreter refers to by Fn::GetAtt, and policies of the same "
            "template that are attached by Ref; objects to every action and document that is not "
            "written out"
        ),
    ),
    Rule(
        name="RoleWildcardResource",
        meaning=(
            "An execution role is allowed actions on every resource, or on every resource of a "
            "type: the one in brackets is a wildcard where its own name begins."
        ),
        why=(
            "Any code in a session can read the role's credentials; with `*` it reaches what other "
            "applications of the account keep."
        ),
        mend=(
            "Name the ARNs. Where an action takes no resource, let the caller do it outside the "
            "session, or acknowledge the finding with the action's name."
        ),
        controls=LEAST_PRIVILEGE,
        level=CheckLevel.ERROR,
        check=_wildcard_resources,
        prove=_permissions,
        unseen=unseen_policies,
        guard_limit=(
            "sees the role that the interpreter refers to by Fn::GetAtt, policies of the same "
            "template that are attached by Ref, and resources that are one string, or an Fn::Sub "
            "of one string, but not what parameters and mappings give; objects to every document "
            "that is not written out"
        ),
    ),
    Rule(
        name="RoleManagedPolicy",
        meaning="An execution role has the managed policy of AWS in brackets.",
        why=(
            "Such policies are written for every customer: their resources are wildcards, and AWS "
            "adds actions to them. Any code in a session can then use what they allow."
        ),
        mend="Write a policy with the actions and the ARNs that the code needs.",
        controls=LEAST_PRIVILEGE,
        level=CheckLevel.ERROR,
        check=_policies_of_aws,
        prove=_permissions,
        unseen=unseen_policies,
        guard_limit=(
            "sees the role that the interpreter refers to by Fn::GetAtt, and ARNs that are one "
            "string, an Fn::Sub of one string or an Fn::Join; neither conditions nor parameters"
        ),
    ),
    Rule(
        name="RoleAssumesRole",
        meaning="An execution role may assume the role in brackets.",
        why=(
            "Any code in a session can then get that role's credentials: what it may do is decided "
            "by another policy than the execution role's."
        ),
        mend=(
            "Give the execution role the permissions themselves, or acknowledge the finding with "
            "what the other role may do."
        ),
        controls=Controls(nist_800_53=("AC-3", "AC-6")),
        level=CheckLevel.WARNING,
        check=_assumed_roles,
        prove=_permissions,
        unseen=unseen_policies,
        guard_limit=(
            "sees the role that the interpreter refers to by Fn::GetAtt, and policies of the same "
            "template that are attached by Ref, but not what parameters and mappings give; objects "
            "to every document that is not written out"
        ),
    ),
)
