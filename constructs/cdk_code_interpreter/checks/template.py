"""Reading CloudFormation templates: resources, references and texts.

Nothing here imports the AWS CDK: a template is what gets deployed, whoever wrote it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from .values import intrinsics, mapping, mappings, references, text

INTERPRETER = "AWS::BedrockAgentCore::CodeInterpreterCustom"


@dataclass(frozen=True, eq=False)
class Template:
    """One template, and the file that it was read from."""

    path: str
    body: Mapping[str, Any]

    @classmethod
    def from_file(cls, path: Path | str) -> Template:
        """Read a template in JSON, the form that the CDK writes.

        Raises:
            ValueError: The file is not a JSON object.
        """
        try:
            body = json.loads(Path(path).read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise ValueError(
                f"{path} is not JSON ({error.msg}); templates in YAML can be checked with the "
                "CloudFormation Guard rules of the same pack"
            ) from error
        if not isinstance(body, dict):
            raise ValueError(f"{path} holds a {type(body).__name__}, not a template")
        return cls(str(path), body)

    @property
    def stem(self) -> str:
        """The file's name without its endings: for the CDK, the id of the stack's artifact."""
        return Path(self.path).name.split(".")[0]

    @cached_property
    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        """The resources by logical id."""
        return mappings(self.body.get("Resources"))

    @cached_property
    def outputs(self) -> Mapping[str, Mapping[str, Any]]:
        """The outputs by name."""
        return mappings(self.body.get("Outputs"))

    def of_type(self, *types: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Logical id and properties of every resource of these types."""
        for logical_id, resource in self.resources.items():
            if resource.get("Type") in types:
                yield logical_id, properties_of(resource)


@dataclass(frozen=True)
class Resource:
    """A resource and the template that holds it."""

    template: Template
    logical_id: str

    @property
    def definition(self) -> Mapping[str, Any]:
        """The whole entry of the template."""
        return self.template.resources[self.logical_id]

    @property
    def type(self) -> str:
        """The resource type."""
        return str(self.definition.get("Type", ""))

    @property
    def properties(self) -> Mapping[str, Any]:
        """The properties; empty when there are none."""
        return properties_of(self.definition)


@dataclass(frozen=True)
class Templates:
    """The templates of one app: references from one to another are followed."""

    templates: tuple[Template, ...]

    def __iter__(self) -> Iterator[Template]:
        return iter(self.templates)

    def of_type(self, *types: str) -> Iterator[Resource]:
        """Every resource of these types, in every template."""
        for template in self.templates:
            for logical_id, _ in template.of_type(*types):
                yield Resource(template, logical_id)

    @cached_property
    def interpreters(self) -> tuple[Resource, ...]:
        """Every custom code interpreter."""
        return tuple(self.of_type(INTERPRETER))

    def targets(self, template: Template, value: object) -> set[Resource]:
        """The resources that a value of a template refers to, across stacks too."""
        found: set[Resource] = set()
        waiting = [(template, value)]
        read: set[tuple[str, str]] = set()
        while waiting:
            here, current = waiting.pop()
            named = references(current) & here.resources.keys()
            found |= {Resource(here, name) for name in named}
            for key, argument in intrinsics(current):
                if (key, text(argument)) not in read:  # an output may lead back to itself
                    read.add((key, text(argument)))
                    waiting += self._outputs_read_by(key, argument)
        return found

    def _outputs_read_by(self, key: str, argument: Any) -> list[tuple[Template, Any]]:
        """What an intrinsic function reads from outputs of other stacks."""
        if key == "Fn::ImportValue":
            export = text(argument)
            return [
                (template, output.get("Value"))
                for template, _, output in self._outputs
                if text(mapping(output.get("Export")).get("Name")) == export
            ]
        if key == "Fn::GetStackOutput":
            wanted = text(mapping(argument).get("OutputName"))
            stack = text(mapping(argument).get("StackName"))
            read = [(each, out.get("Value")) for each, name, out in self._outputs if name == wanted]
            # Templates do not say their stack's name: the file's decides between equal outputs.
            named = [(each, value) for each, value in read if each.stem == stack]
            return named or read
        return []

    @cached_property
    def _outputs(self) -> list[tuple[Template, str, Mapping[str, Any]]]:
        return [
            (template, name, output)
            for template in self.templates
            for name, output in template.outputs.items()
        ]

    def target(self, template: Template, value: object, *types: str) -> Resource | None:
        """The resource of one of these types that a value refers to, if it refers to one."""
        matching = [found for found in self.targets(template, value) if found.type in types]
        return matching[0] if len(matching) == 1 else None


def properties_of(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """The properties of a resource; empty when there are none."""
    return mapping(resource.get("Properties"))


def read_templates(paths: Iterable[Path | str]) -> Templates:
    """Read templates, and those of the nested stacks that a CDK stack's asset manifest names."""
    found: dict[Path, Template] = {}
    for path in map(Path, paths):
        for file in (path, *_nested_templates(path)):
            if file not in found:
                found[file] = Template.from_file(file)
    return Templates(tuple(found.values()))


def _nested_templates(path: Path) -> list[Path]:
    manifest = path.with_name(path.name.replace(".template.json", ".assets.json"))
    if manifest == path or not manifest.exists():
        return []
    files = json.loads(manifest.read_text(encoding="utf-8")).get("files", {})
    sources = (str(file.get("source", {}).get("path", "")) for file in files.values())
    return sorted(
        path.parent / source for source in sources if source.endswith(".nested.template.json")
    )
