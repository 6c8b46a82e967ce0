"""Reading IAM policies out of templates."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .model import Hit
from .template import Resource, Templates
from .values import each, mapping, mappings, text

SERVICE_PRINCIPAL = "bedrock-agentcore.amazonaws.com"

ROLE = "AWS::IAM::Role"
MANAGED_POLICY = "AWS::IAM::ManagedPolicy"
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
    def actions(self) -> list[str]:
        """The actions; what NotAction leaves open is everything."""
        return (
            ["*"] if "NotAction" in self.body else [text(a) for a in each(self.body.get("Action"))]
        )

    @property
    def resources(self) -> list[Any]:
        """The resources, as they stand; what NotResource leaves open is everything."""
        return ["*"] if "NotResource" in self.body else list(each(self.body.get("Resource")))

    def allows_action(self, action: str) -> bool:
        """Whether an action is among those allowed, by name or by wildcard."""
        return self.allows and any(
            fnmatch.fnmatchcase(action.lower(), pattern.lower()) for pattern in self.actions
        )

    def principals(self) -> Iterator[tuple[str, str]]:
        """Kind and text of every principal; ``("*", "*")`` for everyone."""
        principal = self.body.get("Principal")
        if isinstance(principal, str):
            yield principal, principal
        elif isinstance(principal, dict):
            for kind, names in principal.items():
                for name in each(names):
                    yield kind, text(name)

    @property
    def is_for_service(self) -> bool:
        """Whether this lets AgentCore assume the role."""
        return self.allows and ("Service", SERVICE_PRINCIPAL) in self.principals()

    def requires(self, key: str) -> bool:
        """Whether a condition demands a value of a key; IAM compares keys without case."""
        for operator, conditions in mappings(self.body.get("Condition")).items():
            if operator not in _POSITIVE_OPERATORS:
                continue
            for name, values in conditions.items():
                if name.lower() == key.lower() and "*" not in [text(v) for v in each(values)]:
                    return True
        return False

    def values_of(self, key: str) -> list[str] | None:
        """The values that a condition demands of a key; `None` when it demands nothing."""
        if not self.requires(key):
            return None
        return [
            text(value)
            for operator, conditions in mappings(self.body["Condition"]).items()
            if operator in _POSITIVE_OPERATORS
            for name, values in conditions.items()
            if name.lower() == key.lower()
            for value in each(values)
        ]


_POSITIVE_OPERATORS = frozenset(
    {"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike"}
)


def _statements(holder: Resource, document: object, location: str) -> Iterator[Statement]:
    if isinstance(document, dict):
        for index, body in enumerate(each(document.get("Statement"))):
            if isinstance(body, dict):
                yield Statement(holder, f"{location}/Statement/{index}", body)


def trust_statements(role: Resource) -> Iterator[Statement]:
    """The statements of a role's trust policy."""
    document = role.properties.get("AssumeRolePolicyDocument")
    return _statements(role, document, "Properties/AssumeRolePolicyDocument")


def inline_statements(role: Resource) -> Iterator[Statement]:
    """The statements of the policies that are written into a role."""
    for index, policy in enumerate(each(role.properties.get("Policies"))):
        location = f"Properties/Policies/{index}/PolicyDocument"
        yield from _statements(role, mapping(policy).get("PolicyDocument"), location)


def policy_statements(policy: Resource) -> Iterator[Statement]:
    """The statements of a policy that is a resource of its own."""
    document = policy.properties.get("PolicyDocument")
    return _statements(policy, document, "Properties/PolicyDocument")


def all_statements(templates: Templates) -> Iterator[Statement]:
    """Every statement that gives an identity permissions, in every template."""
    for role in templates.of_type(ROLE):
        yield from inline_statements(role)
    for policy in templates.of_type(*_ATTACHED_BY):
        yield from policy_statements(policy)


def role_statements(templates: Templates, role: Resource) -> Iterator[Statement]:
    """Every statement that gives this role permissions, as far as the templates show it."""
    yield from inline_statements(role)
    for policy in templates.of_type(*_ATTACHED_BY):
        attached = policy.properties.get(_ATTACHED_BY[policy.type])
        named = role in templates.targets(policy.template, attached)
        if named or policy in _managed_policies(templates, role):
            yield from policy_statements(policy)


def _managed_policies(templates: Templates, role: Resource) -> set[Resource]:
    return templates.targets(role.template, role.properties.get("ManagedPolicyArns"))


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
        role = templates.target(interpreter.template, value, ROLE)
        if role is not None:
            found[role.template.path, role.logical_id] = role
    return list(found.values())
