"""Execution roles as they are written into templates, raw overrides included.

The CDK keeps raw overrides to itself until it writes a template, so what they change is judged
there: https://docs.aws.amazon.com/cdk/v2/guide/policy-validation-synthesis.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import jsii
from aws_cdk import (
    App,
    IPolicyValidationContext,
    IPolicyValidationPlugin,
    PolicyValidationPluginReport,
    PolicyViolatingResource,
    PolicyViolation,
    Validations,
)
from constructs import IConstruct

_LOCATION = "Properties/AssumeRolePolicyDocument"


@dataclass(frozen=True)
class WrittenRole:
    """A role to look for in a template."""

    template_file: str
    logical_id: str
    problems_of: Callable[[object], list[str]]
    """Says what is wrong with a trust policy, in whole sentences."""


@jsii.implements(IPolicyValidationPlugin)
class WrittenRoles:
    """Judges the trust policies of an app's execution roles in its templates."""

    def __init__(self) -> None:
        """Begin without a role."""
        self._roles: dict[tuple[str, str], WrittenRole] = {}

    @staticmethod
    def look_for(construct: IConstruct, role: WrittenRole) -> None:
        """Judge one more role of the app, when its templates are written."""
        app = construct.node.root
        if not isinstance(app, App):  # a tree that nobody synthesizes
            return
        if app not in _OF_APP:
            _OF_APP[app] = WrittenRoles()
            Validations.of(app).add_plugins(_OF_APP[app])
        _OF_APP[app]._roles[role.template_file, role.logical_id] = role

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
        return ["execution-role-trust"]

    @jsii.member(jsii_name="validate")
    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        """Judge the roles; the CDK calls this after it has written the templates."""
        folders = sorted({Path(path).parent for path in context.template_paths})
        violations = [each for folder in folders for each in self._violations(folder)]
        return PolicyValidationPluginReport(success=not violations, violations=violations)

    def _violations(self, folder: Path) -> Iterator[PolicyViolation]:
        for role in self._roles.values():
            file = folder / role.template_file
            if not file.exists():
                continue
            resource: Any = json.loads(file.read_text()).get("Resources", {}).get(role.logical_id)
            if resource is None:
                continue
            document = resource.get("Properties", {}).get("AssumeRolePolicyDocument")
            for problem in role.problems_of(document):
                yield PolicyViolation(
                    rule_name="execution-role-trust",
                    description=problem,
                    severity="error",
                    violating_resources=[
                        PolicyViolatingResource(
                            resource_logical_id=role.logical_id,
                            template_path=str(file),
                            locations=[_LOCATION],
                        )
                    ],
                )


_OF_APP: MutableMapping[App, WrittenRoles] = WeakKeyDictionary()
