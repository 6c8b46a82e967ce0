"""Arguments of a wrong kind: refused at once, in the words of whoever wrote them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, Fn, Stack, Token
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from cdk_code_interpreter import (
    AccessRole,
    AlarmThresholds,
    Canary,
    CodeInterpreter,
    CodeInterpreterAlarms,
    CodeInterpreterDashboard,
    ComplianceProfile,
    CredentialPerimeter,
    ExecutionRole,
    GovernedCodeInterpreter,
    LogDelivery,
    NetworkAccess,
    NetworkModeRule,
    ParameterStoreExport,
    PrivateNetwork,
    SessionDrain,
    SessionJanitor,
    SessionManager,
    SessionManagerSettings,
    SessionPolicy,
    SmokeTest,
    SystemCodeInterpreter,
    Threshold,
)
from cdk_code_interpreter._arguments.types import BUCKET, KEY, ROLE, TOPIC, VPC

ROLE_ARN = "arn:aws:iam::111122223333:role/analyst"

Make = Callable[[Stack, Mapping[str, Any]], object]


def of_one(kind: Callable[..., object]) -> Make:
    """Makes a construct that governs an interpreter."""

    def make(stack: Stack, arguments: Mapping[str, Any]) -> object:
        interpreter = arguments.get("interpreter", SystemCodeInterpreter(stack, "System"))
        return kind(stack, "It", **{**arguments, "interpreter": interpreter})

    return make


def interpreter(stack: Stack, arguments: Mapping[str, Any]) -> object:
    return CodeInterpreter(stack, "It", **arguments)


def governed(stack: Stack, arguments: Mapping[str, Any]) -> object:
    return GovernedCodeInterpreter(stack, "It", **arguments)


def policy(stack: Stack, arguments: Mapping[str, Any]) -> object:
    return governed(stack, {"sessions": SessionPolicy(**arguments)})


def settings(stack: Stack, arguments: Mapping[str, Any]) -> object:
    return SessionManager.of(stack, SessionManagerSettings(**arguments))


def network(stack: Stack, arguments: Mapping[str, Any]) -> object:
    return PrivateNetwork(stack, "It", **arguments)


def dashboard(stack: Stack, arguments: Mapping[str, Any]) -> object:
    return CodeInterpreterDashboard(stack, "It", **arguments)


WRONG: list[tuple[Make, dict[str, Any], str]] = [
    (interpreter, {"name_prefix": 5}, "name_prefix must be text, got 5"),
    (interpreter, {"name_revision": "v2"}, "name_revision must be a number, got 'v2'"),
    (interpreter, {"description": 5}, "description must be text, got 5"),
    (interpreter, {"network": "PUBLIC"}, r"network must be NetworkAccess.sandbox\(\).*'PUBLIC'"),
    (interpreter, {"network": NetworkAccess.public}, "got the function public, which was not"),
    (interpreter, {"execution_role": ROLE_ARN}, f"execution_role must be a role.*'{ROLE_ARN}'"),
    (interpreter, {"execution_role": ExecutionRole.none}, "got the function none, which was not"),
    (interpreter, {"certificates": "arn"}, "certificates must be a list.*got 'arn'"),
    (interpreter, {"certificates": ["arn"]}, r"certificates must be .*got \['arn'\]"),
    (interpreter, {"tags": [{"Key": "a"}]}, "tags must be a dictionary of texts"),
    (interpreter, {"tags": {"a": 1}}, "tags must be a dictionary of texts.*'a': 1"),
    (interpreter, {"session_timeout": 900}, "session_timeout must be a Duration.*got 900"),
    (interpreter, {"drain_on_delete": "no"}, "drain_on_delete must be True or False, got 'no'"),
    (interpreter, {"removal_policy": "RETAIN"}, "removal_policy must be .*got 'RETAIN'"),
    (interpreter, {"removal_policy": None}, "removal_policy must be .*got None"),
    (governed, {"profile": "strict"}, "profile must be ComplianceProfile.lean.*got 'strict'"),
    (governed, {"sessions": {"max_age": 5}}, "sessions must be a SessionPolicy"),
    (governed, {"alarm_topic": "arn"}, "alarm_topic must be a topic.*got 'arn'"),
    (governed, {"thresholds": {"throttles": 5}}, "thresholds must be AlarmThresholds"),
    (governed, {"smoke_test_commands": "ls"}, "smoke_test_commands must be a list.*got 'ls'"),
    (policy, {"max_age": 900}, "max_age must be a Duration.*got 900"),
    (policy, {"timeout": 900}, "timeout must be a Duration.*got 900"),
    (policy, {"schedule": None}, "schedule must be a Duration.*got None"),
    (policy, {"max_active": "9"}, "max_active must be a whole number.*got '9'"),
    (policy, {"max_active": 1.5}, "max_active must be a whole number.*got 1.5"),
    (policy, {"max_active": True}, "max_active must be a whole number.*got True"),
    (policy, {"keep_name_prefixes": "debug-"}, "keep_name_prefixes must be a list.*'debug-'"),
    (policy, {"keep_name_prefixes": [1]}, r"keep_name_prefixes must be a list.*\[1\]"),
    (policy, {"enforcement": "ENFORCE"}, "enforcement must be Enforcement.SHADOW or .*'ENFORCE'"),
    (settings, {"memory_size": "256"}, "memory_size must be a whole number, got '256'"),
    (settings, {"requests_per_second": 2.5}, "requests_per_second must be .*got 2.5"),
    (settings, {"vpc": "vpc-1"}, "vpc must be a VPC.*got 'vpc-1'"),
    (of_one(SessionDrain), {"interpreter": "arn"}, "interpreter must be .*from_l2.*got 'arn'"),
    (of_one(SessionDrain), {"on_failure": "BLOCK"}, "on_failure must be .*got 'BLOCK'"),
    (of_one(SessionDrain), {"timeout": 300}, "timeout must be a Duration.*got 300"),
    (of_one(SessionJanitor), {"policy": 5}, "policy must be a SessionPolicy.*got 5"),
    (of_one(Canary), {"commands": "ls"}, "commands must be a list.*got 'ls'"),
    (of_one(Canary), {"schedule": 15}, "schedule must be a Duration.*got 15"),
    (of_one(SmokeTest), {"commands": [1]}, r"commands must be a list.*got \[1\]"),
    (of_one(SmokeTest), {"revision": 5}, "revision must be text, got 5"),
    (of_one(LogDelivery), {"encryption_key": "arn"}, "encryption_key must be a key.*got 'arn'"),
    (of_one(LogDelivery), {"bucket": "b"}, "bucket must be a bucket.*got 'b'"),
    (of_one(LogDelivery), {"retention": 30}, "retention must be one of logs.Ret.*got 30"),
    (of_one(CodeInterpreterAlarms), {"actions": "arn"}, "actions must be a list.*got 'arn'"),
    (of_one(CodeInterpreterAlarms), {"actions": ["arn"]}, r"actions must be .*got \['arn'\]"),
    (of_one(CodeInterpreterAlarms), {"janitor": "x"}, "janitor must be a SessionJanitor"),
    (of_one(CodeInterpreterAlarms), {"canary": "x"}, "canary must be a Canary, got 'x'"),
    (dashboard, {"interpreters": ["x"]}, r"interpreters must be a list.*got \['x'\]"),
    (dashboard, {"alarms": "x"}, "alarms must be a list, each a CodeInterpreterAlarms, got 'x'"),
    (network, {"allowed_buckets": ["b"]}, r"allowed_buckets must be a list.*got \['b'\]"),
    (network, {"session_endpoints": ["sts"]}, "session_endpoints must be a list.*'sts'"),
    (network, {"max_azs": "2"}, "max_azs must be a whole number, got '2'"),
    (governed, {"canary": "no"}, "canary must be True or False, got 'no'"),
    (settings, {"dead_letters": "no"}, "dead_letters must be True or False, got 'no'"),
]


@pytest.mark.parametrize(("make", "arguments", "message"), WRONG)
def test_a_wrong_kind_is_refused_with_construct_argument_and_value(
    stack: Stack, make: Make, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=rf"^Analytics/\w+: .*{message}"):
        make(stack, arguments)


def _subject(stack: Stack) -> CodeInterpreter:
    return CodeInterpreter(stack, "Subject")


def _role(stack: Stack) -> iam.Role:
    return iam.Role(stack, "Role", assumed_by=iam.AccountRootPrincipal())


# What each must have, beside a scope and an id.
CONSTRUCTS: dict[Callable[..., object], Callable[[Stack], dict[str, Any]]] = {
    AccessRole: lambda stack: {
        "grants": _subject(stack).grants,
        "trusted": ["111122223333"],
        "external_id": "abcdef",
    },
    Canary: lambda stack: {"interpreter": _subject(stack)},
    CodeInterpreter: lambda _: {},
    CodeInterpreterAlarms: lambda stack: {"interpreter": _subject(stack)},
    CodeInterpreterDashboard: lambda _: {},
    CredentialPerimeter: lambda stack: {"role": _role(stack), "vpc": ec2.Vpc(stack, "Vpc")},
    ExecutionRole: lambda _: {},
    GovernedCodeInterpreter: lambda _: {},
    LogDelivery: lambda stack: {"interpreter": _subject(stack)},
    NetworkModeRule: lambda _: {},
    ParameterStoreExport: lambda stack: {"interpreter": _subject(stack), "path": "/analytics"},
    PrivateNetwork: lambda _: {},
    SessionDrain: lambda stack: {"interpreter": _subject(stack)},
    SessionJanitor: lambda stack: {"interpreter": _subject(stack)},
    SmokeTest: lambda stack: {"interpreter": _subject(stack)},
    SystemCodeInterpreter: lambda _: {},
}
OPTIONS: dict[Callable[..., object], Callable[[Stack, Any], object]] = {
    SessionManagerSettings: SessionManager.of,
    SessionPolicy: lambda stack, policy: governed(stack, {"sessions": policy}),
}


def arguments_of(kind: Callable[..., object]) -> list[str]:
    # A class of jsii's is called through its metaclass, which takes anything.
    made = kind.__init__ if isinstance(kind, type) else kind  # type: ignore[misc]
    parameters = inspect.signature(made).parameters.values()
    return [each.name for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY]


@pytest.mark.parametrize(
    ("kind", "argument"),
    [(kind, argument) for kind in CONSTRUCTS for argument in arguments_of(kind)],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_no_construct_takes_what_is_of_no_kind_at_all(
    stack: Stack, kind: Callable[..., object], argument: str
) -> None:
    """Every argument there is, so that a new one is not forgotten."""
    arguments = CONSTRUCTS[kind](stack)
    with pytest.raises(ValueError, match=rf"^Analytics/It\b.*{argument} must be .*got a object"):
        kind(stack, "It", **{**arguments, argument: object()})


@pytest.mark.parametrize(
    ("kind", "argument"),
    [(kind, argument) for kind in OPTIONS for argument in arguments_of(kind)],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_no_option_takes_what_is_of_no_kind_at_all(
    stack: Stack, kind: Callable[..., object], argument: str
) -> None:
    with pytest.raises(ValueError, match=rf"^Analytics/.*{argument} must be .*got a object"):
        OPTIONS[kind](stack, kind(**{argument: object()}))


@pytest.mark.parametrize("argument", arguments_of(NetworkAccess.vpc))
def test_no_network_takes_what_is_of_no_kind_at_all(stack: Stack, argument: str) -> None:
    with pytest.raises(ValueError, match=rf"NetworkAccess.vpc: {argument} must be .*got a object"):
        NetworkAccess.vpc(ec2.Vpc(stack, "Vpc"), **{argument: object()})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "argument", [each for each in arguments_of(ComplianceProfile.strict) if "concurr" not in each]
)
def test_no_profile_takes_what_is_of_no_kind_at_all(stack: Stack, argument: str) -> None:
    given = {"vpc": ec2.Vpc(stack, "Vpc"), "key": kms.Key(stack, "Key"), argument: object()}
    with pytest.raises(ValueError, match=rf"strict: {argument} must be .*got a object"):
        ComplianceProfile.strict(**given)  # type: ignore[arg-type]


def test_all_wrong_kinds_of_one_construct_are_said_at_once(stack: Stack) -> None:
    arguments: dict[str, Any] = {"description": 5, "network": "PUBLIC"}
    with pytest.raises(ValueError, match="2 arguments are wrong") as error:
        interpreter(stack, arguments)

    assert "description must be" in str(error.value)
    assert "network must be" in str(error.value)


@pytest.mark.parametrize("kind", [SessionDrain, SessionJanitor, Canary, SmokeTest, LogDelivery])
def test_an_l2_is_refused_with_the_way_to_take_it(stack: Stack, kind: Any) -> None:
    l2 = agentcore.CodeInterpreterCustom(stack, "Plain")
    with pytest.raises(ValueError, match=r"from_l2\(l2\).*got a CodeInterpreterCustom"):
        kind(stack, "It", interpreter=l2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: NetworkAccess.vpc("vpc-1"), "NetworkAccess.vpc: vpc must be a VPC.*'vpc-1'"),  # type: ignore[arg-type]
        (lambda: ComplianceProfile.strict(vpc=None, key=None), "vpc must be .*; key must be a key"),  # type: ignore[arg-type]
        (lambda: AlarmThresholds(throttles=Threshold(5, period=60)), "throttles must have a Dur"),  # type: ignore[arg-type]
        (lambda: AlarmThresholds(throttles=Threshold(5, evaluation_periods=1.5)), "whole numbers"),  # type: ignore[arg-type]
    ],
)
def test_what_has_no_construct_yet_names_itself(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_private_network_in_place_of_its_vpc_is_refused_with_what_to_pass(stack: Stack) -> None:
    with pytest.raises(ValueError, match=r"pass its network_access\(\)\), got a PrivateNetwork"):
        NetworkAccess.vpc(PrivateNetwork(stack, "Network"))  # type: ignore[arg-type]


def test_only_an_l2_is_taken_for_one(stack: Stack) -> None:
    ours = CodeInterpreter(stack, "Sandbox")
    for wrong in (ours, ours.resource.node.default_child, "arn"):
        with pytest.raises(ValueError, match=r"CodeInterpreter.from_l2: l2 must be an L2"):
            CodeInterpreter.from_l2(wrong)  # type: ignore[arg-type]


def test_the_session_timeout_of_an_l2_is_checked(stack: Stack) -> None:
    l2 = agentcore.CodeInterpreterCustom(stack, "Plain")
    with pytest.raises(ValueError, match=r"Analytics/Plain: session_timeout must be .*32400"):
        CodeInterpreter.from_l2(l2, session_timeout=Duration.hours(9))


def test_what_is_imported_is_of_the_kind_that_it_stands_for(stack: Stack) -> None:
    """Imports are jsii's proxies, of one interface or of several."""
    key_arn = "arn:aws:kms:eu-west-1:111122223333:key/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
    topic_arn = "arn:aws:sns:eu-west-1:111122223333:topic"
    assert KEY.accepts(kms.Key.from_key_arn(stack, "Key", key_arn))
    assert BUCKET.accepts(s3.Bucket.from_bucket_name(stack, "Bucket", "bucket"))
    assert ROLE.accepts(iam.Role.from_role_arn(stack, "Role", ROLE_ARN))
    assert ROLE.accepts(iam.Role.from_role_name(stack, "Named", "analyst"))
    assert TOPIC.accepts(sns.Topic.from_topic_arn(stack, "Topic", topic_arn))
    assert VPC.accepts(
        ec2.Vpc.from_vpc_attributes(stack, "Vpc", vpc_id="vpc-1", availability_zones=["a"])
    )


def number_token() -> float:
    return Token.as_number(Fn.ref("Parameter"))


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"max_age": Duration.seconds(number_token())}, "max_age"),
        ({"schedule": Duration.minutes(number_token())}, "schedule"),
        ({"max_active": number_token()}, "max_active"),
        ({"max_active": int(number_token())}, "max_active"),
        ({"keep_name_prefixes": Token.as_list(Fn.ref("Parameter"))}, "keep_name_prefixes"),
    ],
)
def test_what_is_written_into_a_plan_cannot_be_known_later(
    stack: Stack, arguments: dict[str, Any], argument: str
) -> None:
    with pytest.raises(ValueError, match=rf"It: {argument} .*(synthesized|deployment)"):
        policy(stack, arguments)


@pytest.mark.parametrize("argument", ["memory_size", "requests_per_second"])
@pytest.mark.parametrize("to_number", [float, int])
def test_a_number_that_is_known_later_is_not_shown_as_one(
    stack: Stack, argument: str, to_number: Callable[[float], float]
) -> None:
    """CDK writes it as a number that nobody would know again."""
    later = "got a number that only the deployment knows$"
    with pytest.raises(ValueError, match=f"{argument} must be a whole number, {later}"):
        settings(stack, {argument: to_number(number_token())})


def test_a_list_that_is_known_later_takes_no_more_items(
    stack: Stack, synthesize: Any, resources: Any
) -> None:
    """CDK says so at synthesis only, and not where they came from."""
    CfnParameter(stack, "Commands", type="CommaDelimitedList")
    later = Token.as_list(Fn.ref("Commands"))
    with pytest.raises(ValueError, match=r"More: commands must be .*knows together with other it"):
        SmokeTest(stack, "More", interpreter=_subject(stack), commands=[*later, "ls"])

    of_one(SmokeTest)(stack, {"commands": later})
    (test,) = resources(synthesize(stack), "Custom::CodeInterpreterSmokeTest")
    assert test["Properties"]["Commands"] == {"Ref": "Commands"}


def test_a_role_cannot_add_its_interpreters_to_a_list_that_is_known_later(stack: Stack) -> None:
    with pytest.raises(ValueError, match=r"It: trusted_arns must be .*not a list that only"):
        ExecutionRole(stack, "It", trusted_arns=Token.as_list(Fn.ref("Parameter")))


def test_a_role_trusts_only_what_is_text(stack: Stack) -> None:
    role = ExecutionRole(stack, "It")
    with pytest.raises(ValueError, match="Analytics/It: trusted_arn must be text, got 5"):
        role.trust_interpreter(5)  # type: ignore[arg-type]


def test_what_callers_should_ask_for_can_be_known_later(stack: Stack) -> None:
    made = governed(stack, {"sessions": SessionPolicy(timeout=Duration.seconds(number_token()))})
    assert isinstance(made, GovernedCodeInterpreter)
    seconds = made.environment["CODE_INTERPRETER_SESSION_TIMEOUT_SECONDS"]
    assert stack.resolve(seconds) == {"Ref": "Parameter"}


def test_what_callers_should_ask_for_is_in_seconds_where_it_can_be_known_later(
    stack: Stack,
) -> None:
    """CloudFormation cannot multiply."""
    with pytest.raises(ValueError, match=r"It: session_timeout must be in seconds .*got minutes"):
        interpreter(stack, {"session_timeout": Duration.minutes(number_token())})


def test_commands_of_a_canary_cannot_be_a_list_that_is_known_later(stack: Stack) -> None:
    arguments = {"commands": Token.as_list(Fn.ref("Parameter"))}
    with pytest.raises(
        ValueError, match=r"It: commands must be a list, .* not a list that only the deploy"
    ):
        of_one(Canary)(stack, arguments)


@pytest.mark.parametrize(
    "kind", [SessionDrain, Canary], ids=["the drain's timeout", "the canary's schedule"]
)
def test_a_token_for_a_time_that_must_be_known_is_refused(stack: Stack, kind: Any) -> None:
    argument = "timeout" if kind is SessionDrain else "schedule"
    plain = CodeInterpreter(stack, "Sandbox", drain_on_delete=False)
    arguments = {argument: Duration.minutes(number_token())}
    with pytest.raises(ValueError, match=f"It: {argument} must be known when"):
        kind(stack, "It", interpreter=plain, **arguments)


def test_a_time_that_is_not_whole_seconds_is_refused_in_these_words(stack: Stack) -> None:
    plain = CodeInterpreter(stack, "Sandbox", drain_on_delete=False)
    with pytest.raises(ValueError, match=r"It: timeout must be 60 to 840 whole .*, got 90.5"):
        SessionDrain(stack, "It", interpreter=plain, timeout=Duration.millis(90_500))
