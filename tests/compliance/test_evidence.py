"""Evidence says what auditors ask, and nothing that differs from one run to the next."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from cdk_code_interpreter.checks.command import main
from cdk_code_interpreter.checks.evidence import collect_evidence, evidence_rows, write_evidence

from . import governed_apps as apps
from .judges import synthesize

AssemblyOf = Callable[[Callable[[App], None]], Path]


def rules_of(evidence: dict[str, Any], stack: int = 0) -> dict[str, dict[str, Any]]:
    return {
        rule["rule"].removeprefix("CodeInterpreter-"): rule
        for rule in evidence["stacks"][stack]["rules"]
    }


@pytest.fixture(scope="module")
def strict(assembly_of: AssemblyOf) -> dict[str, Any]:
    return collect_evidence(assembly_of(apps.one))


def test_the_same_app_gives_the_same_bytes_wherever_it_is_synthesized(
    strict: dict[str, Any], tmp_path: Path
) -> None:
    again = collect_evidence(synthesize(apps.one, tmp_path / "elsewhere"))
    files = []
    for name, evidence in (("first", strict), ("second", again)):
        files.append(tmp_path / f"{name}.json")
        write_evidence(evidence, files[-1])
    assert files[0].read_bytes() == files[1].read_bytes()
    assert str(tmp_path) not in files[1].read_text()


def test_a_control_is_met_by_a_resource_and_its_setting(strict: dict[str, Any]) -> None:
    (stack,) = strict["stacks"]
    control = next(each for each in stack["controls"] if each["control"] == "BedrockAgentCore.7")
    assert control["status"] == "satisfied by"
    (witness, *_) = control["witnesses"]
    assert witness["setting"] == "Properties/NetworkConfiguration/NetworkMode"
    assert witness["value"] == '"VPC"'


def test_no_rule_is_broken_under_the_strict_profile(strict: dict[str, Any]) -> None:
    statuses = {name: rule["status"] for name, rule in rules_of(strict).items()}
    assert set(statuses.values()) <= {"kept", "not assessed", "not applicable"}
    # Nothing in this stack passes a role, and nothing proves that all of it can be read.
    unconcerned = {name for name, status in statuses.items() if status == "not applicable"}
    assert unconcerned == {"PassRole", "NotReadable"}


def test_what_the_templates_do_not_show_is_not_assessed(strict: dict[str, Any]) -> None:
    rules = rules_of(strict)
    reasons = {
        name: " ".join(each["reason"] for each in rules[name]["unseen"])
        for name, rule in rules.items()
        if rule["status"] == "not assessed"
    }
    # The subnets are a VPC's of another app, and nobody is seen to subscribe to the topic.
    assert "is in none of the templates" in reasons["PublicSubnet"]
    assert "subscribe" in reasons["AlarmActions"]
    controls = {each["control"]: each["status"] for each in strict["stacks"][0]["controls"]}
    for control in ("EC2.15", "SC-7(3)", "IR-6(1)", "AU-6(1)"):
        assert controls[control] == "not assessed"


def test_a_control_that_a_rule_does_not_decide_is_contributed_to(strict: dict[str, Any]) -> None:
    controls = {each["control"]: each["status"] for each in strict["stacks"][0]["controls"]}
    assert controls["AC-12"] == "contributes to"
    satisfied = {name for name, status in controls.items() if status == "satisfied by"}
    assert satisfied == {
        "BedrockAgentCore.7",
        "bedrockagentcore-codeinterpreter-networkmode-check",
    }


def test_a_role_without_a_policy_shows_nothing(assembly_of: AssemblyOf) -> None:
    rule = rules_of(collect_evidence(assembly_of(apps.lean)))["RoleWildcardAction"]
    assert (rule["status"], rule["kept_by"]) == ("not assessed", [])
    assert "ManagedPolicyArns is not set" in rule["unseen"][0]["reason"]


def test_the_lean_profile_meets_no_control_that_aws_fails(assembly_of: AssemblyOf) -> None:
    (stack,) = collect_evidence(assembly_of(apps.lean))["stacks"]
    controls = {each["control"]: each["status"] for each in stack["controls"]}
    # 30 days of logs fail the Config rule, SANDBOX fails Security Hub, SHADOW ends no session.
    assert "CloudWatch.16" not in controls
    assert "cw-loggroup-retention-period-check" not in controls
    assert controls["BedrockAgentCore.7"] == "not met"
    assert controls["AC-12"] == controls["SC-10"] == controls["AC-2(5)"] == "not met"
    assert "satisfied by" not in controls.values()


def test_an_acknowledged_finding_satisfies_no_control(strict: dict[str, Any]) -> None:
    for stack in strict["stacks"]:
        for control in stack["controls"]:
            broken = [
                rule
                for rule in stack["rules"]
                if rule["rule"] in control["rules"] and rule["status"] == "acknowledged"
            ]
            assert not broken or control["status"] == "not met"


def test_it_says_where_the_stack_goes_and_which_packs_ran(
    strict: dict[str, Any], assembly_of: AssemblyOf
) -> None:
    (stack,) = strict["stacks"]
    assert {"account", "region", "stage"} <= set(stack)
    evidence = collect_evidence(assembly_of(apps.one), ["AwsSolutions", "Imagined"])
    packs = {each["name"]: each for each in evidence["packs"]}
    assert packs["AwsSolutions"]["conclusion"] == "success"
    assert packs["Imagined"]["conclusion"].startswith("registered, as the caller says")


def test_a_janitor_that_only_counts_is_no_evidence_that_sessions_end(
    assembly_of: AssemblyOf,
) -> None:
    rules = rules_of(collect_evidence(assembly_of(apps.lean)))
    assert rules["Janitor"]["status"] == "not met"


def test_the_drain_and_the_schedule_are_what_meets_their_rules(
    strict: dict[str, Any], assembly_of: AssemblyOf
) -> None:
    (template,) = assembly_of(apps.one).glob("*.template.json")
    resources = json.loads(template.read_text())["Resources"]

    def types(rule: str) -> set[str]:
        return {resources[each["resource"]]["Type"] for each in rules_of(strict)[rule]["kept_by"]}

    assert types("Drain") == {"Custom::CodeInterpreterSessionDrain"}
    assert types("Janitor") == {"AWS::Scheduler::Schedule"}


def test_every_acknowledgment_is_there_with_what_it_suppresses(strict: dict[str, Any]) -> None:
    (stack,) = strict["stacks"]
    acknowledgments = [
        each
        for each in stack["acknowledgments"]
        if not each["id"].startswith("CloudFormation-Validate::")
    ]
    assert len(acknowledgments) > 5
    assert all(each["reason"] and each["suppresses"] for each in acknowledgments)


def test_what_is_not_met_is_said_with_the_place(assembly_of: AssemblyOf) -> None:
    evidence = collect_evidence(assembly_of(apps.beside_an_l2))
    rule = rules_of(evidence)["PublicNetwork"]
    assert rule["status"] == "not met"
    (finding,) = rule["findings"]
    assert finding["resource"].startswith("Plain")
    assert finding["acknowledged"] is None
    assert [each["resource"] for each in rule["kept_by"]] != []


def test_stages_and_nested_stacks_are_included(assembly_of: AssemblyOf) -> None:
    staged = collect_evidence(assembly_of(apps.staged))
    assert [stack["stack"] for stack in staged["stacks"]] == ["Production-Stack"]
    nested = collect_evidence(assembly_of(apps.nested))
    assert rules_of(nested)["Drain"]["status"] == "kept"


def test_tools_are_named_with_their_versions(strict: dict[str, Any]) -> None:
    assert {"aws-cdk-lib", "cdk-nag", "cdk-code-interpreter"} <= set(strict["tools"])


def test_an_acknowledged_finding_has_its_reason(tmp_path: Path) -> None:
    from aws_cdk import Acknowledgment, Stack, Validations

    from cdk_code_interpreter import GovernedCodeInterpreter

    def acknowledged(app: App) -> None:
        sandbox = GovernedCodeInterpreter(Stack(app, "Stack"), "Sandbox")
        acknowledgment = Acknowledgment(
            id="CodeInterpreter::CodeInterpreter-SandboxNetwork",
            reason="The role may use no bucket at all.",
        )
        Validations.of(sandbox).acknowledge(acknowledgment)

    evidence = collect_evidence(synthesize(acknowledged, tmp_path))
    rule = rules_of(evidence)["SandboxNetwork"]
    assert rule["status"] == "acknowledged"
    assert rule["findings"][0]["acknowledged"] == "The role may use no bucket at all."


def test_rows_leave_out_what_nothing_concerns(strict: dict[str, Any]) -> None:
    rows = list(evidence_rows(strict))
    assert ("Stack", "CodeInterpreter-PassRole") not in {row[:2] for row in rows}
    assert all(status in ("kept", "not assessed") for _, _, status, _, _ in rows)
    assert all(resources for *_, resources in rows)


def test_a_folder_that_is_no_assembly_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no manifest\.json.*cdk synth"):
        collect_evidence(tmp_path)


def test_the_command_writes_the_evidence_and_shows_a_table(
    assembly_of: AssemblyOf,
    strict: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "evidence.json"
    with pytest.raises(SystemExit) as ended:
        main(["evidence", str(assembly_of(apps.one)), "-o", str(output)])
    assert ended.value.code == 0
    assert json.loads(output.read_text()) == strict
    shown = capsys.readouterr().out
    assert "CodeInterpreter-Drain" in shown
    assert "Serverless-SQSRedrivePolicy" in shown


def test_the_command_refuses_what_is_no_assembly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["evidence", str(tmp_path)])
    assert ended.value.code == 2
    assert "run `cdk synth`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("app", "fail_on", "code"),
    [
        (apps.lean, "never", 0),
        (apps.lean, "not-met", 1),
        (apps.one, "not-met", 0),
        (apps.one, "open", 1),
    ],
)
def test_the_exit_code_says_what_was_asked_for(
    assembly_of: AssemblyOf, app: Callable[[App], None], fail_on: str, code: int
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["evidence", str(assembly_of(app)), "--fail-on", fail_on])
    assert ended.value.code == code


def test_stacks_of_one_name_are_summed_up_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the same stack in several Regions or stages."""
    from aws_cdk import Stack

    from cdk_code_interpreter import CodeInterpreter, NetworkAccess

    def twice(app: App) -> None:
        for name, network in (("A", NetworkAccess.sandbox()), ("B", NetworkAccess.public())):
            stack = Stack(app, name, stack_name="Same")
            CodeInterpreter(stack, f"In{name}", network=network, drain_on_delete=False)

    with pytest.raises(SystemExit):
        main(["evidence", str(synthesize(twice, tmp_path))])
    first, second = capsys.readouterr().out.split("stack Same")[1:]
    assert ("InA" in first, "InB" in first) == (True, False)
    assert ("InA" in second, "InB" in second) == (False, True)
