"""Who may do what on which interpreter, decided by an IAM evaluator that is not ours."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Annotations, Match
from botocore.session import get_session
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from cdk_code_interpreter import CodeInterpreter, SystemCodeInterpreter

ROOT = "arn:aws:bedrock-agentcore:eu-west-1:111122223333:"
CUSTOM = f"{ROOT}code-interpreter-custom/"
SYSTEM = "arn:aws:bedrock-agentcore:eu-west-1:aws:code-interpreter/aws.codeinterpreter.v1"
IMPORTED = f"{CUSTOM}Imported-ABCDEFGHIJ"

# Every operation of the two service models that has to do with code interpreters, and the
# operations on tags: so a new operation makes the table below incomplete, and the test says so.
OPERATIONS = {
    operation
    for service in ("bedrock-agentcore-control", "bedrock-agentcore")
    for operation in get_session().get_service_model(service).operation_names
    if "CodeInterpreter" in operation
    or operation in {"TagResource", "UntagResource", "ListTagsForResource"}
}

# What the service documentation says each task takes.
ALLOWED = {
    "use": {
        "StartCodeInterpreterSession",
        "InvokeCodeInterpreter",
        "StopCodeInterpreterSession",
        "GetCodeInterpreterSession",
        "ListCodeInterpreterSessions",
    },
    "invoke": {"InvokeCodeInterpreter"},
    "read": {"GetCodeInterpreter", "GetCodeInterpreterSession", "ListCodeInterpreterSessions"},
    "janitor": {
        "GetCodeInterpreterSession",
        "ListCodeInterpreterSessions",
        "StopCodeInterpreterSession",
    },
    "manage": {
        "GetCodeInterpreter",
        "DeleteCodeInterpreter",
        "TagResource",
        "UntagResource",
        "ListTagsForResource",
    },
}
# The service authorization reference has no resource for this one on the system interpreter.
CUSTOM_ONLY = {"GetCodeInterpreter"}


def role_in(scope: Stack, construct_id: str) -> iam.Role:
    return iam.Role(scope, construct_id, assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))


def plain(stack: Stack, construct_id: str, **arguments: Any) -> CodeInterpreter:
    return CodeInterpreter(stack, construct_id, drain_on_delete=False, **arguments)


def may(document: Mapping[str, Any], operation: str, arn: str) -> bool:
    context = EvalContext(
        principal_arn="arn:aws:iam::111122223333:role/caller",
        principal_type="AssumedRole",
        principal_account="111122223333",
        action=f"bedrock-agentcore:{operation}",
        resource_arn=arn,
        region="eu-west-1",
    )
    return bool(evaluate(context, [parse_policy_document(document)]).decision == "Allow")


def allowed(document: Mapping[str, Any], arn: str) -> set[str]:
    return {operation for operation in OPERATIONS if may(document, operation, arn)}


@pytest.fixture(scope="module")
def granted(
    new_app: Callable[..., App],
    synthesize: Callable[[Stack], dict[str, Any]],
    deployed: Callable[[Any, Mapping[str, Any]], Any],
) -> tuple[dict[tuple[str, str], dict[str, Any]], dict[str, str]]:
    """For each kind of interpreter and each grant the policy of a role that has just this grant.

    Also the ARNs that the interpreters of the stack have once they are deployed.
    """
    app = new_app()
    stack = Stack(app, "Analytics")
    other = Stack(app, "Agents")
    own = plain(stack, "Sandbox")
    l2 = agentcore.CodeInterpreterCustom(stack, "Plain")
    kinds = {
        "own": (own, stack),
        "drained": (CodeInterpreter(stack, "Drained"), stack),
        "across stacks": (own, other),
        "fixed name": (plain(stack, "Fixed", code_interpreter_name="fixed"), other),
        "l2": (CodeInterpreter.from_l2(l2), other),
        "l2 beside": (CodeInterpreter.from_l2(l2), stack),
        "imported": (CodeInterpreter.from_code_interpreter_arn(stack, "Import", IMPORTED), stack),
        "system": (SystemCodeInterpreter(stack, "System"), stack),
    }
    for kind, (interpreter, place) in kinds.items():
        for name in ALLOWED:
            if (kind, name) != ("system", "manage"):
                getattr(interpreter.grants, name)(role_in(place, f"{name} {kind}"))
    templates = {place: synthesize(place) for place in (stack, other)}
    documents = {
        (kind, name): deployed(_document(templates[place], f"{name} {kind}"), templates[place])
        for kind, (_, place) in kinds.items()
        for name in ALLOWED
        if (kind, name) != ("system", "manage")
    }
    names = {
        logical_id: resource["Properties"]["Name"]
        for logical_id, resource in templates[stack]["Resources"].items()
        if resource["Type"] == "AWS::BedrockAgentCore::CodeInterpreterCustom"
    }
    starts = {"own": "Sandb", "drained": "Drain", "fixed name": "Fixed", "l2": "Plain"}
    arns = {
        kind: next(f"{CUSTOM}{name}-ABCDEFGHIJ" for key, name in names.items() if key[:5] == start)
        for kind, start in starts.items()
    }
    arns |= {
        "across stacks": arns["own"],
        "l2 beside": arns["l2"],
        "imported": IMPORTED,
        "system": SYSTEM,
    }
    return documents, arns


def _document(template: Mapping[str, Any], role_id: str) -> dict[str, Any]:
    start = role_id.replace(" ", "")
    (document,) = [
        resource["Properties"]["PolicyDocument"]
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Policy" and logical_id.startswith(f"{start}DefaultPolicy")
    ]
    return document


KINDS = ["own", "drained", "across stacks", "fixed name", "l2", "l2 beside", "imported", "system"]
TABLE = [(k, name) for k in KINDS for name in ALLOWED if (k, name) != ("system", "manage")]


@pytest.mark.parametrize(("kind", "name"), TABLE)
def test_a_grant_allows_its_actions_on_its_interpreter_and_nothing_anywhere_else(
    kind: str, name: str, granted: Any
) -> None:
    documents, arns = granted
    document = documents[kind, name]
    expected = ALLOWED[name] - (CUSTOM_ONLY if kind == "system" else set())

    assert allowed(document, arns[kind]) == expected
    places = {
        f"{CUSTOM}Sibling-ABCDEFGHIJ",
        f"{CUSTOM}fixedly-ABCDEFGHIJ",
        arns[kind].replace("eu-west-1", "us-east-1"),
        arns[kind].replace("111122223333", "444455556666"),
        f"{ROOT}code-interpreter/*",
        f"{ROOT}runtime/agent-ABCDEFGHIJ",
        "*",
        *arns.values(),
    }
    for elsewhere in places - {arns[kind]}:
        assert allowed(document, elsewhere) == set(), elsewhere


def test_the_table_names_every_operation_of_the_service(granted: Any) -> None:
    assert set.union(*ALLOWED.values()) | {"CreateCodeInterpreter", "ListCodeInterpreters"} == (
        OPERATIONS
    )


def test_a_grant_across_stacks_holds_for_the_next_generation_too(granted: Any) -> None:
    documents, arns = granted
    next_generation = f"{arns['own'].rpartition('_')[0]}_0123abcd-JIHGFEDCBA"

    assert allowed(documents["across stacks", "use"], next_generation) == ALLOWED["use"]


@pytest.mark.parametrize("kind", ["own", "drained", "l2 beside", "imported"])
def test_a_grant_on_one_arn_ends_with_it(kind: str, granted: Any) -> None:
    documents, arns = granted
    next_generation = f"{arns[kind].rpartition('-')[0]}-JIHGFEDCBA"

    assert allowed(documents[kind, "use"], next_generation) == set()


def test_no_grant_names_a_star(granted: Any) -> None:
    documents, _ = granted

    for document in documents.values():
        for statement in document["Statement"]:
            assert "*" not in {statement["Resource"], *statement["Action"]}


def test_a_managed_policy_can_hold_a_grant(stack: Stack, synthesize: Any, resources: Any) -> None:
    role = role_in(stack, "Agent")
    policy = iam.ManagedPolicy(stack, "UseSandbox", roles=[role])
    plain(stack, "Sandbox").grants.use(policy)

    template = synthesize(stack)

    (held,) = resources(template, "AWS::IAM::ManagedPolicy")
    assert set(held["Properties"]["PolicyDocument"]["Statement"][0]["Action"]) == {
        f"bedrock-agentcore:{action}" for action in ALLOWED["use"]
    }
    assert resources(template, "AWS::IAM::Policy") == []


def test_a_function_whose_role_is_of_another_stack_gets_the_pattern_of_all_generations(
    new_app: Any, synthesize: Any, resources: Any, deployed: Any
) -> None:
    app = new_app()
    stack, roles = Stack(app, "Analytics"), Stack(app, "Roles")
    function = lambda_.Function(
        stack,
        "Agent",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(event, context): pass"),
        role=role_in(roles, "AgentRole"),
    )
    plain(stack, "Sandbox").grants.invoke(function)

    template = synthesize(roles)

    (policy,) = resources(template, "AWS::IAM::Policy")
    (statement,) = deployed(policy["Properties"]["PolicyDocument"], template)["Statement"]
    assert statement["Resource"].startswith(f"{CUSTOM}Sandbox_")
    assert statement["Resource"].endswith("_*")


def test_grants_combine_as_those_of_other_constructs_do(stack: Stack) -> None:
    grants = plain(stack, "Sandbox").grants
    role = role_in(stack, "Operator")

    assert grants.read(role).combine(grants.janitor(role)).success


def test_a_grantee_that_cannot_hold_a_policy_is_refused_with_the_way_out(stack: Stack) -> None:
    interpreter = plain(stack, "Sandbox")

    with pytest.raises(ValueError, match=r"Analytics/Sandbox: the grantee AccountPrincipal") as got:
        interpreter.grants.use(iam.AccountPrincipal("444455556666"))

    assert "grant to a role" in str(got.value)


def test_nobody_is_made_manager_of_the_system_interpreter(stack: Stack) -> None:
    system = SystemCodeInterpreter(stack, "System")

    with pytest.raises(ValueError, match=r"Analytics/System: .*interpreter of your own"):
        system.grants.manage(role_in(stack, "Operator"))


@pytest.mark.parametrize("how", ["defined here", "imported"])
def test_a_grantee_of_another_account_is_refused_with_the_way_out(new_app: Any, how: str) -> None:
    app = new_app()
    ours = Stack(app, "Ours", env=Environment(account="111122223333", region="eu-west-1"))
    theirs = Stack(app, "Theirs", env=Environment(account="444455556666", region="eu-west-1"))
    sandbox = CodeInterpreter(ours, "Sandbox")
    role: iam.IRole = (
        iam.Role(theirs, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        if how == "defined here"
        else iam.Role.from_role_arn(ours, "Role", "arn:aws:iam::444455556666:role/agent")
    )
    with pytest.raises(ValueError, match="Ours/Sandbox: the grantee is in account 444455556666"):
        sandbox.grants.use(role)


def test_what_is_no_grantee_is_refused(stack: Stack) -> None:
    with pytest.raises(ValueError, match=r"Sandbox: grantee must be a role.*got 'arn'"):
        CodeInterpreter(stack, "Sandbox").grants.use("arn")  # type: ignore[arg-type]


def test_an_imported_function_whose_role_is_not_known_gets_cdks_own_warning(stack: Stack) -> None:
    arn = "arn:aws:lambda:eu-west-1:111122223333:function:agent"
    agent = lambda_.Function.from_function_arn(stack, "Agent", arn)
    CodeInterpreter(stack, "Sandbox").grants.use(agent)
    said = Match.string_like_regexp("Add statement to this resource's role")
    assert Annotations.from_stack(stack).find_warning("*", said)
