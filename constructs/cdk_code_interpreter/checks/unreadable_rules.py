"""The rule about what a template leaves open, so that it is never taken for clean."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .._documents.values import each, intrinsics, mapping, text
from .._documents.variants import variants
from .model import CheckLevel, Controls, Hit, Rule
from .policies import (
    ROLE,
    Statement,
    attached_policies,
    execution_roles,
    policy_of_aws,
    role_statements,
)
from .template import NESTED_STACK, Resource, Template, Templates

_REFERENCE = re.compile(r"<([^>]*)>")
# Transforms that change nothing which rules look at, or that are read here.
_READ_TRANSFORMS = (
    "AWS::LanguageExtensions",
    "AWS::Serverless-2016-10-31",
    "AWS::CodeDeployBlueGreen",
)
_READ_PREFIX = "AWS::SecretsManager-"


def _unreadable(templates: Templates) -> Iterator[Hit]:
    for template in templates:
        yield from _computed(template)
        for logical_id, resource in template.resources.items():
            yield from _of_another_template(templates, Resource(template, logical_id), resource)
    for interpreter in templates.interpreters:
        yield from _unknown_role(templates, interpreter)
    for role in execution_roles(templates):
        yield from _unknown_documents(templates, role)
        for statement in role_statements(templates, role):
            if statement.allows:
                for detail in _unknown_parts(templates, statement):
                    yield statement.hit(detail)


def _computed(template: Template) -> Iterator[Hit]:
    """What a loop, a macro or an included snippet writes when the stack is deployed."""
    for transform in each(template.body.get("Transform")):
        name = text(mapping(transform).get("Name", transform))
        if name not in _READ_TRANSFORMS and not name.startswith(_READ_PREFIX):
            yield Hit(template, "Transform", name, name)
    for name in template.loops:
        yield Hit(template, name, "Resources", name)
    for logical_id, resource in template.resources.items():
        found = {name for name, _ in intrinsics(resource)}
        for name in sorted(found):
            if name == "Fn::Transform" or name.startswith("Fn::ForEach"):
                yield Hit(template, logical_id, "Properties", name)


def _of_another_template(
    templates: Templates, resource: Resource, definition: object
) -> Iterator[Hit]:
    if resource.type.endswith("::MODULE") or resource.type == "AWS::Serverless::Application":
        yield _hit(resource, "Type", resource.type)
    if resource.type == NESTED_STACK and not templates.nests(mapping(definition)):
        yield _hit(resource, "Properties/TemplateURL", NESTED_STACK)


def _unknown_role(templates: Templates, interpreter: Resource) -> Iterator[Hit]:
    value = interpreter.properties.get("ExecutionRoleArn")
    if any(each(value)) and not any(
        role for role in execution_roles(templates) if _is_given(templates, interpreter, role)
    ):
        yield _hit(interpreter, "Properties/ExecutionRoleArn", "ExecutionRoleArn")


def _is_given(templates: Templates, interpreter: Resource, role: Resource) -> bool:
    value = interpreter.properties.get("ExecutionRoleArn")
    if templates.targets_of_type(interpreter.template, value, ROLE):
        return True
    name = text(role.properties.get("RoleName"))
    return bool(name) and any(text(arn).endswith(f"/{name}") for arn in each(value))


def _unknown_documents(templates: Templates, role: Resource) -> Iterator[Hit]:
    if not any(variants(role.properties.get("AssumeRolePolicyDocument"))):
        yield _hit(role, "Properties/AssumeRolePolicyDocument", "AssumeRolePolicyDocument")
    for location, value in attached_policies(role):
        known = policy_of_aws(value) or templates.targets(role.template, value)
        if not known and not _has_default(role.template, text(value)):
            yield _hit(role, location, text(value))
    for index, policy in enumerate(each(role.properties.get("Policies"))):
        document = mapping(policy).get("PolicyDocument")
        if not any(each.get("Statement") for each in variants(document)):
            yield _hit(role, f"Properties/Policies/{index}/PolicyDocument", "PolicyDocument")


def _has_default(template: Template, written: str) -> bool:
    """Whether all that is open in a value are parameters with a default, which is judged."""
    parameters = mapping(template.body.get("Parameters"))
    names = _REFERENCE.findall(written)
    return bool(names) and all("Default" in mapping(parameters.get(name)) for name in names)


def _unknown_parts(templates: Templates, statement: Statement) -> Iterator[str]:
    template = statement.holder.template
    for action in statement.actions:
        if "<" in action and not _has_default(template, action):
            yield action
    for resource in statement.resources:
        name = text(resource)
        is_parameter = mapping(resource).get("Ref") in mapping(template.body.get("Parameters"))
        # What a stack above gives is followed; what somebody types at the launch is not known.
        unknown = is_parameter and not _has_default(template, name)
        if unknown and not templates.gives(template, name.strip("<>")):
            yield name


def _hit(resource: Resource, location: str, detail: str) -> Hit:
    return Hit(resource.template, resource.logical_id, location, detail)


UNREADABLE_RULES = (
    Rule(
        name="NotReadable",
        meaning=(
            "The template does not say what the part in brackets becomes, so that no rule can "
            "judge it."
        ),
        why=(
            "A macro, a module, a loop over unknown values, an unknown nested template, role, "
            "policy or parameter can hold what other rules would find: silence is no evidence."
        ),
        mend=(
            "Check the processed template as well (aws cloudformation get-template "
            "--template-stage Processed), write the value out, or acknowledge the finding with "
            "what it stands for."
        ),
        controls=Controls(nist_800_53=("CM-2", "CM-6")),
        level=CheckLevel.WARNING,
        check=_unreadable,
        prove=lambda _: iter(()),
        guard_limit=(
            "sees loops, modules, macros and nested stacks whose URL is one string, whether their "
            "values are known or not; neither parameters nor policies and roles that are defined "
            "elsewhere"
        ),
    ),
)
