"""The trust decision, compared with an evaluator that nobody here wrote."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from ministack.core import iam_evaluator

from cdk_code_interpreter._documents.trust import SERVICE_PRINCIPAL, judge_trust

OWN, OTHER = "111122223333", "999988887777"
NAME = "Sandbox_0123456789"
CUSTOM = f"arn:aws:bedrock-agentcore:eu-west-1:{OWN}:code-interpreter-custom/"
ARNS = [f"{CUSTOM}{NAME}_{end}" for end in ("01234567-Abcdefghi1", "89abcdef-2jKLMNOPQR")]

accounts = st.sampled_from([OWN, OTHER, "1111*", "*", "11112222333?", "?" * 12, "999988*"])
arns = st.sampled_from(
    [
        "*",
        "arn:*",
        "arn:aws:bedrock-agentcore:*",
        "arn:aws:bedrock-agentcore:*:*:*",
        f"arn:aws:bedrock-agentcore:eu-west-1:{OWN}:*",
        f"arn:aws:bedrock-agentcore:eu-west-1:{OTHER}:*",
        f"{CUSTOM}{NAME}_*",
        f"{CUSTOM}{NAME}_01234567-*",
        f"{CUSTOM}Other*",
        ARNS[0],
    ]
)
positive = ["StringEquals", "StringLike", "StringEqualsIgnoreCase", "ArnLike", "ArnEquals"]
negative = ["StringNotEquals", "StringNotLike", "ArnNotLike", "ArnNotEquals"]
operators = st.builds(
    lambda prefix, name, suffix: prefix + name + suffix,
    st.sampled_from(["", "", "", "ForAllValues:", "ForAnyValue:"]),
    st.sampled_from(positive + negative),
    st.sampled_from(["", "", "IfExists"]),
)


@st.composite
def conditions(draw: Any) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    for _ in range(draw(st.integers(0, 3))):
        key = draw(st.sampled_from(["aws:SourceAccount", "aws:SourceArn", "AWS:sourcearn"]))
        values = draw(
            st.lists(accounts if "Account" in key else arns, min_size=1, max_size=2, unique=True)
        )
        found.setdefault(draw(operators), {})[key] = values if len(values) > 1 else values[0]
    if draw(st.booleans()) and draw(st.booleans()):
        found["Null"] = {"aws:SourceArn": draw(st.sampled_from(["true", "false"]))}
    if draw(st.booleans()) and draw(st.booleans()):
        found.setdefault("StringEquals", {})["sts:ExternalId"] = "abc"
    return found


@st.composite
def statements(draw: Any) -> dict[str, Any]:
    actions = st.sampled_from(
        ["sts:AssumeRole", "sts:*", "sts:Assume*", "*", ["sts:TagSession", "sts:AssumeRole"]]
    )
    statement: dict[str, Any] = {
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Allow", "Deny"])),
        "Principal": {"Service": SERVICE_PRINCIPAL},
    }
    if draw(st.integers(0, 5)):
        statement["Action"] = draw(actions)
    else:
        statement["NotAction"] = draw(st.sampled_from(["sts:TagSession", "sts:AssumeRole"]))
    if condition := draw(conditions()):
        statement["Condition"] = condition
    return statement


documents = st.builds(
    lambda each: {"Statement": each}, st.lists(statements(), min_size=1, max_size=3)
)


def admits(document: dict[str, Any], account: str | None, arn: str | None) -> bool:
    """Return what MiniStack's evaluator says of one request of the service."""
    context = {"aws:sourceaccount": account, "aws:sourcearn": arn}
    request = iam_evaluator.EvalContext(
        principal_arn=SERVICE_PRINCIPAL,
        principal_type="AWSService",
        principal_account="",
        action="sts:AssumeRole",
        resource_arn="*",
        region="eu-west-1",
        secure_transport=True,
        service_context={key: value for key, value in context.items() if value is not None},
    )
    # MiniStack lets every service principal through; here there is only one.
    body = [{**each, "Principal": "*"} for each in document["Statement"]]
    return iam_evaluator.evaluate_trust_policy({"Statement": body}, SERVICE_PRINCIPAL, request)


@settings(max_examples=600)
@given(documents)
def test_the_interpreter_is_let_in_where_the_evaluator_lets_it_in(document: dict[str, Any]) -> None:
    (verdict,) = judge_trust(document, account=OWN, arns=ARNS)

    assert verdict.lets_the_interpreter_in is all(admits(document, OWN, arn) for arn in ARNS)


FOREIGN = [
    (OTHER, ARNS[0]),
    (OTHER, f"arn:aws:bedrock-agentcore:eu-west-1:{OTHER}:code-interpreter-custom/x-0123456789"),
    ("111100000000", ARNS[0]),
    ("123456789012", ARNS[1]),
    (None, ARNS[0]),
    (OWN, None),
    (OWN, "arn:aws:s3:::somebody"),
]


@settings(max_examples=600)
@given(documents)
def test_nobody_else_is_let_in_by_a_policy_that_is_found_closed(document: dict[str, Any]) -> None:
    (verdict,) = judge_trust(document, account=OWN, arns=ARNS)
    entering = [each for each in FOREIGN if admits(document, *each)]

    if not verdict.openings:
        assert entering == []


@settings(max_examples=300)
@given(documents)
def test_an_opening_is_one_that_the_evaluator_finds_too(document: dict[str, Any]) -> None:
    (verdict,) = judge_trust(document, account=OWN, arns=ARNS)
    tried = [OWN, OTHER, "111100000000", "111199999999", "111122223330", "111122223339", None]
    tried += ["123456789012", "999988000000", "999988999999"]
    sources = [*ARNS, None, "arn:aws:s3:::x", "arn:aws-cn:s3:::x", *(a for _, a in FOREIGN)]
    sources += [f"{CUSTOM}Other", f"{CUSTOM}{NAME}_x", "arn:aws:bedrock-agentcore:x:x:x"]
    sources += [f"arn:aws:bedrock-agentcore:eu-west-1:{OWN}:x", f"{CUSTOM}{NAME}_01234567-x"]
    is_open = any(
        admits(document, account, arn)
        for account in tried
        for arn in sources
        if account != OWN or arn is None or ":bedrock-agentcore:" not in arn
    )

    assert bool(verdict.openings) is is_open


def test_an_account_that_only_the_deployment_knows_is_taken_for_the_right_one() -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": SERVICE_PRINCIPAL},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": {"Ref": "Account"}},
            "ArnLike": {"aws:SourceArn": f"{CUSTOM}{NAME}_*"},
        },
    }
    (verdict,) = judge_trust({"Statement": statement}, account=OWN, arns=ARNS)

    assert verdict.openings == ()
    assert verdict.lets_the_interpreter_in is None
