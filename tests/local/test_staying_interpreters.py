"""A drain that leaves the stack stops no session of an interpreter that stays."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from agentcore_local import LocalAws

APP = f"{sys.executable} {Path(__file__).parent / 'apps' / 'staying.py'}"

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("without_validation")]


def interpreters(aws: LocalAws) -> dict[str, str]:
    """Return the interpreters of the stack, id by the part of the name that tells them apart."""
    client = aws.client("bedrock-agentcore-control")
    found = client.list_code_interpreters(type="CUSTOM")["codeInterpreterSummaries"]
    kinds = ("Undrained", "Retained", "Moved", "Removed")
    return {
        kind: each["codeInterpreterId"] for each in found for kind in kinds if kind in each["name"]
    }


def ready(aws: LocalAws) -> set[str]:
    sessions = aws.admin("GET", "sessions")["sessions"]
    return {each["sessionId"] for each in sessions if each["status"] == "READY"}


def test_sessions_of_interpreters_that_stay_live_on(
    bootstrapped_aws: LocalAws, tmp_path: Path
) -> None:
    aws = bootstrapped_aws
    deploy = ["deploy", "Staying", "--require-approval", "never"]
    aws.cdk(*deploy, cwd=tmp_path, app=APP)
    before = interpreters(aws)
    data = aws.client("bedrock-agentcore")
    sessions = {
        kind: data.start_code_interpreter_session(codeInterpreterIdentifier=identifier)["sessionId"]
        for kind, identifier in before.items()
    }
    assert set(sessions) == {"Undrained", "Retained", "Moved", "Removed"}

    aws.cdk(*deploy, cwd=tmp_path, app=APP, context={"changed": "true"})

    after = interpreters(aws)
    assert after == {kind: each for kind, each in before.items() if kind != "Removed"}
    assert ready(aws) & set(sessions.values()) == {sessions[kind] for kind in after}

    # Without a drain, the service refuses to delete the interpreter while its session lives.
    data.stop_code_interpreter_session(
        codeInterpreterIdentifier=after["Undrained"], sessionId=sessions["Undrained"]
    )
    aws.cdk("destroy", "Staying", "--force", cwd=tmp_path, app=APP, context={"changed": "true"})
    assert interpreters(aws) == {"Retained": after["Retained"]}
    assert ready(aws) & set(sessions.values()) == {sessions["Retained"]}
    aws.client("bedrock-agentcore").stop_code_interpreter_session(
        codeInterpreterIdentifier=after["Retained"], sessionId=sessions["Retained"]
    )
    aws.client("bedrock-agentcore-control").delete_code_interpreter(
        codeInterpreterId=after["Retained"]
    )
