"""Reading IAM policies out of templates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .._documents.conditions import Context, holds
from .._documents.statements import is_the_service, principals_of
from .._documents.values import each, mapping, text
from .._documents.variants import variants
from .model import Hit, Unseen
from .template import Resource, Templates

ROLE = "AWS::IAM::Role"
MANAGED_POLICY = "AWS::IAM::ManagedPolicy"
# What has policies written into it, and the properties for those and for attached ones. Functions
# of SAM take both in one list, and the names of AWS's policies as well.
IDENTITIES: Mapping[str, tuple[str, str]] = {
    ROLE: ("Policies", "ManagedPolicyArns"),
    "AWS::IAM::User": ("Policies", "ManagedPolicyArns"),
    "AWS::IAM::Group": ("Policies", "ManagedPolicyArns"),
    "AWS::SSO::PermissionSet": ("InlinePolicy", "ManagedPolicies"),
    "AWS::Serverless::Function": ("Policies", "Policies"),
    "AWS::Serverless::StateMachine": ("Policies", "Policies"),
}
# The property that names the roles which each kind of policy is attached to.
_ATTACHED_BY = {
    "AWS::IAM::Policy": "Roles",
    MANAGED_POLICY: "Roles",
    "AWS::IAM::RolePolicy": "RoleName",
    "AWS::IAM::UserPolicy": "UserName",
    "AWS::IAM::GroupPolicy": "GroupName",
}


@dataclass(frozen=True)
class Statement:
    """A statement of a policy, and where it stands."""

    holder: Resource
    location: str
    body: Mapping[str, Any]

    def hit(self, detail: str) -> Hit:
        """An objection to this statement; the detail tells it from others."""
        return Hit(self.holder.template, self.holder.logical_id, self.location, detail)

    @property
    def allows(self) -> bool:
        """Whether the effect is Allow."""
        return self.body.get("Effect") == "Allow"

    @property
    def denies(self) -> bool:
        """Whether the effect is Deny."""
        return self.body.get("Effect") == "Deny"

    @property
    def actions(self) -> list[str]:
        """The actions; what NotAction leaves open is everything."""
        return (
            ["*"] if "NotAction" in self.body else [text(a) for a in each(self.body.get("Action"))]
        )

    @property
    def resources(self) -> list[Any]:
        """The resources, as they stand; what NotResource leaves open is everything."""
        return ["*"] if "NotResource" in self.body else list(each(self.body.get("Resource")))

    def is_about(self, action: str) -> bool:
        """Whether an action is among those named, by name or by wildcard."""
        negated = "NotAction" in self.body
        named = each(self.body.get("NotAction" if negated else "Action"))
        return negated != any(is_like(text(name), action) for name in named)

    def allows_action(self, action: str) -> bool:
        """Whether an action is among those allowed, by name or by wildcard."""
        return self.allows and self.is_about(action)

    def admits(self, request: Context) -> bool | None:
        """Whether a request passes the conditions; `None` where the template does not say."""
        return holds(self.body.get("Condition"), request)

    @property
    def is_for_service(self) -> bool:
        """Whether this lets AgentCore assume the role."""
        return self.allows and any(is_the_service(*each) for each in principals_of(self.body))


def is_like(pattern: str, value: str) -> bool:
    """Whether IAM takes a value for one that a pattern stands for; neither has a case."""
    parts = (re.escape(part).replace(r"\?", ".") for part in pattern.split("*"))
    return re.fullmatch(".*".join(parts), value, re.IGNORECASE | re.DOTALL) is not None


def _statements(holder: Resource, document: object, location: str) -> Iterator[Statement]:
    """The statements of a document, in every form that conditions choose of it."""
    read: list[tuple[int, Mapping[str, Any]]] = []
    for chosen in variants(document):
        for index, body in enumerate(each(chosen.get("Statement"))):
            if isinstance(body, dict) and (index, body) not in read:
                read.append((index, body))
                yield Statement(holder, f"{location}/Statement/{index}", body)


def trust_statements(role: Resource) -> Iterator[Statement]:
    """The statements of a role's trust policy."""
    document = role.properties.get("AssumeRolePolicyDocument")
    return _statements(role, document, "Properties/AssumeRolePolicyDocument")


def inline_statements(identity: Resource) -> Iterator[Statement]:
    """The statements of the policies that are written into a role, a user or a group."""
    written = IDENTITIES[identity.type][0]
    value = identity.properties.get(written)
    if written == "InlinePolicy":
        yield from _statements(identity, value, f"Properties/{written}")
        return
    for index, policy in enumerate(each(value)):
        location = f"Properties/{written}/{index}"
        if "Statement" in mapping(policy):  # as SAM has it
            yield from _statements(identity, policy, location)
        else:
            document = mapping(policy).get("PolicyDocument")
            yield from _statements(identity, document, f"{location}/PolicyDocument")


def attached_policies(identity: Resource) -> Iterator[tuple[str, Any]]:
    """Location and value of every managed policy that an identity names."""
    named = IDENTITIES[identity.type][1]
    for index, value in enumerate(each(identity.properties.get(named))):
        if not isinstance(value, dict) or not {"Statement", "PolicyDocument"} & value.keys():
            yield f"Properties/{named}/{index}", value


def policy_of_aws(value: object) -> str | None:
    """The path and name of a managed policy of AWS; `None` for one that is not AWS's."""
    found = _POLICY_OF_AWS.search(text(value))
    return found[1] if found else None


_POLICY_OF_AWS = re.compile(r"(?:^|:iam::aws:policy/)([\w+=,.@-]+(?:/[\w+=,.@-]+)*)$")


def policy_statements(policy: Resource) -> Iterator[Statement]:
    """The statements of a policy that is a resource of its own."""
    document = policy.properties.get("PolicyDocument")
    return _statements(policy, document, "Properties/PolicyDocument")


@lru_cache(maxsize=4)
def all_statements(templates: Templates) -> tuple[Statement, ...]:
    """Every statement that gives an identity permissions, in every template."""
    written = [
        statement
        for identity in templates.of_type(*IDENTITIES)
        for statement in inline_statements(identity)
    ]
    for policy in templates.of_type(*_ATTACHED_BY):
        written += policy_statements(policy)
    return tuple(written)


@lru_cache(maxsize=64)
def role_statements(templates: Templates, role: Resource) -> tuple[Statement, ...]:
    """Every statement that gives this role permissions, as far as the templates show it."""
    found = list(inline_statements(role))
    managed = templates.targets(role.template, role.properties.get("ManagedPolicyArns"))
    for policy in templates.of_type(*_ATTACHED_BY):
        if policy in managed or _is_attached(templates, policy, role):
            found += policy_statements(policy)
    return tuple(found)


def _is_attached(templates: Templates, policy: Resource, role: Resource) -> bool:
    attached = policy.properties.get(_ATTACHED_BY[policy.type])
    if role in templates.targets(policy.template, attached):
        return True
    name = name_of(role)
    return name is not None and name in map(text, each(attached))


@lru_cache(maxsize=4)
def statements_by_holder(templates: Templates) -> Mapping[Resource, tuple[Statement, ...]]:
    """What limits a statement: all that stands in the same policy, or in the same roles.

    A policy that is attached to roles of the templates is read with all that those roles have, as
    long as every one of them has it.
    """
    found: dict[Resource, list[Statement]] = {}
    for statement in all_statements(templates):
        found.setdefault(statement.holder, []).append(statement)
    roles = list(templates.of_type(ROLE))
    every = {role: role_statements(templates, role) for role in roles}
    together: dict[Resource, tuple[Statement, ...]] = {}
    for holder, own in found.items():
        having = [
            role for role in roles if any(statement.holder == holder for statement in every[role])
        ]
        shared = [
            statement
            for statement in (every[having[0]] if having else ())
            if all(statement in every[role] for role in having)
        ]
        together[holder] = (*own, *shared)
    return together


def boundaries(templates: Templates) -> set[Resource]:
    """The managed policies that limit roles or users as a boundary, and give nobody anything."""
    limits: set[Resource] = set()
    given: set[Resource] = set()
    for identity in templates.of_type(*IDENTITIES):
        boundary = identity.properties.get("PermissionsBoundary")
        limits |= templates.targets(identity.template, boundary)
        for _, value in attached_policies(identity):
            given |= templates.targets(identity.template, value)
    return {
        policy
        for policy in limits - given
        if policy.type == MANAGED_POLICY
        and not any(policy.properties.get(who) for who in ("Roles", "Users", "Groups"))
    }


def service_roles(templates: Templates) -> Iterator[Resource]:
    """Every role that AgentCore may assume or that an interpreter is given."""
    given = set(execution_roles(templates))
    for role in templates.of_type(ROLE):
        if role in given or any(s.is_for_service for s in trust_statements(role)):
            yield role


def execution_roles(templates: Templates) -> list[Resource]:
    """The roles that interpreters are given, each once, in the order of the templates."""
    found: dict[tuple[str, str], Resource] = {}
    for interpreter in templates.interpreters:
        value = interpreter.properties.get("ExecutionRoleArn")
        referred = templates.targets_of_type(interpreter.template, value, ROLE)
        for role in referred or _named(templates, value):
            found[role.template.path, role.logical_id] = role
    return list(found.values())


def unseen_roles(templates: Templates) -> Iterator[Unseen]:
    """Return the interpreters whose role is in none of the templates, and policies that are not."""
    for interpreter in templates.interpreters:
        value = interpreter.properties.get("ExecutionRoleArn")
        if value is None:
            continue
        referred = templates.targets_of_type(interpreter.template, value, ROLE)
        if not referred and not list(_named(templates, value)):
            yield Unseen(interpreter, f"the role {text(value)} is in none of the templates")


def unseen_policies(templates: Templates) -> Iterator[Unseen]:
    """Return roles whose permissions are not all in the templates."""
    yield from unseen_roles(templates)
    for role in execution_roles(templates):
        for arn in each(role.properties.get("ManagedPolicyArns")):
            if not templates.targets_of_type(role.template, arn, MANAGED_POLICY):
                yield Unseen(role, f"the policy {text(arn)} is in none of the templates")


def _named(templates: Templates, value: object) -> Iterator[Resource]:
    """The roles that an ARN names as they are called, and not by a reference."""
    arns = [text(arn) for arn in each(value)]
    for role in templates.of_type(ROLE):
        name = name_of(role)
        if name is not None and any(re.search(rf":role/(.*/)?{re.escape(name)}$", a) for a in arns):
            yield role


def name_of(role: Resource) -> str | None:
    """The name that a role was given; `None` where CloudFormation makes one up."""
    return text(role.properties.get("RoleName")) or None
