"""What may be in the functions' package, which runs with the runtime's own boto3."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import boto3
import pytest

from session_manager import canary, clients, janitor, sessions
from session_manager.checks import CHECKS, commands_check

PACKAGE = Path(sessions.__file__).parent
MODULES = sorted(PACKAGE.glob("*.py"))
# botocore 1.39.7 of July 2025 is the first that knows the code interpreter. A runtime's own boto3
# lags behind, so nothing newer may be sent. Read from the models in that version's wheel.
OLDEST = json.loads((Path(__file__).parent / "botocore_1_39_7.json").read_text())


def imports_at_run_time(tree: ast.AST) -> set[str]:
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    names = set()
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            names |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add((node.module or "").partition(".")[0])
    return names


def test_there_are_modules_to_look_at():
    assert {"drain", "janitor", "canary"} <= {each.stem for each in MODULES}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_only_the_standard_library_and_the_runtimes_boto3_are_imported(module):
    imported = imports_at_run_time(ast.parse(module.read_text()))
    # botocore brings urllib3 with it, in the runtime as elsewhere.
    assert imported <= sys.stdlib_module_names | {"boto3", "botocore", "urllib3"}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_every_module_parses_on_the_oldest_python_that_tests_run_on(module):
    ast.parse(module.read_text(), feature_version=(3, 11))


def unknown(sent: object, known: object, path: str) -> list[str]:
    """What was sent beyond what is known, by its place."""
    if isinstance(known, dict):
        assert isinstance(sent, dict)
        found = [f"{path}.{name}" for name in sent if name not in known]
        for name in set(sent) & set(known):
            found += unknown(sent[name], known[name], f"{path}.{name}")
        return sorted(found)
    if isinstance(known, list) and isinstance(sent, list):
        return [found for each in sent for found in unknown(each, known[0], path)]
    if isinstance(known, list):  # an enumeration
        return [] if sent in known else [f"{path}={sent}"]
    return []


def test_nothing_is_sent_that_the_oldest_boto3_does_not_know(interpreter, context, monkeypatch):
    monkeypatch.setenv("REQUESTS_PER_SECOND", "1000")
    sent = []

    def note(params, model, **details):
        sent.append((model.name, dict(params)))

    for make in (clients.session_client, clients.tool_client, clients.control_client):
        make(None).meta.events.register("provide-client-params", note)
    event = {"interpreter_id": interpreter.id, "name": "a", "prefix": "Sandbox_"}
    interpreter.start(101)
    janitor.handler({**event, "task": "sweep"}, context)
    interpreter.start(1)
    canary.handler({**event, "commands": ["true"]}, context)
    janitor.handler({**event, "task": "stop_all"}, context)
    assert {name for name, _ in sent} == set(OLDEST)
    assert [found for name, params in sent for found in unknown(params, OLDEST[name], name)] == []


def test_the_checks_use_tools_and_arguments_that_the_oldest_boto3_knows():
    known = OLDEST["InvokeCodeInterpreter"]
    for check in [*CHECKS, *commands_check(["true"])]:
        for step in check.steps:
            assert step.tool in known["name"]
            assert unknown(dict(step.arguments), known["arguments"], step.tool) == []


def test_the_comparison_would_find_a_newer_field():
    newer = {"language": "ruby", "runtime": "nodejs", "content": [{"path": "a", "mode": 1}]}
    found = unknown(newer, OLDEST["InvokeCodeInterpreter"]["arguments"], "arguments")
    assert found == ["arguments.content.mode", "arguments.language=ruby", "arguments.runtime"]


def test_the_present_model_still_knows_what_the_oldest_did():
    for name, members in OLDEST.items():
        service = (
            "bedrock-agentcore-control" if name == "ListCodeInterpreters" else ("bedrock-agentcore")
        )
        model = boto3.Session()._session.get_service_model(service).operation_model(name)
        assert set(members) <= set(model.input_shape.members)
