"""The resources of N further governed interpreters, each made in one call and without a type.

As `literals` they do not refer to each other: nothing that makes CloudFormation resources one by
one in Python takes less. As `linked` they do, and each reference is asked for once. Neither has an
L2, a construct but the resources themselves, or a text that is known at synthesis only.
"""

import functools
import json
import sys
from pathlib import Path
from typing import Any

from aws_cdk import App, CfnResource, Stack

RESOURCES: dict[str, Any] = json.loads(Path(sys.argv[3]).read_text())
LINKED = sys.argv[4] == "linked"


class Interpreter:
    """The resources of one interpreter."""

    def __init__(self, stack: Stack, number: int) -> None:
        self._stack = stack
        self._number = number
        for name in RESOURCES:
            self._resource(name)

    @functools.cache  # noqa: B019 - it lives as long as the app
    def _resource(self, name: str) -> CfnResource:
        """A resource, made after what it refers to."""
        body = RESOURCES[name]
        properties = self._linked(body["Properties"]) if LINKED else body["Properties"]
        made = CfnResource(
            self._stack, f"{name}{self._number}", type=body["Type"], properties=properties
        )
        for other in body.get("DependsOn", []) if LINKED else []:
            if other in RESOURCES:
                made.add_resource_dependency(self._resource(other))
        return made

    @functools.cache  # noqa: B019
    def _reference(self, name: str, attribute: str = "") -> object:
        resource = self._resource(name)
        return resource.get_att(attribute) if attribute else resource.ref

    def _linked(self, value: Any) -> Any:
        """A property with its references to these resources as the CDK's own."""
        if isinstance(value, list):
            return [self._linked(each) for each in value]
        if not isinstance(value, dict):
            return value
        if value.get("Ref") in RESOURCES:
            return self._reference(value["Ref"])
        if value.get("Fn::GetAtt", [""])[0] in RESOURCES:
            return self._reference(*value["Fn::GetAtt"])
        return {key: self._linked(each) for key, each in value.items()}


app = App(outdir=sys.argv[2])
count = int(sys.argv[1])
# As many in a stack as in the app that makes them.
stacks = [Stack(app, f"Bench{number or ''}") for number in range(-(-count // 20))]
for number in range(count):
    Interpreter(stacks[number // 20], number)
app.synth()
