"""Synthesis: ours beside the plain L2, and beside the CDK without jsii."""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from .figures import Figure, measured, ratio
from .processes import in_turns, seconds
from .templates import synthesised

APPS = Path(__file__).with_name("apps")
COUNTS = (10, 50)
MANY_IN_ONE_STACK = 20
ROUNDS = 7
# The JavaScript in Python's packages.
_JAVASCRIPT = {
    "aws_cdk": "aws-cdk-lib",
    "aws_cdk.cloud_assembly_schema": "@aws-cdk/cloud-assembly-schema",
    "constructs": "constructs",
}
OFF = {"CDK_VALIDATION": "false"}


def synthesis() -> Iterator[Figure]:
    """Whole processes, one interpreter: ours, the L2, and JavaScript."""
    with _folder() as folder, _javascript_library() as library:
        commands = {
            "plain": [sys.executable, APPS / "plain.py", "1", folder / "plain"],
            "governed": [sys.executable, APPS / "governed.py", "1", folder / "governed"],
            "bare": [sys.executable, APPS / "governed.py", "1", folder / "bare", "bare"],
            "floor": ["node", APPS / "floor.js", "1", folder / "floor", library],
        }
        off = in_turns(commands, rounds=ROUNDS, environments=dict.fromkeys(commands, OFF))
        on = in_turns(commands, rounds=3)
        _check_same_interpreter(folder)
    plain = seconds(off["plain"])
    yield measured("synth of the plain L2, validation off", plain, "s")
    yield measured("synth governed, validation off", seconds(off["governed"]), "s")
    yield ratio(
        "synth governed / plain L2, validation off", seconds(off["governed"]), plain, target=1.7
    )
    yield ratio(
        "synth governed / plain L2, validation off, processor time",
        [run.cpu_seconds for run in off["governed"]],
        [run.cpu_seconds for run in off["plain"]],
    )
    yield ratio("synth of CodeInterpreter / plain L2, validation off", seconds(off["bare"]), plain)
    yield ratio(
        "synth governed / plain L2, validation on", seconds(on["governed"]), seconds(on["plain"])
    )
    yield measured("synth governed, validation on", seconds(on["governed"]), "s")
    yield ratio("synth of the plain L2 / JavaScript, validation off", plain, seconds(off["floor"]))
    for name in ("plain", "governed", "floor"):
        peaks = [run.peak_mebibytes for run in off[name]]
        yield measured(f"peak memory of synth {name}, validation off", peaks, "MiB")


def further_interpreters() -> Iterator[Figure]:
    """What each further interpreter takes, from whole processes with many and with few."""
    with _folder() as folder:
        commands = {
            f"{name} {count}": [sys.executable, APPS / f"{name}.py", str(count), folder / name]
            for count in (1, MANY_IN_ONE_STACK, *COUNTS)
            for name in ("plain", "governed")
        }
        runs = in_turns(commands, rounds=5, environments=dict.fromkeys(commands, OFF))
        for name in ("plain", "governed"):
            few, many = runs[f"{name} 1"], runs[f"{name} {MANY_IN_ONE_STACK}"]
            yield from _further(name, seconds(few), seconds(many), folder)
    for count in COUNTS:
        yield ratio(
            f"synth governed / plain L2, {count} interpreters, validation off",
            seconds(runs[f"governed {count}"]),
            seconds(runs[f"plain {count}"]),
        )
    peaks = [run.peak_mebibytes for run in runs[f"governed {COUNTS[-1]}"]]
    yield measured(f"peak memory of synth governed, {COUNTS[-1]} interpreters", peaks, "MiB")


def _further(
    name: str, few: Sequence[float], many: Sequence[float], folder: Path
) -> Iterator[Figure]:
    resources = [
        len(synthesised(name, count, folder)["Resources"]) for count in (1, MANY_IN_ONE_STACK)
    ]
    milliseconds = [1000 * (b - a) for a, b in zip(few, many, strict=True)]
    interpreters, added = MANY_IN_ONE_STACK - 1, resources[1] - resources[0]
    each = [value / interpreters for value in milliseconds]
    yield measured(f"each further interpreter, {name}", each, "ms")
    target = 1.5 if name == "governed" else None
    per_resource = [value / added for value in milliseconds]
    yield measured(f"each further resource, {name}", per_resource, "ms", target=target)


def imports() -> Iterator[Figure]:
    """Imports in processes of their own, on top of what any app imports."""
    base = "from aws_cdk import App, Stack, aws_bedrockagentcore"
    ours = {
        "package": f"{base}; import cdk_code_interpreter",
        "CodeInterpreter": f"{base}; from cdk_code_interpreter import CodeInterpreter",
        "governed": f"{base}; from cdk_code_interpreter import GovernedCodeInterpreter",
    }
    commands = {name: [sys.executable, "-c", code] for name, code in {"base": base, **ours}.items()}
    runs = in_turns(commands, rounds=ROUNDS)
    for name in ours:
        yield ratio(
            f"import of {name} / aws_cdk with the L2", seconds(runs[name]), seconds(runs["base"])
        )


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@contextlib.contextmanager
def _javascript_library() -> Iterator[Path]:
    """aws-cdk-lib as Node knows it, out of the Python package."""
    with _folder() as folder:
        modules = folder / "node_modules"
        for module, name in _JAVASCRIPT.items():
            package = Path(str(importlib.import_module(module).__file__)).parent
            [archive] = package.glob(f"_jsii/{name.rpartition('/')[2]}@*.tgz")
            with tarfile.open(archive) as opened:
                opened.extractall(modules / name, filter=_without_first_folder)
        yield modules / "aws-cdk-lib"


def _without_first_folder(member: tarfile.TarInfo, _path: str) -> tarfile.TarInfo | None:
    name = member.name.partition("/")[2]
    return member.replace(name=name) if name else None


def _check_same_interpreter(folder: Path) -> None:
    """The floor makes the same template as the plain app, or the ratio would mean nothing."""
    templates = [
        json.loads((folder / name / "Bench.template.json").read_text())["Resources"]
        for name in ("plain", "floor")
    ]
    made = [
        {key: value["Properties"] for key, value in each.items() if "CDK" not in value["Type"]}
        for each in templates
    ]
    if made[0] != made[1]:
        raise RuntimeError("the plain app and its JavaScript twin make different templates")
