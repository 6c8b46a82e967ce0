"""Each rule finds what it is for, in templates that our constructs did not make."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import (
    Acknowledgment,
    App,
    CfnOutput,
    CfnResource,
    IPolicyValidationPlugin,
    NestedStack,
    Stack,
    Stage,
    Validations,
)
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_iam as iam
from aws_cdk.cloudformation_include import CfnInclude
from cdk_nag import NagPack
from hypothesis import given, settings
from hypothesis import strategies as st

from cdk_code_interpreter.checks import (
    RULES,
    CheckLevel,
    CodeInterpreterChecks,
    Template,
    Templates,
    find,
    guard_rules,
    read_templates,
)

from .judges import CfnGuard
from .rule_cases import (
    CASES,
    MENDED,
    SILENT,
    SILENT_FOR_THE_PACK,
    Case,
    bucket_with_a_key,
    mended_in_another_way,
)

Report = dict[str, dict[str, Any]]
Synthesize = Callable[[App, Sequence[IPolicyValidationPlugin]], Report]


AGENTCORE = iam.ServicePrincipal("bedrock-agentcore.amazonaws.com")
BY_CASE = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)


def found(*bodies: dict[str, Any]) -> set[tuple[str, str]]:
    templates = [Template(f"{index}.template.json", body) for index, body in enumerate(bodies)]
    return {(f.rule.name, f.hit.logical_id) for f in find(Templates(tuple(templates)))}


def reported(report: Report) -> set[tuple[str, str]]:
    violations = report.get("CodeInterpreter", {}).get("violations", [])
    return {
        (
            violation["ruleName"].removeprefix("CodeInterpreter-").split("[")[0],
            construct["constructPath"],
        )
        for violation in violations
        for construct in violation["violatingConstructs"]
    }


def names(report: Report) -> set[str]:
    return {name for name, _ in reported(report)}


@BY_CASE
def test_a_rule_finds_the_broken_resource_and_no_other_rule_speaks(case: Case) -> None:
    assert found(case.template()) == {(case.rule, case.resource)}


@pytest.mark.parametrize("mended", [MENDED, bucket_with_a_key()], ids=["group", "bucket"])
def test_the_mended_template_is_silent(mended: dict[str, Any]) -> None:
    assert found(mended) == set()


@pytest.mark.parametrize("way", [*SILENT, *SILENT_FOR_THE_PACK])
def test_what_is_right_in_another_way_is_silent(way: str) -> None:
    assert found(mended_in_another_way({**SILENT, **SILENT_FOR_THE_PACK}[way])) == set()


def test_every_rule_has_a_case() -> None:
    assert {case.rule for case in CASES} == {rule.name for rule in RULES}


@pytest.fixture(scope="module")
def guard_outcomes(
    cfn_guard: CfnGuard, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, set[str]]:
    """Names of the broken rules by template, after one run of the native cfn-guard."""
    folder = tmp_path_factory.mktemp("templates")
    templates = {"mended": MENDED, "bucket": bucket_with_a_key()}
    templates |= {way: mended_in_another_way(change) for way, change in SILENT.items()}
    for name, body in (templates | {case.id: case.template() for case in CASES}).items():
        (folder / f"{name}.json").write_text(json.dumps(body))
    outcomes = {Path(each["name"]).stem: each for each in cfn_guard.run(guard_rules(), folder)}
    for outcome in outcomes.values():
        # A rule that does not run finds nothing either.
        ran = {*outcome["compliant"], *map(_rule_name, outcome["not_compliant"])}
        assert ran | {*outcome["not_applicable"]} >= {rule.name for rule in RULES}
    return {
        name: {_rule_name(broken) for broken in outcome["not_compliant"]}
        for name, outcome in outcomes.items()
    }


def _rule_name(broken: dict[str, Any]) -> str:
    return str(broken["Rule"]["name"])


@BY_CASE
def test_the_guard_file_finds_what_it_claims_to(
    case: Case, guard_outcomes: dict[str, set[str]]
) -> None:
    assert guard_outcomes[case.id] == ({case.rule} if case.guard_sees_it else set())


@pytest.mark.parametrize("mended", ["mended", "bucket", *SILENT])
def test_the_guard_file_is_silent_on_the_mended_template(
    mended: str, guard_outcomes: dict[str, set[str]]
) -> None:
    assert guard_outcomes[mended] == set()


def test_what_guard_does_not_see_is_said_by_the_rule() -> None:
    unseen = {case.rule for case in CASES if not case.guard_sees_it}
    limited = {rule.name for rule in RULES if rule.guard_limit}
    assert unseen <= limited


def define(app: App, template: dict[str, Any]) -> None:
    """Defines a hand-written template's resources, which no typed construct stands for."""
    stack = Stack(app, "Stack")
    for logical_id, resource in template["Resources"].items():
        CfnResource(
            stack, logical_id, type=resource["Type"], properties=resource.get("Properties", {})
        ).override_logical_id(logical_id)


@BY_CASE
def test_the_pack_finds_resources_without_a_typed_construct(
    case: Case, new_app: App, report_of: Synthesize
) -> None:
    define(new_app, case.template())
    report = report_of(new_app, [CodeInterpreterChecks(new_app)])
    assert reported(report) == {(case.rule, f"Stack/{case.resource}")}
    rule = next(rule for rule in RULES if rule.name == case.rule)
    failed = report["CodeInterpreter"]["conclusion"] == "failure"
    assert failed == (rule.level is CheckLevel.ERROR)


def test_the_pack_is_silent_on_the_mended_template(new_app: App, report_of: Synthesize) -> None:
    define(new_app, MENDED)
    assert report_of(new_app, [CodeInterpreterChecks(new_app)]) == {}


def test_the_pack_reads_an_included_template(
    new_app: App, report_of: Synthesize, tmp_path: Path
) -> None:
    case = next(case for case in CASES if case.rule == "PassRole")
    template_file = tmp_path / "included.json"
    template_file.write_text(json.dumps(case.template()))
    CfnInclude(Stack(new_app, "Stack"), "Template", template_file=str(template_file))
    report = report_of(new_app, [CodeInterpreterChecks(new_app)])
    assert reported(report) == {("PassRole", "Stack/Template/Agent")}


def test_the_pack_is_a_cdk_nag_pack_whose_rules_fail_a_build() -> None:
    app = App(builtin_cloud_formation_validation=False)
    pack = CodeInterpreterChecks(app)
    assert isinstance(pack, NagPack)
    agentcore.CodeInterpreterCustom(Stack(app, "Stack"), "Sandbox")
    Validations.of(app).add_plugins(pack)
    with pytest.raises(RuntimeError, match="CodeInterpreter-PublicNetwork"):
        app.synth()


def test_the_defaults_of_the_l2_are_found(new_app: App, report_of: Synthesize) -> None:
    agentcore.CodeInterpreterCustom(Stack(new_app, "Stack"), "Sandbox")
    report = report_of(new_app, [CodeInterpreterChecks(new_app)])
    assert reported(report) == {
        (rule, "Stack/Sandbox/Resource")
        for rule in ("PublicNetwork", "Drain", "Janitor", "NameCollision")
    }


def test_the_guard_file_finds_the_defaults_of_the_l2(new_app: App, cfn_guard: CfnGuard) -> None:
    stack = Stack(new_app, "Stack")
    agentcore.CodeInterpreterCustom(stack, "Sandbox").grant_read(
        iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal())
    )
    assembly = Path(new_app.synth().directory)
    broken = cfn_guard.broken(guard_rules(), assembly / "Stack.template.json")
    expected = {"PublicNetwork", "Drain", "Janitor", "NameCollision"}
    assert {finding.rule for finding in broken} == expected


def test_an_l1_with_a_bare_role_is_found_across_stacks(new_app: App, report_of: Synthesize) -> None:
    roles = Stack(new_app, "Roles")
    role = iam.Role(roles, "Role", assumed_by=AGENTCORE)
    role.add_to_policy(iam.PolicyStatement(actions=["s3:*"], resources=["*"]))
    agentcore.CfnCodeInterpreterCustom(
        Stack(new_app, "Interpreters"),
        "Sandbox",
        name="sandbox_0123456789_01234567",
        execution_role_arn=role.role_arn,
        network_configuration=agentcore.CfnCodeInterpreterCustom.CodeInterpreterNetworkConfigurationProperty(
            network_mode="VPC"
        ),
    )
    report = report_of(new_app, [CodeInterpreterChecks(new_app)])
    assert reported(report) == {
        ("TrustConditions", "Roles/Role/Resource"),
        ("RoleWildcardAction", "Roles/Role/DefaultPolicy/Resource"),
        ("RoleWildcardResource", "Roles/Role/DefaultPolicy/Resource"),
        ("Drain", "Interpreters/Sandbox"),
        ("Janitor", "Interpreters/Sandbox"),
    }


def test_a_role_of_an_exporting_stack_is_followed(tmp_path: Path) -> None:
    broken = Case("", "", "", lambda _: None).template()
    role = broken["Resources"].pop("Role")
    role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]["Action"] = "s3:*"
    del broken["Resources"]["Policy"]
    broken["Resources"]["Interpreter"]["Properties"]["ExecutionRoleArn"] = {
        "Fn::ImportValue": "role-of-the-sandbox"
    }
    exporting = {
        "Resources": {"Role": role},
        "Outputs": {
            "Role": {
                "Value": {"Fn::GetAtt": ["Role", "Arn"]},
                "Export": {"Name": "role-of-the-sandbox"},
            }
        },
    }
    assert found(exporting, broken) == {("RoleWildcardAction", "Role")}


def test_a_nested_stack_is_read_too(new_app: App, report_of: Synthesize) -> None:
    nested = NestedStack(Stack(new_app, "Outer"), "Inner")
    agentcore.CodeInterpreterCustom(nested, "Sandbox")
    report = report_of(new_app, [CodeInterpreterChecks(new_app)])
    assert ("PublicNetwork", "Outer/Inner/Sandbox/Resource") in reported(report)


def test_what_a_nested_stack_is_given_and_gives_is_followed(
    new_app: App, report_of: Synthesize
) -> None:
    outer = Stack(new_app, "Outer")
    role = iam.Role(outer, "Role", assumed_by=AGENTCORE)
    role.add_to_policy(iam.PolicyStatement(actions=["s3:*"], resources=["arn:aws:s3:::data/*"]))
    agentcore.CodeInterpreterCustom(NestedStack(outer, "Below"), "Sandbox", execution_role=role)
    inner = iam.Role(NestedStack(outer, "Beside"), "Role", assumed_by=AGENTCORE)
    inner.add_to_policy(iam.PolicyStatement(actions=["sqs:*"], resources=["arn:aws:sqs:::data"]))
    agentcore.CodeInterpreterCustom(outer, "Sandbox", execution_role=inner)
    report = report_of(new_app, [CodeInterpreterChecks(new_app)])
    assert {
        ("RoleWildcardAction", "Outer/Role/DefaultPolicy/Resource"),
        ("RoleWildcardAction", "Outer/Beside/Role/DefaultPolicy/Resource"),
    } <= reported(report)


def test_the_guard_file_reads_references_as_yaml_writes_them(
    cfn_guard: CfnGuard, tmp_path: Path
) -> None:
    file = tmp_path / "short.yaml"
    file.write_text(YAML)
    assert {finding.rule for finding in cfn_guard.broken(guard_rules(), file)} == {
        "Drain",
        "Janitor",
        "LogEncryption",
        "PassRole",
        "RoleWildcardAction",
    }


YAML = """
Resources:
  Interpreter:
    Type: AWS::BedrockAgentCore::CodeInterpreterCustom
    Properties:
      Name: analytics_0a1b2c3d4e_5f6a7b8c
      ExecutionRoleArn: !GetAtt Role.Arn
      NetworkConfiguration: {NetworkMode: VPC}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
          Effect: Allow
          Principal: {Service: bedrock-agentcore.amazonaws.com}
          Action: sts:AssumeRole
          Condition:
            StringEquals: {aws:SourceAccount: !Ref AWS::AccountId}
            ArnLike: {aws:SourceArn: !Sub "arn:aws:bedrock-agentcore:*:${AWS::AccountId}:*"}
      Policies:
        - PolicyName: read
          PolicyDocument:
            Statement: {Effect: Allow, Action: "s3:*", Resource: "arn:aws:s3:::data/*"}
  Deployer:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Statement: {Effect: Allow, Action: iam:PassRole, Resource: !GetAtt Role.Arn}
  Source:
    Type: AWS::Logs::DeliverySource
    Properties: {LogType: APPLICATION_LOGS, ResourceArn: !GetAtt Interpreter.CodeInterpreterArn}
  Destination:
    Type: AWS::Logs::DeliveryDestination
    Properties: {DestinationResourceArn: !GetAtt Logs.Arn}
  Logs:
    Type: AWS::Logs::LogGroup
    Properties: {RetentionInDays: 30}
"""


@pytest.mark.parametrize("place", ["Stack", "Stack/Sandbox", "Outer/Inner/Sandbox"])
def test_an_acknowledgment_is_recorded_with_its_reason(
    place: str, new_app: App, report_of: Synthesize
) -> None:
    stack: Stack = Stack(new_app, place.split("/")[0])
    if "Inner" in place:
        stack = NestedStack(stack, "Inner")
    interpreter = agentcore.CodeInterpreterCustom(stack, "Sandbox")
    Validations.of(stack if place == "Stack" else interpreter).acknowledge(
        Acknowledgment(
            id="CodeInterpreter::CodeInterpreter-PublicNetwork", reason="a demonstration"
        )
    )
    report = report_of(new_app, [CodeInterpreterChecks(new_app)])
    assert "PublicNetwork" not in names(report)
    suppressed = report["CodeInterpreter"]["suppressedViolations"]
    assert [entry["reason"] for entry in suppressed] == ["a demonstration"]


@pytest.mark.parametrize("place", ["app", "Stack", "Stack/Sandbox"])
def test_a_bare_id_acknowledges_as_in_packs_of_cdk_nag(
    place: str, new_app: App, report_of: Synthesize
) -> None:
    stack = Stack(new_app, "Stack")
    first = agentcore.CodeInterpreterCustom(stack, "Sandbox")
    agentcore.CodeInterpreterCustom(Stack(new_app, "Other"), "Sandbox")
    construct = {"app": new_app, "Stack": stack, "Stack/Sandbox": first}[place]
    Validations.of(construct).acknowledge(
        Acknowledgment(id="CodeInterpreter-PublicNetwork", reason="a demonstration")
    )
    found = reported(report_of(new_app, [CodeInterpreterChecks(new_app)]))
    assert ("PublicNetwork", "Stack/Sandbox/Resource") not in found
    assert (("PublicNetwork", "Other/Sandbox/Resource") in found) == (place != "app")
    assert ("Drain", "Stack/Sandbox/Resource") in found


def test_a_finding_with_a_detail_is_acknowledged_by_that_detail_alone(
    new_app: App, report_of: Synthesize
) -> None:
    stack = Stack(new_app, "Stack")
    role = iam.Role(stack, "Role", assumed_by=AGENTCORE)
    Validations.of(role).acknowledge(
        Acknowledgment(
            id="CodeInterpreter::CodeInterpreter-TrustConditions[aws:SourceArn]", reason="a test"
        )
    )
    report = report_of(new_app, [CodeInterpreterChecks(new_app)])
    left = [violation["ruleName"] for violation in report["CodeInterpreter"]["violations"]]
    assert left == ["CodeInterpreter-TrustConditions[aws:SourceAccount]"]


def test_the_level_of_a_rule_can_be_chosen() -> None:
    def levels(level: CheckLevel) -> list[CheckLevel]:
        sandbox = next(case for case in CASES if case.rule == "SandboxNetwork").template()
        templates = Templates((Template("a.json", sandbox),))
        found = find(templates, {"CodeInterpreter-SandboxNetwork": level})
        return [finding.level for finding in found]

    assert levels(CheckLevel.WARNING) == [CheckLevel.WARNING]
    assert levels(CheckLevel.ERROR) == [CheckLevel.ERROR]
    assert levels(CheckLevel.OFF) == []


def test_a_level_for_a_rule_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="CodeInterpreter-Typo, which no rule has"):
        CodeInterpreterChecks(levels={"CodeInterpreter-Typo": CheckLevel.OFF})


def test_the_pack_says_that_constructs_alone_tell_it_nothing() -> None:
    app = App()
    with pytest.raises(Exception, match="checks templates"):
        CodeInterpreterChecks(app).validate_scope(app)


def test_a_template_in_yaml_is_read_with_its_short_forms(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(
        """
Resources:
  Interpreter:
    Type: AWS::BedrockAgentCore::CodeInterpreterCustom
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      Name: !Sub "${AWS::StackName}_0a1b2c3d"
      NetworkConfiguration: {NetworkMode: PUBLIC}
      ExecutionRoleArn: !GetAtt Role.Arn
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
          Effect: Allow
          Principal: {Service: bedrock-agentcore.amazonaws.com}
          Action: sts:AssumeRole
"""
    )
    found = {each.rule.name for each in find(read_templates(tmp_path))}
    assert found == {"PublicNetwork", "TrustConditions", "Janitor"}


def test_a_folder_of_the_cdk_stands_for_its_present_stacks(tmp_path: Path) -> None:
    """The CDK leaves the templates of stacks that are gone where they are."""
    app = App(outdir=str(tmp_path), analytics_reporting=False)
    stage = Stage(app, "Beta")
    for scope in (app, stage):
        CfnResource(Stack(scope, "Present"), "Bucket", type="AWS::S3::Bucket")
    app.synth()
    (tmp_path / "Gone.template.json").write_text(json.dumps(MENDED))
    found = sorted(Path(each.path).name for each in read_templates(tmp_path))
    assert len(found) == 2
    assert "Gone.template.json" not in found


def test_what_is_no_template_at_all_is_said(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("a: [")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ValueError, match="neither JSON nor YAML"):
        read_templates(tmp_path / "broken.yaml")
    with pytest.raises(ValueError, match="is not JSON"):
        read_templates([tmp_path / "broken.json"])
    with pytest.raises(ValueError, match=r"has no template .*; pass cdk\.out"):
        read_templates(_empty(tmp_path))


def _empty(folder: Path) -> Path:
    empty = folder / "empty"
    empty.mkdir()
    return empty


def test_a_template_without_anything_of_ours_is_silent() -> None:
    other = {
        "Resources": {
            "Logs": {"Type": "AWS::Logs::LogGroup"},
            "Alarm": MENDED["Resources"]["OtherAlarm"],
            "Outputs": {"Type": "Custom::Other"},
        }
    }
    assert found(other) == set()


@pytest.mark.parametrize(
    ("default", "expected"), [("PUBLIC", {("PublicNetwork", "Interpreter")}), ("VPC", set())]
)
def test_the_default_of_a_parameter_is_what_gets_deployed(
    default: str, expected: set[tuple[str, str]]
) -> None:
    template = Case("", "", "", lambda resources: None).template()
    template["Parameters"] = {"Mode": {"Type": "String", "Default": default}}
    network = template["Resources"]["Interpreter"]["Properties"]["NetworkConfiguration"]
    network["NetworkMode"] = {"Ref": "Mode"}
    assert found(template) == expected


CLOSED = MENDED["Resources"]["Interpreter"]["Properties"]["NetworkConfiguration"]


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ({**CLOSED, "NetworkMode": {"Fn::If": ["Open", "PUBLIC", "VPC"]}}, {"PublicNetwork"}),
        ({"Fn::If": ["Open", {"NetworkMode": "PUBLIC"}, CLOSED]}, {"PublicNetwork"}),
        (
            {**CLOSED, "NetworkMode": {"Fn::If": ["Closed", "VPC", {"Ref": "AWS::NoValue"}]}},
            {"SandboxNetwork"},
        ),
        ({"Fn::If": ["Closed", CLOSED, {"Ref": "AWS::NoValue"}]}, {"SandboxNetwork"}),
        ({"Fn::If": ["Red", CLOSED, CLOSED]}, set()),
    ],
)
def test_every_network_that_a_condition_lets_be_is_judged(
    network: dict[str, Any], expected: set[str]
) -> None:
    template = Case("", "", "", lambda resources: None).template()
    template["Resources"]["Interpreter"]["Properties"]["NetworkConfiguration"] = network
    assert found(template) == {(rule, "Interpreter") for rule in expected}


def test_every_rule_explains_itself() -> None:
    for rule in RULES:
        assert len(rule.why) > len(rule.meaning) / 2
        assert rule.mend
        assert rule.controls.nist_800_53
    assert len({rule.rule_id for rule in RULES}) == len(RULES)


def test_outputs_without_an_export_are_no_obstacle(new_app: App, report_of: Synthesize) -> None:
    stack = Stack(new_app, "Stack")
    CfnOutput(stack, "Plain", value="x")
    assert report_of(new_app, [CodeInterpreterChecks(new_app)]) == {}


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a template that can hold another value, as container and key."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    found = [(value, key) for key in keys]
    for key in keys:
        if isinstance(value[key], dict | list):
            found += _places(value[key])
    return found


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.builds(lambda: {"Ref": "Role"}),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["Fn::If", "Fn::Sub", "Fn::GetAtt", "Ref"]), inner)
    ),
    max_leaves=4,
)


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_no_template_makes_a_rule_fail_itself(data: st.DataObject) -> None:
    # A template that CloudFormation would refuse is not for rules to fall over.
    template = Case("", "", "", lambda _: None).template()
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(_places(template["Resources"])))
        if not isinstance(container, dict) or key != "Type":
            container[key] = data.draw(ANYTHING)
    templates = Templates((Template("any.template.json", template),))
    for rule in RULES:
        list(rule.check(templates))
        list(rule.prove(templates))


def test_a_level_in_other_words_is_refused() -> None:
    with pytest.raises(ValueError, match=r"levels must be .*CheckLevel.ERROR.*'error'"):
        CodeInterpreterChecks(levels={"CodeInterpreter-SandboxNetwork": "error"})  # type: ignore[dict-item]
