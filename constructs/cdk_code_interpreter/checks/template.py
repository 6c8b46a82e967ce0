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

from .._documents.resolution import resolved
from .._documents.values import each, intrinsics, mapping, mappings, references, text
from .places import place_of, stacks_of
from .yaml_templates import read_yaml

INTERPRETER = "AWS::BedrockAgentCore::CodeInterpreterCustom"
NESTED_STACK = "AWS::CloudFormation::Stack"


@dataclass(frozen=True, eq=False)
class Template:
    """One template, and the file that it was read from."""

    path: str
    body: Mapping[str, Any]
    asset: str = ""
    """What the URL of a nested stack's template says of the file, in the CDK: a digest of it."""
    account: str | None = None
    """The account that the stack goes to, where the cloud assembly says so."""
    region: str | None = None
    """The Region that it goes to, where the cloud assembly says so."""
    stack_name: str | None = None
    """The name of the stack, or of the one that nests it, where the cloud assembly says so."""

    @classmethod
    def from_file(
        cls,
        path: Path | str,
        asset: str = "",
        account: str | None = None,
        region: str | None = None,
        stack_name: str | None = None,
    ) -> Template:
        """Read a template in JSON, the form that the CDK writes, or in YAML.

        Args:
            path: The file.
            asset: The digest in the URL of a nested stack's template. Default: none is known.
            account: The account that the stack goes to. Default: it is not known.
            region: The Region that it goes to. Default: it is not known.
            stack_name: The stack's name. Default: it is not known.

        Raises:
            ValueError: The file is neither, or no object, or is YAML and nothing can read that.
        """
        written = Path(path).read_text(encoding="utf-8")
        try:
            body = json.loads(written)
        except json.JSONDecodeError as error:
            if Path(path).suffix == ".json":
                raise ValueError(f"{path} is not JSON ({error.msg})") from error
            body = read_yaml(written, str(path))
        if not isinstance(body, dict):
            raise ValueError(f"{path} holds a {type(body).__name__}, not a template")
        return cls(str(path), body, asset, account, region, stack_name)

    def is_elsewhere(self, other: Template) -> bool:
        """Return whether two templates are known to go to different accounts or Regions."""
        return any(
            one is not None and another is not None and one != another
            for one, another in ((self.account, other.account), (self.region, other.region))
        )

    @property
    def stem(self) -> str:
        """The file's name without its endings: for the CDK, the id of the stack's artifact."""
        return Path(self.path).name.split(".")[0]

    @cached_property
    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        """The resources by logical id, with what parameters and mappings make of them."""
        return mappings(self._resolved.get("Resources"))

    @cached_property
    def outputs(self) -> Mapping[str, Mapping[str, Any]]:
        """The outputs by name."""
        return mappings(self._resolved.get("Outputs"))

    @cached_property
    def loops(self) -> Mapping[str, Any]:
        """What of the resources no loop was expanded for: its collection is not known."""
        every = mapping(self._resolved.get("Resources"))
        return {name: item for name, item in every.items() if name.startswith("Fn::")}

    @cached_property
    def _resolved(self) -> Mapping[str, Any]:
        return resolved(self.body)

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
            for name in references(current) & mapping(here.body.get("Parameters")).keys():
                if (here.path, name) not in read:
                    read.add((here.path, name))
                    waiting += self._given_by_parents(here, name)
            for key, argument in intrinsics(current):
                # An output may lead back to itself.
                if (here.path, f"{key} {text(argument)}") not in read:
                    read.add((here.path, f"{key} {text(argument)}"))
                    waiting += self._outputs_read_by(here, key, argument)
        return found

    def nests(self, stack: Mapping[str, Any]) -> bool:
        """Whether the template of a nested stack is among these."""
        return self._nested(stack) is not None

    def gives(self, nested: Template, parameter: str) -> bool:
        """Whether the stack above a nested one gives it a parameter."""
        return any(value is not None for _, value in self._given_by_parents(nested, parameter))

    def _given_by_parents(self, nested: Template, parameter: str) -> list[tuple[Template, Any]]:
        """What the stacks above a nested one give it as a parameter."""
        return [
            (parent, mapping(properties_of(stack).get("Parameters")).get(parameter))
            for parent in self.templates
            for stack in parent.resources.values()
            if self._nested(stack) is nested
        ]

    def _nested(self, stack: Mapping[str, Any]) -> Template | None:
        """The template of a nested stack, by the file that it is deployed from."""
        if stack.get("Type") != NESTED_STACK:
            return None
        url = text(properties_of(stack).get("TemplateURL"))
        for template in self.templates:
            is_its_file = Path(template.path).name == Path(url).name
            if is_its_file or (template.asset and template.asset in url):
                return template
        return None

    def _outputs_read_by(
        self, here: Template, key: str, argument: Any
    ) -> list[tuple[Template, Any]]:
        """What an intrinsic function reads from outputs of other stacks."""
        if key == "Fn::GetAtt":
            name, _, output = ".".join(map(text, each(argument))).partition(".Outputs.")
            nested = self._nested(here.resources.get(name, {})) if output else None
            return [] if nested is None else [(nested, _value_of(nested, output))]
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

    def targets_of_type(self, template: Template, value: object, *types: str) -> list[Resource]:
        """The resources of these types that a value refers to: several where a condition chooses.

        In the order of the templates, so that a report is the same each time.
        """
        found = [target for target in self.targets(template, value) if target.type in types]
        return sorted(found, key=lambda target: (target.template.path, target.logical_id))


def _value_of(template: Template, output: str) -> Any:
    return template.outputs.get(output, {}).get("Value")


def properties_of(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """The properties of a resource; empty when there are none."""
    return mapping(resource.get("Properties"))


def read_templates(paths: Path | str | Iterable[Path | str]) -> Templates:
    """Read templates, and those of the nested stacks that a CDK stack's asset manifest names.

    Args:
        paths: Template files, JSON or YAML; one, or several. A folder with a cloud assembly, such
            as ``cdk.out``, stands for the stacks of its manifest and of its stages'; any other
            folder for its files ``*.template.json``, ``*.yaml`` and ``*.yml``.

    Raises:
        ValueError: A file is not a template, or a folder has none.
    """
    if isinstance(paths, (str, Path)):
        paths = [paths]
    found: dict[Path, Template] = {}
    for path in (file for given in paths for file in _files_of(Path(given))):
        for file, asset in {path: "", **_nested_templates(path)}.items():
            if file not in found or asset:
                found[file] = Template.from_file(file, asset, *place_of(path))
    return Templates(tuple(found.values()))


def _files_of(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = stacks_of(path)
    if not found:
        found = [each for end in _ENDINGS for each in sorted(path.glob(f"*{end}"))]
    if not found:
        raise ValueError(
            f"{path} has no template (*{', *'.join(_ENDINGS)}); pass cdk.out after `cdk synth`, or "
            "template files"
        )
    return found


_ENDINGS = (".template.json", ".yaml", ".yml")


def _nested_templates(path: Path) -> dict[Path, str]:
    manifest = path.with_name(path.name.replace(".template.json", ".assets.json"))
    if manifest == path or not manifest.exists():
        return {}
    files = json.loads(manifest.read_text(encoding="utf-8")).get("files", {})
    sources = {str(file.get("source", {}).get("path", "")): asset for asset, file in files.items()}
    return {
        path.parent / source: asset
        for source, asset in sorted(sources.items())
        if source.endswith(".nested.template.json")
    }
