"""Templates: how many resources, how many bytes, and how long the chain is that deploys them."""

from __future__ import annotations

import functools
import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .figures import Figure, counted
from .processes import run_once

APPS = Path(__file__).with_name("apps")
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
MOST_RESOURCES = 500
MOST_BYTES = 1_000_000
_REFERENCE = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.[^}]*)?\}")

Template = Mapping[str, Any]


def synthesized(name: str, count: int, folder: Path, *rest: str) -> Template:
    """The template of one of the apps."""
    outdir = folder / f"{name}-{count}-{'-'.join(rest)}"
    command = [sys.executable, APPS / f"{name}.py", str(count), outdir, *rest]
    run_once(command, environment={"CDK_VALIDATION": "false"})
    template: Template = json.loads((outdir / "Bench.template.json").read_text())
    return template


def templates() -> Iterator[Figure]:
    """Sizes of stacks with one and with more interpreters."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain = synthesized("plain", 1, folder)
        yield counted("resources of the plain L2", len(plain["Resources"]), "")
        for kind, per_interpreter, shared in (
            ("bare", None, None),
            ("governed", 18, 40),
            ("strict", None, None),
        ):
            one, two = (synthesized("governed", count, folder, kind) for count in (1, 2))
            yield from _sizes(kind, one, two, per_interpreter, shared)


def _sizes(
    kind: str, one: Template, two: Template, per_interpreter: int | None, shared: int | None
) -> Iterator[Figure]:
    further = len(two["Resources"]) - len(one["Resources"])
    common = len(one["Resources"]) - further
    yield counted(f"resources of each {kind} interpreter", further, "", target=per_interpreter)
    yield counted(f"resources that {kind} ones share", common, "", target=shared)
    by_resources = (MOST_RESOURCES - common) // further
    fit = min(by_resources, _fitting(_bytes(one), _bytes(two)))
    yield counted(f"{kind} interpreters that fit into a stack", fit, "")
    tight = min(by_resources, _fitting(_tight_bytes(one), _tight_bytes(two)))
    yield counted(f"{kind} interpreters that fit into a stack without indentation", tight, "")
    size = _bytes(two) - _bytes(one)
    yield counted(f"template bytes of each {kind} interpreter", size / 1024, "KiB")
    yield counted(f"template bytes of a {kind} stack with one", _bytes(one) / 1024, "KiB")
    yield counted(f"longest chain of dependencies, {kind}", depth(one), "")


def _fitting(one: int, two: int) -> int:
    """How many fit by the bytes of templates with one and with two."""
    return 1 + (MOST_BYTES - one) // (two - one)


def _bytes(template: Template) -> int:
    """The size of the file that the CDK uploads."""
    return len(json.dumps(template, indent=1))


def _tight_bytes(template: Template) -> int:
    """Its size with the stack's `suppress_template_indentation`."""
    return len(json.dumps(template, separators=(",", ":")))


def depth(template: Template) -> int:
    """How many resources a deployment waits for one after the other."""
    resources = template["Resources"]
    needs = {name: set(_references(body)) & set(resources) for name, body in resources.items()}

    @functools.cache
    def chain(name: str) -> int:
        return 1 + max((chain(each) for each in needs[name] - {name}), default=0)

    return max(chain(name) for name in resources)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _references(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _reference(key, each)
            yield from _references(each)


def _reference(key: str, value: Any) -> Iterator[str]:
    if key == "Ref":
        yield value
    elif key == "Fn::GetAtt":
        yield value[0] if isinstance(value, list) else value.partition(".")[0]
    elif key == "Fn::Sub":
        yield from _REFERENCE.findall(value if isinstance(value, str) else value[0])
    elif key == "DependsOn":
        yield from [value] if isinstance(value, str) else value
