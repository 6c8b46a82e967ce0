"""Checks that constructs ask for, of what is written into the templates.

Raw overrides and later additions are seen there.

The CDK keeps raw overrides to itself until it writes a template, and a route may be added to a
subnet at any time: so some things can be judged in the template only, by the CDK's own means:
https://docs.aws.amazon.com/cdk/v2/guide/policy-validation-synthesis.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

import jsii
from aws_cdk import (
    App,
    CfnResource,
    IPolicyValidationContext,
    IPolicyValidationPlugin,
    PolicyValidationPluginReport,
    PolicyViolatingResource,
    PolicyViolation,
    Stack,
    Validations,
)
from constructs import IConstruct

from .template import Resource, Templates, read_templates


@dataclass(frozen=True)
class TemplateProblem:
    """Something that is wrong in a template."""

    rule: str
    description: str
    """A whole sentence, with the construct's path."""
    resource: Resource
    location: str


Check = Callable[[Templates], Iterator[TemplateProblem]]
"""Takes the templates of the app's stacks, and finds what is wrong in them."""


def written(templates: Templates, resource: CfnResource) -> Resource | None:
    """Return what was written of a resource; `None` if it is in none of the templates."""
    stack = Stack.of(resource)
    file = Path(stack.template_file).name
    logical_id = str(stack.resolve(stack.get_logical_id(resource)))
    for template in templates:
        if Path(template.path).name == file and logical_id in template.resources:
            return Resource(template, logical_id)
    return None


@jsii.implements(IPolicyValidationPlugin)
class TemplateChecks:
    """The checks of one app."""

    def __init__(self) -> None:
        """Begin without a check."""
        self._checks: dict[str, Check] = {}

    @staticmethod
    def add(construct: IConstruct, key: str, check: Check) -> None:
        """Check the app's templates when they are written.

        Args:
            construct: A construct of the app.
            key: Names the check in the app; one under the same key takes its place.
            check: Finds what is wrong.
        """
        app = construct.node.root
        if not isinstance(app, App):  # a tree that nobody synthesizes
            return
        if app not in _OF_APP:
            _OF_APP[app] = TemplateChecks()
            Validations.of(app).add_plugins(_OF_APP[app])
        _OF_APP[app]._checks[key] = check

    @property
    @jsii.member(jsii_name="name")
    def name(self) -> str:
        """The name in validation reports."""
        return "cdk-code-interpreter"

    @property
    @jsii.member(jsii_name="version")
    def version(self) -> str:
        """The version in validation reports."""
        from importlib.metadata import version

        return version("cdk-code-interpreter")

    @property
    @jsii.member(jsii_name="ruleIds")
    def rule_ids(self) -> list[str]:
        """The ids in validation reports."""
        return ["execution-role-trust", "public-subnet", "function-network", "unique-name"]

    @jsii.member(jsii_name="validate")
    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        """Run the checks; the CDK calls this after it has written the templates."""
        templates = read_templates(context.template_paths)
        violations = [
            PolicyViolation(
                rule_name=problem.rule,
                description=problem.description,
                severity="error",
                violating_resources=[
                    PolicyViolatingResource(
                        resource_logical_id=problem.resource.logical_id,
                        template_path=problem.resource.template.path,
                        locations=[problem.location],
                    )
                ],
            )
            for check in self._checks.values()
            for problem in check(templates)
        ]
        return PolicyValidationPluginReport(success=not violations, violations=violations)


_OF_APP: MutableMapping[App, TemplateChecks] = WeakKeyDictionary()
