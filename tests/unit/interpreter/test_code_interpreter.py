"""The construct: what it creates, and how it composes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cfnlint
import jsii
import pytest
from aws_cdk import (
    App,
    Aspects,
    IAspect,
    IPropertyInjector,
    NestedStack,
    PropertyInjectors,
    RemovalPolicies,
    RemovalPolicy,
    Stack,
    Stage,
    Tags,
    assertions,
)
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import IConstruct

from cdk_code_interpreter import CodeInterpreter, ExecutionRole, NetworkAccess

from ..apps import QUICK

TYPE = "AWS::BedrockAgentCore::CodeInterpreterCustom"


def plain(stack: Stack, construct_id: str = "Sandbox", **arguments: Any) -> CodeInterpreter:
    return CodeInterpreter(stack, construct_id, drain_on_delete=False, **arguments)


@pytest.fixture
def interpreter_in(synthesize: Any, resources: Any) -> Any:
    def read(stack: Stack) -> dict[str, Any]:
        (resource,) = resources(synthesize(stack), TYPE)
        return dict(resource)

    return read


# What proves to janitors and kill switches which stack an interpreter belongs to.
OWN_TAG = {"cdk-code-interpreter:stack": {"Ref": "AWS::StackId"}}


def test_the_simplest_one_is_a_sandbox_a_role_and_a_drain(
    stack: Stack, synthesize: Any, resources: Any
) -> None:
    interpreter = CodeInterpreter(stack, "Sandbox")
    template = synthesize(stack)

    own = {
        resource["Type"]
        for logical_id, resource in template["Resources"].items()
        if logical_id.startswith("Sandbox")
    }
    assert own == {TYPE, "AWS::IAM::Role", "Custom::CodeInterpreterSessionDrain"}
    (resource,) = resources(template, TYPE)
    assert set(resource["Properties"]) == {
        "Name",
        "NetworkConfiguration",
        "ExecutionRoleArn",
        "Tags",
    }
    assert resource["Properties"]["Tags"] == OWN_TAG
    assert interpreter.drain is not None
    assert interpreter.drain.node.path == "Analytics/Sandbox/Drain"


def test_options_reach_the_resource(stack: Stack, interpreter_in: Any, deployed: Any) -> None:
    secret = secretsmanager.Secret.from_secret_complete_arn(
        stack,
        "Certificate",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:proxy-abcdef",
    )
    plain(
        stack,
        name_prefix="reports",
        description="Runs reports",
        certificates=[secret],
        tags={"team": "analytics"},
    )

    properties = interpreter_in(stack)["Properties"]
    assert properties["Name"].startswith("reports_")
    assert properties["Description"] == "Runs reports"
    assert properties["Tags"] == {"team": "analytics", **OWN_TAG}
    assert properties["Certificates"] == [{"CertificateLocation": {"SecretArn": secret.secret_arn}}]


def test_an_explicit_name_is_used_exactly_and_warns(stack: Stack, interpreter_in: Any) -> None:
    interpreter = plain(stack, code_interpreter_name="reports")

    assert interpreter_in(stack)["Properties"]["Name"] == "reports"
    assert stack.resolve(interpreter.prefix_arn)["Fn::Join"][1][-1].endswith("/reports-*")
    (warning,) = assertions.Annotations.from_stack(stack).find_warning(
        "/Analytics/Sandbox", assertions.Match.any_value()
    )
    assert "[ack: cdk-code-interpreter:fixedName]" in str(warning.entry.data)


def test_the_id_comes_from_the_drain_so_that_users_go_before_it_runs(stack: Stack) -> None:
    interpreter = CodeInterpreter(stack, "Sandbox")
    resolved = stack.resolve([interpreter.code_interpreter_id, interpreter.code_interpreter_arn])
    undrained = stack.resolve(
        [interpreter.undrained_code_interpreter_id, interpreter.undrained_code_interpreter_arn]
    )

    assert [value["Fn::GetAtt"][0].startswith("SandboxDrain") for value in resolved] == [True] * 2
    assert [value["Fn::GetAtt"][0].startswith("SandboxDrain") for value in undrained] == [False] * 2


@pytest.mark.parametrize("policy", [RemovalPolicy.RETAIN, RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE])
def test_a_retained_interpreter_keeps_what_it_needs_and_is_not_drained(
    stack: Stack, synthesize: Any, policy: RemovalPolicy
) -> None:
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-12345678",
        availability_zones=["eu-west-1a"],
        isolated_subnet_ids=["subnet-12345678"],
    )
    interpreter = CodeInterpreter(
        stack, "Sandbox", removal_policy=policy, network=NetworkAccess.vpc(vpc)
    )
    template = synthesize(stack)

    assert interpreter.drain is None
    kept = {
        resource["Type"]: resource["DeletionPolicy"].startswith("Retain")
        for resource in template["Resources"].values()
    }
    assert kept == {TYPE: True, "AWS::IAM::Role": True, "AWS::EC2::SecurityGroup": True}


def test_an_interpreter_is_deleted_with_its_stack_by_default(
    stack: Stack, interpreter_in: Any
) -> None:
    plain(stack)

    assert "DeletionPolicy" not in interpreter_in(stack)


def test_it_takes_permissions_as_its_role(stack: Stack, synthesize: Any, resources: Any) -> None:
    s3.Bucket(stack, "Data").grant_read(plain(stack))

    (policy,) = resources(synthesize(stack), "AWS::IAM::Policy")
    (role,) = policy["Properties"]["Roles"]
    assert role["Ref"].startswith("SandboxServiceRole")


def test_its_groups_open_other_groups(stack: Stack, synthesize: Any, resources: Any) -> None:
    isolated = ec2.SubnetConfiguration(name="i", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    vpc = ec2.Vpc(stack, "Vpc", max_azs=1, nat_gateways=0, subnet_configuration=[isolated])
    interpreter = plain(stack, network=NetworkAccess.vpc(vpc))
    database = ec2.SecurityGroup(stack, "Database", vpc=vpc)
    database.connections.allow_from(interpreter, ec2.Port.tcp(5432))

    (rule,) = resources(synthesize(stack), "AWS::EC2::SecurityGroupIngress")
    assert rule["Properties"]["FromPort"] == 5432


def test_it_takes_the_logical_ids_of_a_plain_l2_so_that_moving_replaces_no_role(
    new_app: Any, synthesize: Any
) -> None:
    before, after = Stack(new_app(), "Analytics"), Stack(new_app(), "Analytics")
    agentcore.CodeInterpreterCustom(before, "Sandbox")
    plain(after)

    assert set(synthesize(before)["Resources"]) == set(synthesize(after)["Resources"])


def test_it_lives_beside_others_and_a_plain_l2_in_one_stack(
    stack: Stack, synthesize: Any, resources: Any
) -> None:
    for construct_id in ("Reports", "Charts"):
        CodeInterpreter(stack, construct_id)
    agentcore.CodeInterpreterCustom(stack, "Plain")
    template = synthesize(stack)

    names = [resource["Properties"]["Name"] for resource in resources(template, TYPE)]
    assert len(set(names)) == 3
    assert len(resources(template, "AWS::Lambda::Function")) == 1, "drains share a function"


def test_stages_deploy_the_same_stack_side_by_side(new_app: Any, resources: Any) -> None:
    app = new_app()
    for stage_id in ("Beta", "Prod"):
        CodeInterpreter(Stack(Stage(app, stage_id), "Analytics"), "Sandbox")

    assembly = app.synth()

    names = {
        resource["Properties"]["Name"]
        for stage_id in ("Beta", "Prod")
        for artifact in assembly.get_nested_assembly(f"assembly-{stage_id}").stacks
        for resource in resources(artifact.template, TYPE)
    }
    assert len(names) == 2


def test_a_nested_stack_holds_the_interpreter_and_its_drain(new_app: Any, resources: Any) -> None:
    app = new_app()
    outer = Stack(app, "Analytics")
    interpreter = CodeInterpreter(NestedStack(outer, "Nested"), "Sandbox")
    interpreter.grants.use(iam.Role(outer, "Agent", assumed_by=iam.AccountRootPrincipal()))

    folder = Path(app.synth().directory)

    (nested,) = folder.glob("*.nested.template.json")
    template = json.loads(nested.read_text())
    assert len(resources(template, TYPE)) == 1
    assert len(resources(template, "Custom::CodeInterpreterSessionDrain")) == 1
    # The grant in the outer stack names the pattern, and so needs no output of the nested one.
    assert "Outputs" not in template


@jsii.implements(IPropertyInjector)
class _CompanyDefaults:
    """What a company's platform team puts into every interpreter."""

    @property
    def construct_unique_id(self) -> str:
        return agentcore.CodeInterpreterCustom.PROPERTY_INJECTION_ID

    def inject(self, original: Any, *, id: str, scope: Any) -> Any:
        return {**original, "description": "Belongs to the platform team"}


def test_property_injectors_reach_the_resource_and_its_name(interpreter_in: Any) -> None:
    names = []
    for injectors in ([], [_CompanyDefaults()]):
        stack = Stack(App(**QUICK), "Analytics")
        for injector in injectors:
            PropertyInjectors.of(stack).add(injector)
        plain(stack)
        properties = interpreter_in(stack)["Properties"]
        names.append(properties["Name"])

    assert properties["Description"] == "Belongs to the platform team"
    assert names[0] != names[1]


class _RoleOfTheCompany(_CompanyDefaults):
    def inject(self, original: Any, *, id: str, scope: Any) -> Any:
        role = iam.Role.from_role_name(scope, "CompanyRole", "company")
        return {**original, "executionRole": role}


@pytest.mark.parametrize("given", [None, ExecutionRole.none()])
def test_a_role_that_is_injected_is_the_execution_role(interpreter_in: Any, given: Any) -> None:
    stack = Stack(App(**QUICK), "Analytics")
    PropertyInjectors.of(stack).add(_RoleOfTheCompany())
    interpreter = plain(stack, execution_role=given)

    assert "role/company" in json.dumps(interpreter_in(stack)["Properties"]["ExecutionRoleArn"])
    assert interpreter.execution_role is not None
    assert interpreter.execution_role.role_name == "company"


class _OwnRoleOfTheCompany(_CompanyDefaults):
    def __init__(self, make: Callable[[Any], iam.IRole]) -> None:
        self._make = make

    def inject(self, original: Any, *, id: str, scope: Any) -> Any:
        return {**original, "executionRole": self._make(scope)}


def test_an_execution_role_that_is_injected_trusts_the_interpreter_and_replaces_ours(
    resources: Any, synthesize: Any
) -> None:
    templates = []
    for injected in (False, True):
        stack = Stack(App(**QUICK), "Analytics")
        role = ExecutionRole(stack, "Role")
        if injected:
            PropertyInjectors.of(stack).add(_OwnRoleOfTheCompany(lambda _, role=role: role))
        interpreter = plain(stack, execution_role=None if injected else role)
        assert interpreter.execution_role is role
        template = synthesize(stack)
        templates.append([r["Properties"] for r in resources(template, "AWS::IAM::Role")])
    given, injected_role = templates
    assert given == injected_role


def test_a_role_of_the_app_that_is_injected_is_checked(stack: Stack, synthesize: Any) -> None:
    PropertyInjectors.of(stack).add(
        _OwnRoleOfTheCompany(
            lambda scope: iam.Role(
                scope, "Loose", assumed_by=iam.ServicePrincipal("bedrock-agentcore.amazonaws.com")
            )
        )
    )
    plain(stack)
    with pytest.raises(RuntimeError, match="without a condition on aws:SourceAccount"):
        synthesize(stack)


def test_an_injected_role_of_another_account_is_refused(new_app: Any) -> None:
    stack = Stack(new_app(), "Analytics", env={"account": "111122223333", "region": "eu-west-1"})
    arn = "arn:aws:iam::444455556666:role/company"
    PropertyInjectors.of(stack).add(
        _OwnRoleOfTheCompany(lambda scope: iam.Role.from_role_arn(scope, "Theirs", arn))
    )
    with pytest.raises(ValueError, match="is in account 444455556666"):
        plain(stack)


class _NameOfTheCompany(_CompanyDefaults):
    def inject(self, original: Any, *, id: str, scope: Any) -> Any:
        return {**original, "codeInterpreterCustomName": "company_sandbox"}


@jsii.implements(IAspect)
class _Rename:
    def visit(self, node: IConstruct) -> None:
        if isinstance(node, agentcore.CfnCodeInterpreterCustom):
            node.name = "company_sandbox"


@pytest.mark.parametrize("fixed", [None, "sandbox"])
@pytest.mark.parametrize("way", ["injector", "aspect"])
def test_a_name_that_is_changed_behind_our_back_is_refused(
    stack: Stack, synthesize: Any, way: str, fixed: str | None
) -> None:
    """The trust policy, the grants and the drain would be another interpreter's."""
    if way == "injector":
        PropertyInjectors.of(stack).add(_NameOfTheCompany())
    else:
        Aspects.of(stack).add(_Rename())
    CodeInterpreter(stack, "Sandbox", code_interpreter_name=fixed)
    with pytest.raises(RuntimeError, match=r"Analytics/Sandbox: .*company_sandbox.*name_prefix="):
        synthesize(stack)


def test_two_interpreters_of_one_deployment_cannot_have_one_name(stack: Stack) -> None:
    plain(stack, code_interpreter_name="reports")
    plain(stack, "Other", code_interpreter_name="other")
    with pytest.raises(ValueError, match=r"Inner/Second: .*'reports' is that of Analytics/Sandbox"):
        plain(NestedStack(stack, "Inner"), "Second", code_interpreter_name="reports")
    plain(Stack(App(**QUICK), "Analytics"), code_interpreter_name="reports")


def test_a_removal_policy_of_the_resource_alone_is_refused(stack: Stack, synthesize: Any) -> None:
    resource = CodeInterpreter(stack, "Sandbox").resource.node.default_child
    assert isinstance(resource, agentcore.CfnCodeInterpreterCustom)
    resource.apply_removal_policy(RemovalPolicy.RETAIN)
    with pytest.raises(RuntimeError, match=r"Analytics/Sandbox: .*removal_policy=RemovalPolicy"):
        synthesize(stack)


def test_removal_policies_of_everything_are_left_alone(
    stack: Stack, synthesize: Any, interpreter_in: Any
) -> None:
    CodeInterpreter(stack, "Sandbox")
    RemovalPolicies.of(stack).retain()
    template = synthesize(stack)
    kept = ("Sandbox", "Drain", "Role")
    for key, each in template["Resources"].items():
        if any(word in key for word in kept):
            assert each.get("DeletionPolicy") == "Retain", key


@jsii.implements(IAspect)
class _Describe:
    def visit(self, node: IConstruct) -> None:
        if isinstance(node, agentcore.CfnCodeInterpreterCustom):
            node.description = "Seen by an aspect"


def test_aspects_and_tags_reach_the_resource(stack: Stack, interpreter_in: Any) -> None:
    plain(stack)
    Aspects.of(stack).add(_Describe())
    Tags.of(stack).add("team", "analytics")

    properties = interpreter_in(stack)["Properties"]
    assert properties["Description"] == "Seen by an aspect"
    assert properties["Tags"] == {"team": "analytics", **OWN_TAG}


@pytest.mark.parametrize("fixed", [None, "sandbox"])
@pytest.mark.parametrize(
    ("tags", "problem"),
    [
        ({"team": "R&D"}, r"value of tag 'team' .*'R&D'"),
        ({"cost center;": "7"}, r"tag key 'cost center;'"),
        ({f"t{number}": "a" for number in range(51)}, "at most 50, got 52"),
    ],
)
def test_tags_of_the_app_that_the_service_refuses_are_refused(
    stack: Stack, synthesize: Any, tags: dict[str, str], problem: str, fixed: str | None
) -> None:
    """Most other services take them, so an app may have them everywhere."""
    CodeInterpreter(stack, "Sandbox", code_interpreter_name=fixed)
    for key, value in tags.items():
        Tags.of(stack).add(key, value)
    with pytest.raises(RuntimeError, match=f"Analytics/Sandbox: as the app tags .*{problem}"):
        synthesize(stack)


def test_an_empty_tag_of_the_app_is_taken(stack: Stack, interpreter_in: Any) -> None:
    plain(stack)
    Tags.of(stack).add("team", "")
    assert interpreter_in(stack)["Properties"]["Tags"] == {"team": "", **OWN_TAG}


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A synthesized stack with every option, with the built-in validation on."""
    app = App(outdir=str(tmp_path_factory.mktemp("cdk.out")), analytics_reporting=False)
    stack = Stack(app, "Analytics", env={"region": "eu-west-1"})
    isolated = ec2.SubnetConfiguration(name="i", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    vpc = ec2.Vpc(stack, "Vpc", max_azs=2, nat_gateways=0, subnet_configuration=[isolated])
    role = ExecutionRole(stack, "Role", path="/agents/")
    CodeInterpreter(
        stack,
        "Sandbox",
        description="Runs reports",
        network=NetworkAccess.vpc(vpc),
        execution_role=role,
        certificates=[secretsmanager.Secret(stack, "Certificate")],
        tags={"team": "analytics"},
    ).add_outputs()
    CodeInterpreter(stack, "Bare", execution_role=ExecutionRole.none())
    kept = CodeInterpreter(stack, "Kept", removal_policy=RemovalPolicy.RETAIN)
    kept.export_to_parameter_store(stack, "Parameters", path="/analytics/kept")
    for name in ("use", "invoke", "read", "janitor", "manage"):
        user = iam.Role(stack, name, assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        getattr(kept.grants, name)(user)
    assembly = app.synth()
    return Path(assembly.directory), assembly.get_stack_by_name("Analytics").template_full_path


def reported(assembly: Path) -> list[Any]:
    """What CDK's own validation wrote down, whatever its severity."""
    report = json.loads((assembly / "validation-report.json").read_text())
    return [plugin for plugin in report["pluginReports"] if plugin.get("violations")]


def test_cfn_lint_finds_nothing(everything: tuple[Path, str]) -> None:
    found = cfnlint.lint(Path(everything[1]).read_text(), regions=["eu-west-1"])

    # CDK's own functions name the role that they refer to as a dependency as well.
    assert [str(match) for match in found if match.rule.id != "W3005"] == []


def test_the_validation_that_cdk_brings_finds_nothing(everything: tuple[Path, str]) -> None:
    assert reported(everything[0]) == []


def test_the_validation_that_cdk_brings_is_at_work(tmp_path: Path) -> None:
    """Otherwise that it finds nothing would say nothing."""
    app = App(outdir=str(tmp_path), analytics_reporting=False)
    stack = Stack(app, "Analytics", env={"region": "eu-west-1"})
    interpreter = plain(stack)
    resource = interpreter.resource.node.default_child
    assert isinstance(resource, agentcore.CfnCodeInterpreterCustom)
    resource.add_property_override("NetworkConfiguration.NetworkMode", "NOWHERE")

    app.synth()

    assert "NOWHERE" in json.dumps(reported(tmp_path))


def test_a_template_that_is_launched_under_other_names_warns(stack: Stack) -> None:
    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_servicecatalog as servicecatalog

    product = servicecatalog.ProductStack(
        stack, "Product", asset_bucket=s3.Bucket(stack, "Assets", bucket_name="assets")
    )
    launched = CodeInterpreter(product, "Sandbox", drain_on_delete=False)
    plain = CodeInterpreter(stack, "Sandbox", drain_on_delete=False)

    warnings = [[str(entry.data) for entry in each.node.metadata] for each in (launched, plain)]
    assert ["a second launch of the same version" in str(each) for each in warnings] == [
        True,
        False,
    ]
