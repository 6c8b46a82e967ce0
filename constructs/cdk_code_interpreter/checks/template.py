"""Reading CloudFormation templates: resources, references and texts.

Nothing here imports the AWS CDK: a template is what gets deployed, whoever wrote it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

INTERPRETER = "AWS::BedrockAgentCore::CodeInterpreterCustom"

_SUBSTITUTION = re.compile(r"\$\{([^!}][^}]*)\}")


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
    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        """The resources by logical id."""
        resources = self.body.get("Resources", {})
        return resources if isinstance(resources, dict) else {}

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
        found = {Resource(template, name) for name in references(value) & template.resources.keys()}
        for key, argument in intrinsics(value):
            for other, exported in self._outputs_read_by(key, argument):
                found |= self.targets(other, exported)
        return found

    def _outputs_read_by(self, key: str, argument: Any) -> list[tuple[Template, Any]]:
        """The outputs that an intrinsic function reads from other stacks."""
        outputs = [
            (template, name, output)
            for template in self.templates
            for name, output in template.body.get("Outputs", {}).items()
        ]
        if key == "Fn::ImportValue":
            export = text(argument)
            return [
                (template, output.get("Value"))
                for template, _, output in outputs
                if text(output.get("Export", {}).get("Name")) == export
            ]
        if key == "Fn::GetStackOutput":
            read = [
                (t, output.get("Value")) for t, n, output in outputs if n == argument["OutputName"]
            ]
            stack = text(argument.get("StackName"))
            # Templates do not say their stack's name: the file's decides between equal outputs.
            named = [(t, value) for t, value in read if Path(t.path).name.split(".")[0] == stack]
            return named or read if len(read) > 1 else read
        return []

    def target(self, template: Template, value: object, *types: str) -> Resource | None:
        """The resource of one of these types that a value refers to, if it refers to one."""
        matching = [found for found in self.targets(template, value) if found.type in types]
        return matching[0] if len(matching) == 1 else None


def properties_of(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """The properties of a resource; empty when there are none."""
    properties = resource.get("Properties")
    return properties if isinstance(properties, dict) else {}


def intrinsics(value: object) -> Iterator[tuple[str, Any]]:
    """Every intrinsic function in a value, with its argument, the outermost first."""
    if isinstance(value, dict):
        for key, argument in value.items():
            if key == "Ref" or key.startswith("Fn::"):
                yield key, argument
            yield from intrinsics(argument)
    elif isinstance(value, list):
        for item in value:
            yield from intrinsics(item)


def references(value: object) -> set[str]:
    """Every logical id that a value names, by Ref, Fn::GetAtt or Fn::Sub."""
    found: set[str] = set()
    for key, argument in intrinsics(value):
        if key == "Ref" and isinstance(argument, str):
            found.add(argument)
        elif key == "Fn::GetAtt":
            found.add(
                str(argument[0]) if isinstance(argument, list) else str(argument).split(".")[0]
            )
        elif key == "Fn::Sub":
            pattern = argument[0] if isinstance(argument, list) else argument
            found |= {name.split(".")[0] for name in _SUBSTITUTION.findall(str(pattern))}
    return found


def each(value: object) -> Iterator[Any]:
    """The items of what may be one value, a list, or a choice by `Fn::If`; none for `None`."""
    if isinstance(value, list):
        for item in value:
            yield from each(item)
    elif isinstance(value, dict) and list(value) == ["Fn::If"]:
        yield from each(value["Fn::If"][1:])
    elif value is not None and value != {"Ref": "AWS::NoValue"}:
        yield value


def text(value: object) -> str:
    """A value as text; what only the deployment knows stands as ``<LogicalId.Attribute>``."""
    if isinstance(value, list):
        return ",".join(text(item) for item in value)
    if not isinstance(value, dict):
        return "" if value is None else str(value)
    for key, render in _RENDERERS.items():
        if key in value:
            return render(value[key])
    return f"<{json.dumps(value, sort_keys=True)}>"


def _join(argument: Any) -> str:
    return str(argument[0]).join(text(part) for part in argument[1])


def _attribute(argument: Any) -> str:
    return f"<{'.'.join(argument)}>" if isinstance(argument, list) else f"<{argument}>"


def _substitute(argument: Any) -> str:
    pattern, values = argument if isinstance(argument, list) else (argument, {})

    def replacement(match: re.Match[str]) -> str:
        name = match[1]
        return text(values[name]) if name in values else f"<{name}>"

    return _SUBSTITUTION.sub(replacement, str(pattern))


_RENDERERS: dict[str, Callable[[Any], str]] = {
    "Ref": lambda argument: f"<{argument}>",
    "Fn::GetAtt": _attribute,
    "Fn::Join": _join,
    "Fn::Sub": _substitute,
    "Fn::ImportValue": lambda argument: f"<{text(argument)}>",
}


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
