"""Every alarm links to a section of the runbook that is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from cdk_code_interpreter.interpreter.code_interpreter import CodeInterpreter
from cdk_code_interpreter.observability.alarms import AlarmThresholds, CodeInterpreterAlarms
from cdk_code_interpreter.sessions.canary import Canary
from cdk_code_interpreter.sessions.session_janitor import SessionJanitor


def anchors_of(document: Path) -> set[str]:
    """What GitHub and MkDocs make of headings; the page at PyPI gets the same (test_packaging)."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", each.lower()).replace(" ", "-") for each in headings}


def test_every_alarm_has_a_section_in_the_runbook(repository: Path) -> None:
    stack = Stack(App(), "S")
    interpreter = CodeInterpreter(stack, "Sandbox")
    CodeInterpreterAlarms(
        stack,
        "Alarms",
        interpreter=interpreter,
        janitor=SessionJanitor(stack, "Janitor", interpreter=interpreter),
        canary=Canary(stack, "Canary", interpreter=interpreter),
        thresholds=AlarmThresholds(cost_per_hour=1),
    )
    alarms = Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm")
    linked = {
        re.search(r"#(runbook-[a-z-]+)", json.dumps(each["Properties"]["AlarmDescription"]))[1]  # type: ignore[index]
        for each in alarms.values()
    }
    assert len(linked) == 13
    anchors = anchors_of(repository / "README.md")
    assert {each for each in anchors if each.startswith("runbook-")} == linked
