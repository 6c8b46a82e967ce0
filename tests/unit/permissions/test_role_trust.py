"""What is asked of the trust policy of a role that the user supplies."""

from typing import Any

import pytest

from agentcore_local._ministack import service_may_assume
from cdk_code_interpreter.permissions._role_trust import trust_findings

SERVICE = "bedrock-agentcore.amazonaws.com"
ACCOUNT = {"aws:SourceAccount": "111122223333"}
ROOT = "arn:aws:bedrock-agentcore:eu-west-1:111122223333:"
ARN = {"aws:SourceArn": f"{ROOT}*"}
CUSTOM = f"{ROOT}code-interpreter-custom/"
SOURCE: dict[str, Any] = {
    "account": "111122223333",
    "arns": [
        f"{CUSTOM}Sandbox_0123456789_{end}"
        for end in ("01234567-Abcdefghi1", "89abcdef-2jKLMNOPQR")
    ],
}


def trust_problems(document: Any, **source: Any) -> list[str]:
    return trust_findings(document, **source).errors


def document(condition: dict[str, Any] | None = None, **overrides: Any) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": "sts:AssumeRole",
    }
    if condition is not None:
        statement["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [statement | overrides]}


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": ACCOUNT, "ArnLike": ARN},
        {"StringLike": ACCOUNT | ARN},
        {
            "StringLike": {"AWS:sourceaccount": "111122223333"},
            "ArnEquals": {"AWS:sourcearn": "arn:*:bedrock-agentcore:*"},
        },
        {"StringEquals": ACCOUNT, "ArnLike": ARN, "Bool": {"aws:SecureTransport": "true"}},
    ],
)
def test_both_conditions_are_enough_however_they_are_written(condition: dict[str, Any]) -> None:
    assert trust_problems(document(condition), **SOURCE) == []


@pytest.mark.parametrize(
    ("condition", "missing"),
    [
        (None, "aws:SourceAccount and aws:SourceArn"),
        ({"StringEquals": ACCOUNT}, "aws:SourceArn"),
        ({"ArnLike": ARN}, "aws:SourceAccount"),
        ({"StringEqualsIfExists": ACCOUNT, "ArnLike": ARN}, "aws:SourceAccount"),
        ({"StringNotEquals": ACCOUNT, "ArnNotLike": ARN}, "aws:SourceAccount and aws:SourceArn"),
        ({"ForAllValues:StringEquals": ACCOUNT, "ArnLike": ARN}, "aws:SourceAccount"),
        ({"StringEquals": ACCOUNT, "ForAllValues:ArnLike": ARN}, "aws:SourceArn"),
        ({"StringEquals": ACCOUNT, "ArnLikeIfExists": ARN}, "aws:SourceArn"),
        ({"StringEquals": ACCOUNT, "Null": {"aws:SourceArn": "false"}}, "aws:SourceArn"),
        ({"StringEquals": ACCOUNT, "ArnLike": {"aws:SourceArn": "arn:*"}}, "aws:SourceArn"),
        ({"StringEquals": ACCOUNT, "ArnLike": {"aws:SourceArn": "**"}}, "aws:SourceArn"),
        ({"StringEquals": ACCOUNT, "ArnLike": {"aws:SourceArn": "arn:*:*:*:*:*"}}, "aws:SourceArn"),
        (
            {"StringLike": {"aws:SourceAccount": "????????????"}, "ArnLike": ARN},
            "aws:SourceAccount",
        ),
        ({"StringEquals": {"aws:SourceOrgID": "o-1"}, "ArnLike": ARN}, "aws:SourceAccount"),
        ({"StringLike": {"aws:SourceAccount": "*"}, "ArnLike": ARN}, "aws:SourceAccount"),
        ({"StringEquals": ACCOUNT, "ArnLike": {"aws:SourceArn": ["*", ROOT]}}, "aws:SourceArn"),
    ],
)
def test_a_missing_condition_is_named(condition: dict[str, Any] | None, missing: str) -> None:
    (problem,) = trust_problems(document(condition), **SOURCE)

    assert problem == f"trusts {SERVICE} without a condition on {missing}"


@pytest.mark.parametrize(
    "overrides",
    [
        {"Principal": {"Service": "lambda.amazonaws.com"}},
        {"Principal": {"AWS": "arn:aws:iam::111122223333:root"}},
        {"Principal": None},
        {"Effect": "Deny"},
        {"Action": "sts:TagSession"},
    ],
)
def test_a_role_that_the_service_cannot_assume_is_found(overrides: dict[str, Any]) -> None:
    (problem,) = trust_problems(
        document({"StringEquals": ACCOUNT, "ArnLike": ARN}, **overrides), **SOURCE
    )

    assert problem.startswith(f"does not let {SERVICE} assume it")


def test_an_open_statement_beside_a_good_one_is_found_and_named() -> None:
    good = document({"StringEquals": ACCOUNT, "ArnLike": ARN})["Statement"][0]
    services = {"Service": ["lambda.amazonaws.com", SERVICE]}
    bad = {
        "Sid": "Open",
        "Effect": "Allow",
        "Principal": services,
        "Action": ["sts:AssumeRole", "sts:TagSession"],
    }

    (problem,) = trust_problems({"Statement": [good, bad]}, **SOURCE)

    assert problem.endswith("(statement 'Open')")


def test_everybody_includes_the_service() -> None:
    assert trust_problems({"Statement": document(Principal="*")["Statement"][0]}, **SOURCE)


@pytest.mark.parametrize(
    ("account", "operator", "arn"),
    [
        ("111122223333", "ArnLike", f"{CUSTOM}*"),
        ("111122223333", "ArnEquals", f"{CUSTOM}Sandbox*"),
        ("111122223333", "ArnLike", [f"{CUSTOM}Other*", f"{CUSTOM}Sandbox_0123456789_*"]),
        ("111122223333", "StringLike", "arn:aws:bedrock-agentcore:*"),
        ("111122223333", "StringLike", f"{CUSTOM}Sandbox_????????89_*"),
        ("111122223333", "ArnLike", "arn:aws:bedrock-agentcore:us-east-1:111122223333:*"),
        ("111122223333", "ArnLike", "arn:aws:bedrock-agentcore:eu-west-1:999999999999:*"),
        ("111122223333", "ArnLike", "arn:aws:s3:::reports"),
        ("111122223333", "ArnLike", f"{CUSTOM}OwnSandbox*"),
        ("111122223333", "ArnLike", f"{CUSTOM}Sandbox_0123456789"),
        ("111122223333", "ArnLike", f"{CUSTOM}Sandbox_0123456789_????????-??????????"),
        ("111122223333", "StringEquals", f"{CUSTOM}Sandbox_0123456789_*"),
        ("999999999999", "ArnLike", f"{CUSTOM}*"),
    ],
)
def test_a_role_for_other_interpreters_is_found_where_iam_would_refuse_it(
    account: Any, operator: str, arn: Any
) -> None:
    policy = document(
        {"StringEquals": {"aws:SourceAccount": account}, operator: {"aws:SourceArn": arn}}
    )
    context = {**ACCOUNT, "aws:SourceArn": f"{CUSTOM}Sandbox_0123456789_89abcdef-ABCDEFGHIJ"}

    admits = service_may_assume(policy, service=SERVICE, account="111122223333", context=context)

    assert (trust_problems(policy, **SOURCE) == []) is admits


def test_a_role_for_one_replacement_only_is_found() -> None:
    arn = f"{CUSTOM}Sandbox_0123456789_01234567-*"
    policy = document({"StringEquals": ACCOUNT, "ArnLike": {"aws:SourceArn": arn}})

    (problem,) = trust_problems(policy, **SOURCE)

    assert "or a later replacement" in problem


def test_what_a_role_demands_instead_is_named() -> None:
    condition = {"StringEquals": ACCOUNT, "ArnLike": {"aws:SourceArn": f"{CUSTOM}OwnSandbox*"}}

    (problem,) = trust_problems(document(condition), **SOURCE)

    assert f"only where aws:SourceArn is {CUSTOM}OwnSandbox*, which excludes" in problem


@pytest.mark.parametrize(
    "arn",
    [
        {"Ref": "Arn"},
        {"Fn::GetAtt": ["Interpreter", "CodeInterpreterArn"]},
        {"Fn::Join": ["", [CUSTOM, {"Ref": "Prefix"}, "*"]]},
        {
            "Fn::Join": [
                ":",
                ["arn:aws:bedrock-agentcore", {"Ref": "AWS::Region"}, {"Ref": "A"}, "*"],
            ]
        },
    ],
)
def test_what_is_not_known_before_deployment_is_left_to_the_service(arn: Any) -> None:
    condition = {"StringEquals": ACCOUNT, "ArnLike": {"aws:SourceArn": arn}}

    assert trust_problems(document(condition), **SOURCE) == []


def test_what_is_known_is_compared_beside_what_is_not() -> None:
    region = {"Ref": "AWS::Region"}
    arn = {"Fn::Join": ["", ["arn:aws:lambda:", region, ":111122223333:function:*"]]}
    condition = {"StringEquals": ACCOUNT, "ArnLike": {"aws:SourceArn": arn}}

    (problem,) = trust_problems(document(condition), **SOURCE)

    assert "arn:aws:lambda:${AWS::Region}:111122223333:function:*" in problem


@pytest.mark.parametrize(
    ("accounts", "other"),
    [
        (["111122223333", "999988887777"], "999988887777"),
        ("1111*", "111100000000"),
        ("11112222333?", "111122223330"),
        ("999988887777", "999988887777"),
    ],
)
def test_another_account_that_is_admitted_is_named(accounts: Any, other: str) -> None:
    arn = {"aws:SourceArn": "arn:aws:bedrock-agentcore:*:*:*"}
    policy = document({"StringLike": {"aws:SourceAccount": accounts}, "ArnLike": arn})

    problems = trust_problems(policy, **SOURCE)

    assert any(f"on behalf of account {other}" in problem for problem in problems)


@pytest.mark.parametrize(
    "overrides",
    [
        {"Action": "sts:Assume*"},
        {"Action": "*"},
        {"Action": None, "NotAction": "sts:TagSession"},
        {"Principal": None, "NotPrincipal": {"AWS": "arn:aws:iam::999988887777:root"}},
        {"Principal": {"AWS": "*"}},
        {"Principal": "*"},
    ],
)
def test_a_second_statement_without_conditions_is_found(overrides: dict[str, Any]) -> None:
    good = document({"StringEquals": ACCOUNT, "ArnLike": ARN})["Statement"]
    bad = {k: v for k, v in document(**overrides)["Statement"][0].items() if v is not None}

    assert trust_problems({"Statement": [*good, bad]}, **SOURCE)


CLOSED = document({"StringEquals": ACCOUNT, "ArnLike": ARN})["Statement"][0]


@pytest.mark.parametrize(
    ("statements", "word"),
    [
        ([CLOSED, {**document()["Statement"][0], "Effect": "Deny"}], "denies"),
        (
            [
                {
                    **CLOSED,
                    "Condition": {**CLOSED["Condition"], "Bool": {"aws:SecureTransport": "false"}},
                }
            ],
            "aws:SecureTransport is false",
        ),
        (
            [
                {
                    **CLOSED,
                    "Condition": {
                        "StringEquals": {**ACCOUNT, "sts:ExternalId": "abc"},
                        "ArnLike": ARN,
                    },
                }
            ],
            "sts:ExternalId is abc",
        ),
        (
            [
                {
                    **CLOSED,
                    "Condition": {
                        "StringEquals": {**ACCOUNT, "aws:PrincipalOrgID": "o-1"},
                        "ArnLike": ARN,
                    },
                }
            ],
            "aws:PrincipalOrgID is o-1",
        ),
    ],
)
def test_a_role_that_the_service_can_never_assume_is_a_warning(
    statements: list[dict[str, Any]], word: str
) -> None:
    found = trust_findings({"Statement": statements}, **SOURCE)

    assert found.errors == []
    (warning,) = found.warnings
    assert word in warning
    assert "the deployment will fail" in warning


def test_an_open_statement_that_a_deny_closes_is_no_opening() -> None:
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sts:AssumeRole",
        "Condition": {"StringNotEquals": ACCOUNT},
    }
    arn_only = document({"ArnLike": ARN})["Statement"][0]

    assert trust_problems({"Statement": [arn_only, deny]}, **SOURCE) == []


def test_either_choice_of_a_condition_is_judged() -> None:
    policy = document({"Fn::If": ["Strict", CLOSED["Condition"], {"Ref": "AWS::NoValue"}]})

    (problem,) = trust_problems(policy, **SOURCE)

    assert "without a condition on aws:SourceAccount and aws:SourceArn" in problem


@pytest.mark.parametrize("key", ["aws:PrincipalArn", "aws:PrincipalOrgID", "sts:ExternalId"])
def test_a_wildcard_that_a_condition_narrows_is_a_warning(key: str) -> None:
    """It lets some in, and not everyone: whom, the condition says."""
    narrowed = {
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {key: "one"}},
    }

    found = trust_findings({"Statement": [CLOSED, narrowed]}, **SOURCE)

    assert found.errors == []
    (warning,) = found.warnings
    assert "can be assumed by * " in warning
