"""The execution role: who may assume it, decided by an evaluator that is not ours."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from aws_cdk import CfnParameter, Environment, Stack, assertions
from aws_cdk import aws_iam as iam

from agentcore_local._ministack import service_may_assume
from cdk_code_interpreter import CodeInterpreter, ExecutionRole, TrustScope

SERVICE = "bedrock-agentcore.amazonaws.com"
ROOT = "arn:aws:bedrock-agentcore:eu-west-1:111122223333:"


def may_assume(document: Mapping[str, Any], *, source: str, account: str = "111122223333") -> bool:
    context = {"aws:SourceAccount": account, "aws:SourceArn": source}
    return service_may_assume(document, service=SERVICE, account=account, context=context)


def plain(stack: Stack, construct_id: str = "Sandbox", **arguments: Any) -> CodeInterpreter:
    return CodeInterpreter(stack, construct_id, drain_on_delete=False, **arguments)


@pytest.fixture
def trust_of(synthesize: Any, resources: Any, deployed: Any) -> Any:
    """The trust policies of a stack's roles, with the interpreters' names."""

    def read(stack: Stack) -> tuple[list[dict[str, Any]], list[str]]:
        template = synthesize(stack)
        roles = resources(template, "AWS::IAM::Role")
        interpreters = resources(template, "AWS::BedrockAgentCore::CodeInterpreterCustom")
        documents = [deployed(r["Properties"]["AssumeRolePolicyDocument"], template) for r in roles]
        return documents, [i["Properties"]["Name"] for i in interpreters]

    return read


def test_the_service_may_assume_the_role_for_its_interpreter_in_every_generation(
    stack: Stack, trust_of: Any
) -> None:
    plain(stack)
    (document,), (name,) = trust_of(stack)
    custom = f"{ROOT}code-interpreter-custom/"
    next_name = f"{name.rpartition('_')[0]}_0123abcd"

    assert may_assume(document, source=f"{custom}{name}-ABCDEFGHIJ")
    assert may_assume(document, source=f"{custom}{next_name}-JIHGFEDCBA")


def test_the_service_may_not_assume_the_role_for_anything_else(stack: Stack, trust_of: Any) -> None:
    plain(stack)
    (document,), (name,) = trust_of(stack)
    own = f"{ROOT}code-interpreter-custom/{name}-ABCDEFGHIJ"

    assert not may_assume(document, source=own, account="444455556666")
    assert not may_assume(document, source=own.replace("eu-west-1", "us-east-1"))
    assert not may_assume(document, source=f"{ROOT}code-interpreter-custom/Sibling-ABCDEFGHIJ")
    assert not may_assume(document, source=f"{ROOT}runtime/agent-ABCDEFGHIJ")
    assert not service_may_assume(document, service=SERVICE, account="111122223333", context={})


def test_the_role_has_no_permission_until_it_is_given_one(
    stack: Stack, synthesize: Any, resources: Any
) -> None:
    plain(stack)
    template = synthesize(stack)

    assert resources(template, "AWS::IAM::Policy") == []
    (role,) = resources(template, "AWS::IAM::Role")
    assert not {"ManagedPolicyArns", "Policies"} & set(role["Properties"])


def test_a_fixed_name_is_trusted_with_any_suffix(stack: Stack, trust_of: Any) -> None:
    plain(stack, code_interpreter_name="reports")
    (document,), _ = trust_of(stack)

    assert may_assume(document, source=f"{ROOT}code-interpreter-custom/reports-ABCDEFGHIJ")


def test_account_scope_trusts_all_of_agentcore_in_the_account_and_region(
    stack: Stack, trust_of: Any
) -> None:
    plain(stack, execution_role=ExecutionRole(stack, "Role", trust_scope=TrustScope.ACCOUNT))
    (document,), _ = trust_of(stack)

    assert may_assume(document, source=f"{ROOT}code-interpreter-custom/Anything-ABCDEFGHIJ")
    assert not may_assume(document, source=f"{ROOT}x".replace("eu-west-1", "us-east-1"))
    assert not may_assume(document, source=f"{ROOT}x", account="444455556666")


def test_a_shared_role_is_trusted_for_each_interpreter_that_it_is_given_to(
    stack: Stack, trust_of: Any
) -> None:
    role = ExecutionRole(stack, "Role")
    for construct_id in ("Reports", "Charts"):
        plain(stack, construct_id, execution_role=role)
    plain(stack, "Other", execution_role=ExecutionRole.none())
    (document,), names = trust_of(stack)

    trusted = [
        may_assume(document, source=f"{ROOT}code-interpreter-custom/{name}-ABCDEFGHIJ")
        for name in names
    ]
    assert trusted == [True, True, False]


def test_the_trust_policy_has_no_partition_of_its_own(
    stack: Stack, synthesize: Any, resources: Any
) -> None:
    plain(stack)
    (role,) = resources(synthesize(stack), "AWS::IAM::Role")

    assert "arn:aws" not in json.dumps(role["Properties"]["AssumeRolePolicyDocument"])


def test_options_of_the_role_reach_it(stack: Stack, synthesize: Any, resources: Any) -> None:
    policy = iam.ManagedPolicy.from_aws_managed_policy_name
    role = ExecutionRole(
        stack,
        "Role",
        permissions_boundary=policy("ReadOnlyAccess"),
        managed_policies=[policy("AmazonS3ReadOnlyAccess")],
        role_name="sandbox",
        path="/agents/",
        description="Reads reports",
    )
    plain(stack, execution_role=role)
    (resource,) = resources(synthesize(stack), "AWS::IAM::Role")

    properties = resource["Properties"]
    assert properties["RoleName"] == "sandbox"
    assert properties["Path"] == "/agents/"
    assert properties["Description"] == "Reads reports"
    assert "ReadOnlyAccess" in json.dumps(properties["PermissionsBoundary"])
    assert "AmazonS3ReadOnlyAccess" in json.dumps(properties["ManagedPolicyArns"])


def test_an_interpreter_can_have_no_role(stack: Stack, synthesize: Any, resources: Any) -> None:
    interpreter = plain(stack, execution_role=ExecutionRole.none())
    template = synthesize(stack)

    (resource,) = resources(template, "AWS::BedrockAgentCore::CodeInterpreterCustom")
    assert "ExecutionRoleArn" not in resource["Properties"]
    assert resources(template, "AWS::IAM::Role") == []
    assert interpreter.execution_role is None
    with pytest.raises(ValueError, match=r"Analytics/Sandbox: nothing can be granted"):
        _ = interpreter.grant_principal


def _synthesis_error(stack: Stack) -> str:
    with pytest.raises(RuntimeError) as got:
        assertions.Template.from_stack(stack)
    return str(got.value)


def test_a_role_without_the_conditions_is_refused_with_the_statement_to_add(new_app: Any) -> None:
    stack = Stack(new_app(), "Analytics", env={"account": "111122223333", "region": "eu-west-1"})
    plain(stack, execution_role=iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal(SERVICE)))

    error = _synthesis_error(stack)

    assert "Analytics/Sandbox: execution role Analytics/Role/Resource trusts" in error
    assert "aws:SourceAccount and aws:SourceArn" in error
    statement = json.loads(error[error.index("{") : error.rindex("}") + 1])
    source = statement["Condition"]["ArnLike"]["aws:SourceArn"].replace("${AWS::Partition}", "aws")
    statement["Condition"]["ArnLike"]["aws:SourceArn"] = source
    # What is printed is what the service needs.
    assert may_assume({"Statement": [statement]}, source=source.replace("*", "abc-ABCDEFGHIJ"))


def test_a_role_that_trusts_another_service_is_refused(stack: Stack) -> None:
    other = iam.ServicePrincipal("lambda.amazonaws.com")
    plain(stack, execution_role=iam.Role(stack, "Role", assumed_by=other))

    assert f"does not let {SERVICE} assume it" in _synthesis_error(stack)


def role_for(stack: Stack, source_arn: str) -> iam.Role:
    """A role of the user's own, as the service asks for it."""
    principal = iam.ServicePrincipal(
        SERVICE,
        conditions={
            "StringEquals": {"aws:SourceAccount": stack.account},
            "ArnLike": {"aws:SourceArn": source_arn},
        },
    )
    return iam.Role(stack, "Role", assumed_by=principal)


def test_a_role_with_both_conditions_is_accepted(stack: Stack, synthesize: Any) -> None:
    role = role_for(stack, f"arn:aws:bedrock-agentcore:*:{stack.account}:*")
    interpreter = plain(stack, execution_role=role)

    assert synthesize(stack)
    assert interpreter.execution_role is role


@pytest.mark.parametrize("end", ["*", "-*", "-??????????"])
def test_a_role_for_a_fixed_name_may_be_as_narrow_as_the_ids_are(
    stack: Stack, synthesize: Any, end: str
) -> None:
    arn = f"arn:aws:bedrock-agentcore:{stack.region}:{stack.account}:code-interpreter-custom/tool"
    role = role_for(stack, f"{arn}{end}")
    plain(stack, execution_role=role, code_interpreter_name="tool")

    assert synthesize(stack)


def test_an_imported_role_is_accepted_with_a_warning_that_says_what_to_check(
    stack: Stack,
) -> None:
    role = iam.Role.from_role_arn(stack, "Role", "arn:aws:iam::111122223333:role/sandbox")
    plain(stack, execution_role=role)

    (warning,) = assertions.Annotations.from_stack(stack).find_warning(
        "/Analytics/Sandbox", assertions.Match.any_value()
    )
    assert "cdk-code-interpreter:uncheckedExecutionRole" in warning.entry.data
    assert "code-interpreter-custom/Sandbox_" in warning.entry.data


def test_a_role_that_no_interpreter_uses_is_refused_before_iam_does(stack: Stack) -> None:
    ExecutionRole(stack, "Role")

    assert "Analytics/Role: no code interpreter uses this execution role" in _synthesis_error(stack)


def test_a_role_may_name_an_interpreter_by_its_arn(stack: Stack, trust_of: Any) -> None:
    arn = f"{ROOT}code-interpreter-custom/Elsewhere-ABCDEFGHIJ"
    role = ExecutionRole(stack, "Role")
    role.trust_interpreter(arn)
    role.trust_interpreter(arn)
    (document,), _ = trust_of(stack)

    assert may_assume(document, source=arn)
    assert document["Statement"][0]["Condition"]["ArnLike"]["aws:SourceArn"] == arn


@pytest.mark.parametrize("how", ["defined here", "imported"])
def test_a_role_of_another_account_is_refused(new_app: Any, how: str) -> None:
    app = new_app()
    ours = Stack(app, "Ours", env=Environment(account="111122223333", region="eu-west-1"))
    theirs = Stack(app, "Theirs", env=Environment(account="444455556666", region="eu-west-1"))
    role: iam.IRole = (
        ExecutionRole(theirs, "Role", role_name="analyst")
        if how == "defined here"
        else iam.Role.from_role_arn(ours, "Role", "arn:aws:iam::444455556666:role/analyst")
    )
    with pytest.raises(
        ValueError, match=r"Ours/Sandbox: execution role .* in account 444455556666"
    ):
        CodeInterpreter(ours, "Sandbox", execution_role=role)


def test_a_role_for_the_whole_account_is_for_the_regions_of_its_interpreters(new_app: Any) -> None:
    app = new_app()
    places = ("us-east-1", "eu-west-1")
    home, away = (
        Stack(app, name, env={"account": "111122223333", "region": region})
        for name, region in zip(("Home", "Away"), places, strict=True)
    )
    role = ExecutionRole(home, "Role", role_name="shared", trust_scope=TrustScope.ACCOUNT)
    plain(home, execution_role=role)
    plain(away, execution_role=role)
    (found,) = assertions.Template.from_stack(home).find_resources("AWS::IAM::Role").values()
    document = json.loads(
        re.sub(
            r'\{"Fn::Join": \["", \["arn:", \{"Ref": "AWS::Partition"\}, "([^"]*)"\]\]\}',
            r'"arn:aws\1"',
            json.dumps(found["Properties"]["AssumeRolePolicyDocument"]),
        )
    )
    for region in (*places, "ap-south-1"):
        source = f"arn:aws:bedrock-agentcore:{region}:111122223333:code-interpreter-custom/x-1"
        assert may_assume(document, source=source) is (region in places)


def test_a_role_for_the_whole_account_needs_no_arn_that_is_not_known_yet(
    stack: Stack, synthesize: Any
) -> None:
    role = ExecutionRole(stack, "Role", trust_scope=TrustScope.ACCOUNT)
    role.trust_interpreter(CfnParameter(stack, "Arn").value_as_string)

    assert '{"Ref": "Arn"}' not in json.dumps(synthesize(stack)["Resources"])


def shared_by(stack: Stack, count: int, scope: TrustScope) -> None:
    role = ExecutionRole(stack, "Role", trust_scope=scope)
    for number in range(count):
        plain(
            stack,
            f"S{number}",
            name_prefix=f"sandbox_of_analytics_{number:07}",
            execution_role=role,
        )


def size_warnings(stack: Stack) -> list[Any]:
    said = assertions.Match.string_like_regexp("trustPolicySize")
    return list(assertions.Annotations.from_stack(stack).find_warning("*", said))


def test_what_a_trust_policy_has_room_for_is_not_warned_about(stack: Stack, trust_of: Any) -> None:
    shared_by(stack, 11, TrustScope.INTERPRETER)
    documents, _ = trust_of(stack)

    assert len(json.dumps(documents[0], separators=(",", ":"))) <= 2048
    assert size_warnings(stack) == []


def test_what_a_trust_policy_has_no_room_for_is_warned_about_once(
    stack: Stack, trust_of: Any
) -> None:
    shared_by(stack, 20, TrustScope.INTERPRETER)
    documents, _ = trust_of(stack)

    assert len(json.dumps(documents[0], separators=(",", ":"))) > 2048
    assert len(size_warnings(stack)) == 1


def test_a_role_for_the_account_has_room_for_any_number(stack: Stack) -> None:
    shared_by(stack, 20, TrustScope.ACCOUNT)

    assert size_warnings(stack) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"trusted_arns": "arn:aws:x"}, "trusted_arns must be a list.*got 'arn:aws:x'"),
        ({"trust_scope": "account"}, "trust_scope must be TrustScope.INTER.*got 'account'"),
    ],
)
def test_what_would_be_trusted_by_mistake_is_refused(
    stack: Stack, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=f"Analytics/Role: {message}"):
        ExecutionRole(stack, "Role", **arguments)
