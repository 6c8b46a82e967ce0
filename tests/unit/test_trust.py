"""What is asked of the trust policy of a role that the user supplies."""

from typing import Any

import pytest

from cdk_code_interpreter._trust import trust_problems

SERVICE = "bedrock-agentcore.amazonaws.com"
ACCOUNT = {"aws:SourceAccount": "111122223333"}
ARN = {"aws:SourceArn": "arn:aws:bedrock-agentcore:eu-west-1:111122223333:*"}


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
        {"StringEquals": ACCOUNT | ARN},
        {"StringLike": {"AWS:sourceaccount": "1111*"}, "ArnEquals": {"AWS:sourcearn": "arn:*"}},
        {"StringEquals": ACCOUNT, "ArnLike": ARN, "Bool": {"aws:SecureTransport": "true"}},
    ],
)
def test_both_conditions_are_enough_however_they_are_written(condition: dict[str, Any]) -> None:
    assert trust_problems(document(condition)) == []


@pytest.mark.parametrize(
    ("condition", "missing"),
    [
        (None, "aws:SourceAccount and aws:SourceArn"),
        ({"StringEquals": ACCOUNT}, "aws:SourceArn"),
        ({"ArnLike": ARN}, "aws:SourceAccount"),
        ({"StringEqualsIfExists": ACCOUNT, "ArnLike": ARN}, "aws:SourceAccount"),
        ({"StringNotEquals": ACCOUNT, "ArnNotLike": ARN}, "aws:SourceAccount and aws:SourceArn"),
        ({"StringEquals": {"aws:PrincipalAccount": "1"}, "ArnLike": ARN}, "aws:SourceAccount"),
    ],
)
def test_a_missing_condition_is_named(condition: dict[str, Any] | None, missing: str) -> None:
    (problem,) = trust_problems(document(condition))

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
    (problem,) = trust_problems(document({"StringEquals": ACCOUNT, "ArnLike": ARN}, **overrides))

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

    (problem,) = trust_problems({"Statement": [good, bad]})

    assert problem.endswith("(statement 'Open')")


def test_everybody_includes_the_service() -> None:
    assert trust_problems({"Statement": document(Principal="*")["Statement"][0]})
