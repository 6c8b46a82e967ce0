"""Reading IAM policies out of templates."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .._documents.values import each, mapping, mappings, text
from .model import Hit, Unseen
from .template import Resource, Templates

SERVICE_PRINCIPAL = "bedrock-agentcore.amazonaws.com"

ROLE = "AWS::IAM::Role"
# What has policies written into it.
_IDENTITIES = (ROLE, "AWS::IAM::User", "AWS::IAM::Group")
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
        negated = "NotAction" in self.body
        named = each(self.body.get("NotAction" if negated else "Action"))
        return self.allows and negated != any(is_like(text(name), action) for name in named)

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
        return self.allows and any(is_service(*each) for each in self.principals())

    def requires(self, key: str) -> bool:
        """Whether a condition demands a value of a key, and not just any."""
        return any(
            not operator.endswith("IfExists") and not any(map(_is_anything, values))
            for operator, values in self._conditions(key)
            if operator.removesuffix("IfExists") in _POSITIVE_OPERATORS
        )

    def admits(self, key: str, value: str) -> bool:
        """Whether a request that has this value of a key passes the conditions on it."""
        for operator, values in self._conditions(key):
            plain = operator.removesuffix("IfExists")
            match = _POSITIVE_OPERATORS.get(plain) or _NEGATIVE_OPERATORS.get(plain)
            if match is None:
                continue
            found = any(match(readable(each), value) for each in values)
            if found != (plain in _POSITIVE_OPERATORS):
                return False
        return True

    def _conditions(self, key: str) -> Iterator[tuple[str, list[str]]]:
        """What the conditions say of a key; IAM compares keys without case."""
        for operator, conditions in mappings(self.body.get("Condition")).items():
            for name, values in conditions.items():
                if name.lower() == key.lower():
                    plain = operator.removeprefix("ForAnyValue:").removeprefix("ForAllValues:")
                    yield plain, [text(value) for value in each(values)]


def is_like(pattern: str, value: str) -> bool:
    """Whether IAM takes a value for one that a pattern stands for; neither has a case."""
    parts = (re.escape(part).replace(r"\?", ".") for part in pattern.split("*"))
    return re.fullmatch(".*".join(parts), value, re.IGNORECASE | re.DOTALL) is not None


def readable(name: str) -> str:
    """A service's name as it is in the regions that the documentation writes of."""
    return name.replace("<AWS::URLSuffix>", "amazonaws.com")


def is_service(kind: str, name: str) -> bool:
    """Whether a principal is AgentCore."""
    return kind == "Service" and readable(name) == SERVICE_PRINCIPAL


def _is_anything(value: str) -> bool:
    return re.fullmatch(r"(arn:)?(aws[a-z-]*:)?[*?:]*", _PARTITION.sub("aws", value)) is not None


_PARTITION = re.compile(r"<AWS::Partition>")
_Match = Callable[[str, str], bool]
_POSITIVE_OPERATORS: Mapping[str, _Match] = {
    "StringEquals": lambda wanted, value: wanted == value,
    "StringEqualsIgnoreCase": lambda wanted, value: wanted.lower() == value.lower(),
    "StringLike": is_like,
    "ArnEquals": is_like,
    "ArnLike": is_like,
}
_NEGATIVE_OPERATORS: Mapping[str, _Match] = {
    "StringNotEquals": _POSITIVE_OPERATORS["StringEquals"],
    "StringNotEqualsIgnoreCase": _POSITIVE_OPERATORS["StringEqualsIgnoreCase"],
    "StringNotLike": is_like,
}


def _statements(holder: Resource, document: object, location: str) -> Iterator[Statement]:
    if isinstance(document, dict):
        for index, body in enumerate(each(document.get("Statement"))):
            if isinstance(body, dict):
                yield Statement(holder, f"{location}/Statement/{index}", body)


def trust_statements(role: Resource) -> Iterator[Statement]:
    """The statements of a role's trust policy."""
    document = role.properties.get("AssumeRolePolicyDocument")
    return _statements(role, document, "Properties/AssumeRolePolicyDocument")


def inline_statements(identity: Resource) -> Iterator[Statement]:
    """The statements of the policies that are written into a role, a user or a group."""
    for index, policy in enumerate(each(identity.properties.get("Policies"))):
        location = f"Properties/Policies/{index}/PolicyDocument"
        yield from _statements(identity, mapping(policy).get("PolicyDocument"), location)


def policy_statements(policy: Resource) -> Iterator[Statement]:
    """The statements of a policy that is a resource of its own."""
    document = policy.properties.get("PolicyDocument")
    return _statements(policy, document, "Properties/PolicyDocument")


def all_statements(templates: Templates) -> Iterator[Statement]:
    """Every statement that gives an identity permissions, in every template."""
    for identity in templates.of_type(*_IDENTITIES):
        yield from inline_statements(identity)
    for policy in templates.of_type(*_ATTACHED_BY):
        yield from policy_statements(policy)


def role_statements(templates: Templates, role: Resource) -> Iterator[Statement]:
    """Every statement that gives this role permissions, as far as the templates show it."""
    yield from inline_statements(role)
    for policy in templates.of_type(*_ATTACHED_BY):
        attached = policy.properties.get(_ATTACHED_BY[policy.type])
        name = name_of(role)
        named = role in templates.targets(policy.template, attached) or (
            name is not None and name in map(text, each(attached))
        )
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
