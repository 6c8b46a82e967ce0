"""What MiniStack's IAM says when the service asks: which roles it may assume, and for whom."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from agentcore_local import LocalAws

SERVICE = "bedrock-agentcore.amazonaws.com"
MakeRole = Callable[[dict[str, Any] | None, str], str]


# Interpreters come and go at once, so that nothing has to be waited for.
AT_ONCE = {"create_seconds": 0, "delete_seconds": 0}


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws(behavior=AT_ONCE) as started:
        yield started


@pytest.fixture
def make_role(aws: LocalAws) -> Iterator[MakeRole]:
    """Makes a role that a service may assume under some conditions; removed at the end."""
    iam = aws.client("iam")
    names: list[str] = []

    def make(conditions: dict[str, Any] | None, service: str = SERVICE) -> str:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
            **({"Condition": conditions} if conditions else {}),
        }
        document = {"Version": "2012-10-17", "Statement": [statement]}
        names.append(f"execution-{len(names)}")
        role = iam.create_role(RoleName=names[-1], AssumeRolePolicyDocument=json.dumps(document))
        return str(role["Role"]["Arn"])

    yield make
    for name in names:
        iam.delete_role(RoleName=name)


def create(aws: LocalAws, role: str) -> None:
    """Create an interpreter with the role, and delete it."""
    control = aws.client("bedrock-agentcore-control")
    made = control.create_code_interpreter(
        name="trusted",
        networkConfiguration={"networkMode": "SANDBOX"},
        executionRoleArn=role,
    )
    control.delete_code_interpreter(codeInterpreterId=made["codeInterpreterId"])


def conditions(aws: LocalAws, *, account: str | None = None, name: str = "*") -> dict[str, Any]:
    """The conditions that the service's documentation asks for."""
    account = account or aws.account
    arn = f"arn:aws:bedrock-agentcore:{aws.region}:{aws.account}:code-interpreter-custom/{name}"
    return {
        "StringEquals": {"aws:SourceAccount": account},
        "ArnLike": {"aws:SourceArn": arn},
    }


@pytest.mark.parametrize("name", ["*", "trusted*", "trusted-*"])
def test_a_role_scoped_to_the_interpreter_is_accepted(
    aws: LocalAws, make_role: MakeRole, name: str
) -> None:
    create(aws, make_role(conditions(aws, name=name), SERVICE))


def test_roles_that_the_service_may_not_assume_are_refused(
    aws: LocalAws, make_role: MakeRole
) -> None:
    refused = {
        "another service": make_role(conditions(aws), "lambda.amazonaws.com"),
        "another account": make_role(conditions(aws, account="999999999999"), SERVICE),
        "a sibling": make_role(conditions(aws, name="other*"), SERVICE),
        "no conditions": make_role(None, SERVICE),
        "no such role": f"arn:aws:iam::{aws.account}:role/nobody",
    }

    for reason, role in refused.items():
        with pytest.raises(ClientError) as error:
            create(aws, role)
        assert "role validation failed" in str(error.value), reason


def test_whether_conditions_are_needed_can_be_switched() -> None:
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": SERVICE}, "Action": "sts:AssumeRole"}
        ],
    }
    with LocalAws(behavior={**AT_ONCE, "unconditioned_trust_fails": False}) as aws:
        role = aws.client("iam").create_role(
            RoleName="open", AssumeRolePolicyDocument=json.dumps(document)
        )
        create(aws, role["Role"]["Arn"])
