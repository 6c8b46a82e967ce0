"""Synthesis: ours beside the plain L2, and beside the CDK without jsii."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .figures import Figure, counted, measured, ratio
from .processes import in_turns, seconds
from .templates import synthesized

APPS = Path(__file__).with_name("apps")
COUNTS = (10, 50)
# So many that what each further one takes stands out of what the machine does beside.
MANY = {"plain": 200, "governed": 20, "floor": 200, "literals": 20, "linked": 20}
# The same resources as governed ones have, made with less: see `apps/least.py`.
LEAST = ("literals", "linked")
# What the plain L2 pays for each of its resources, and what one of ours may take.
# Both were measured side by side before this library was written: 1.1 and 1.5 ms.
MOST_PER_RESOURCE = 1.5 / 1.1
ROUNDS = 7
# The JavaScript in Python's packages.
_JAVASCRIPT = {
    "aws_cdk": "aws-cdk-lib",
    "aws_cdk.cloud_assembly_schema": "@aws-cdk/cloud-assembly-schema",
    "constructs": "constructs",
}
OFF = {"CDK_VALIDATION": "false"}
_CALL = re.compile(r"^\[@jsii/kernel\] (?:(?:create|get|set|invoke) \{|sinvoke )", re.MULTILINE)


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
    with _folder() as folder, _javascript_library() as library:
        added = {name: _further_resources(name, folder) for name in ("plain", "governed")}
        resources = folder / "resources.json"
        resources.write_text(json.dumps(added["governed"]))
        programs = {
            "plain": ([sys.executable, APPS / "plain.py"], []),
            "governed": ([sys.executable, APPS / "governed.py"], []),
            **{name: ([sys.executable, APPS / "least.py"], [resources, name]) for name in LEAST},
            "floor": (["node", APPS / "floor.js"], [library]),
        }
        commands = {
            f"{name} {count}": [*program, str(count), folder / name, *arguments]
            for name, (program, arguments) in programs.items()
            for count in sorted({1, MANY[name], *(() if name in LEAST else COUNTS)})
        }
        runs = in_turns(commands, rounds=ROUNDS, environments=dict.fromkeys(commands, OFF))
        calls = {name: _calls(name, 3, folder) - _calls(name, 2, folder) for name in added}
    for name, count in calls.items():
        yield counted(f"calls into Node of each further interpreter, {name}", count, "")
    per_resource = {}
    for name in programs:
        each = _further(seconds(runs[f"{name} 1"]), seconds(runs[f"{name} {MANY[name]}"]), name)
        yield measured(f"each further interpreter, {name}", each, "ms")
        made = len(added["plain" if name in ("plain", "floor") else "governed"])
        per_resource[name] = [value / made for value in each]
        yield measured(f"each further resource, {name}", per_resource[name], "ms")
    for name, target in (("governed", MOST_PER_RESOURCE), *((name, None) for name in LEAST)):
        yield ratio(
            f"each further resource, {name} / plain",
            per_resource[name],
            per_resource["plain"],
            target=target,
        )
    for count in COUNTS:
        taken = {name: seconds(runs[f"{name} {count}"]) for name in ("plain", "governed", "floor")}
        what = f"{count} interpreters, validation off"
        yield ratio(f"synth governed / plain L2, {what}", taken["governed"], taken["plain"])
        yield ratio(f"synth of the plain L2 / JavaScript, {what}", taken["plain"], taken["floor"])
    for name in ("plain", "governed", "floor"):
        peaks = [run.peak_mebibytes for run in runs[f"{name} {COUNTS[-1]}"]]
        yield measured(f"peak memory of synth {name}, {COUNTS[-1]} interpreters", peaks, "MiB")


def _further_resources(name: str, folder: Path) -> dict[str, Any]:
    """The resources that a second interpreter adds."""
    one, two = (synthesized(name, count, folder)["Resources"] for count in (1, 2))
    # The policies that all interpreters share have other names with each of them.
    renamed = {body["Type"] for key, body in one.items() if key not in two}
    return {
        key: body for key, body in two.items() if key not in one and body["Type"] not in renamed
    }


def _calls(name: str, count: int, folder: Path) -> int:
    """How often an app calls into Node, by the log of jsii's own kernel there."""
    finished = subprocess.run(
        [sys.executable, APPS / f"{name}.py", str(count), folder / f"{name}-calls"],
        env={**os.environ, **OFF, "JSII_DEBUG": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return len(_CALL.findall(finished.stderr))


def _further(few: Sequence[float], many: Sequence[float], name: str) -> list[float]:
    """Milliseconds that each interpreter after the first takes, round by round."""
    pairs = zip(few, many, strict=True)
    return [1000 * (all_of_them - one) / (MANY[name] - 1) for one, all_of_them in pairs]


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
