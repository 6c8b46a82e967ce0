"""The example app: what it deploys, judged by the linters that its readers use."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def template(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as the CDK CLI gets it: with the context of cdk.json, and validated."""
    folder = tmp_path_factory.mktemp("cdk.out")
    context = json.loads((repository / "cdk.json").read_text())["context"]
    subprocess.run(
        [sys.executable, "app.py"],
        cwd=repository,
        env={**os.environ, "CDK_OUTDIR": str(folder), "CDK_CONTEXT_JSON": json.dumps(context)},
        check=True,
        capture_output=True,
    )
    return folder / "CodeInterpreterExample.template.json"


def resources(template: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(template.read_text())["Resources"]
    return found


def test_cfn_lint_finds_nothing(template: Path) -> None:
    # W3005: a DependsOn that the function L2 of aws-cdk-lib writes beside a reference.
    linted = subprocess.run(
        ["cfn-lint", "--ignore-checks", "W3005", "--", str(template)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (linted.stdout, linted.returncode) == ("", 0)


def test_no_role_of_the_app_may_do_everything_or_anything_to_everything(template: Path) -> None:
    statements = [
        statement
        for resource in resources(template).values()
        if resource["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]
    ]

    assert statements
    assert all(statement["Resource"] != "*" for statement in statements)
    actions = [
        action
        for statement in statements
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
    ]
    assert all(action.partition(":")[2] not in ("", "*") for action in actions)


def test_logical_ids_stay_as_they_are(template: Path) -> None:
    # A changed logical id replaces a resource in every stack that is deployed already.
    ids = {
        name
        for name, resource in resources(template).items()
        if resource["Type"] in ("AWS::BedrockAgentCore::CodeInterpreterCustom", "AWS::S3::Bucket")
    }

    assert ids == {"Sandbox987275F0", "Data666C94C7"}
