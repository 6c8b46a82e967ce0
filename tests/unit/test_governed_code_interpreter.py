"""Everything in one call, each part switchable."""

import dataclasses
import inspect
from typing import Any

import pytest
from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns

from cdk_code_interpreter import (
    CodeInterpreter,
    ComplianceProfile,
    GovernedCodeInterpreter,
    ICodeInterpreter,
    SessionManager,
    SessionManagerSettings,
    SessionPolicy,
)
from cdk_code_interpreter.observability._alarm_topic import alarm_topic_of

INTERPRETER = "AWS::BedrockAgentCore::CodeInterpreterCustom"
# What each switch takes away.
PARTS = {
    "drain": "Custom::CodeInterpreterSessionDrain",
    "janitor": "AWS::Scheduler::Schedule",
    "smoke_test": "Custom::CodeInterpreterSmokeTest",
    "usage_logs": "AWS::Logs::Delivery",
    "alarms": "AWS::CloudWatch::Alarm",
    "dashboard": "AWS::CloudWatch::Dashboard",
}


def types(template: dict[str, Any]) -> set[str]:
    return {resource["Type"] for resource in template["Resources"].values()}


def test_one_call_has_every_part(stack: Stack, synthesize: Any) -> None:
    GovernedCodeInterpreter(stack, "Sandbox")
    assert {INTERPRETER, *PARTS.values()} <= types(synthesize(stack))


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_switched_off_is_not_there(part: str, stack: Stack, synthesize: Any) -> None:
    GovernedCodeInterpreter(stack, "Sandbox", **{part: False})
    found = types(synthesize(stack))
    assert PARTS[part] not in found
    assert {INTERPRETER, *PARTS.values()} - found == {PARTS[part]}


def test_with_every_part_switched_off_the_interpreter_is_left(
    stack: Stack, synthesize: Any
) -> None:
    GovernedCodeInterpreter(stack, "Sandbox", **dict.fromkeys(PARTS, False))
    assert types(synthesize(stack)) == {INTERPRETER, "AWS::IAM::Role"}


def test_a_canary_and_more_logs_come_when_asked_for(
    stack: Stack, synthesize: Any, resources: Any
) -> None:
    GovernedCodeInterpreter(stack, "Sandbox", canary=True, application_logs=True, traces=True)
    template = synthesize(stack)
    sources = resources(template, "AWS::Logs::DeliverySource")
    kinds = {each["Properties"]["LogType"] for each in sources}
    assert kinds == {"USAGE_LOGS", "APPLICATION_LOGS", "TRACES"}
    assert len(resources(template, "AWS::Scheduler::Schedule")) == 2


def test_traces_alone_need_no_log_group(stack: Stack, synthesize: Any, resources: Any) -> None:
    GovernedCodeInterpreter(stack, "Sandbox", usage_logs=False, traces=True)
    (source,) = resources(synthesize(stack), "AWS::Logs::DeliverySource")
    assert source["Properties"]["LogType"] == "TRACES"


def test_it_is_an_interpreter_itself(stack: Stack) -> None:
    governed = GovernedCodeInterpreter(stack, "Sandbox")
    inner = governed.interpreter
    assert isinstance(governed, ICodeInterpreter)
    names = [
        name
        for name, member in inspect.getmembers(ICodeInterpreter)
        if isinstance(member, property) and getattr(member.fget, "__isabstractmethod__", False)
    ]
    assert len(names) > 8
    # It stands in another place of the tree and is in no VPC; durations are equal to nothing.
    for name in set(names) - {"node", "connections", "session_timeout"}:
        assert getattr(governed, name) == getattr(inner, name), name
    assert governed.session_timeout.to_seconds() == inner.session_timeout.to_seconds()
    assert governed.environment == inner.environment


def test_a_caller_can_be_granted_its_use(stack: Stack, synthesize: Any, resources: Any) -> None:
    governed = GovernedCodeInterpreter(stack, "Sandbox")
    agent = lambda_.Function(
        stack,
        "Agent",
        runtime=lambda_.Runtime.PYTHON_3_14,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(event, context): pass"),
    )
    assert governed.grants.use(agent).success
    (policy,) = resources(synthesize(stack), "AWS::IAM::Policy")
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    # The drain's answer: the agent is deleted before the drain runs.
    assert "Drain" in statement["Resource"]["Fn::GetAtt"][0]


def test_its_name_begins_with_its_own_id(stack: Stack, synthesize: Any, resources: Any) -> None:
    GovernedCodeInterpreter(stack, "Sandbox")
    GovernedCodeInterpreter(stack, "Prefixed", name_prefix="analytics")
    found = [each["Properties"]["Name"] for each in resources(synthesize(stack), INTERPRETER)]
    assert [name.rsplit("_", 2)[0] for name in found] == ["Sandbox", "analytics"]


def test_a_policy_for_sessions_reaches_callers_and_the_janitor(
    stack: Stack, synthesize: Any, resources: Any
) -> None:
    policy = SessionPolicy(timeout=Duration.minutes(10), max_age=Duration.minutes(20))
    governed = GovernedCodeInterpreter(stack, "Sandbox", sessions=policy)
    assert governed.environment["CODE_INTERPRETER_SESSION_TIMEOUT_SECONDS"] == "600"
    (schedule,) = resources(synthesize(stack), "AWS::Scheduler::Schedule")
    written = "".join(
        str(part) for part in schedule["Properties"]["Target"]["Input"]["Fn::Join"][1]
    )
    assert '"max_age_seconds": 1200' in written


def test_without_a_topic_the_stack_has_one_for_all_interpreters(
    stack: Stack, synthesize: Any, resources: Any
) -> None:
    first = GovernedCodeInterpreter(stack, "First")
    second = GovernedCodeInterpreter(stack, "Second")
    assert first.alarm_topic is second.alarm_topic
    template = synthesize(stack)
    assert len(resources(template, "AWS::SNS::Topic")) == 1
    assert all(each["Properties"]["AlarmActions"] for each in resources(template, PARTS["alarms"]))


def test_a_given_topic_is_used(stack: Stack, synthesize: Any, resources: Any) -> None:
    topic = sns.Topic(stack, "Mine")
    governed = GovernedCodeInterpreter(stack, "Sandbox", alarm_topic=topic)
    assert governed.alarm_topic is topic
    template = synthesize(stack)
    (name,) = (n for n, r in template["Resources"].items() if r["Type"] == "AWS::SNS::Topic")
    for alarm in resources(template, PARTS["alarms"]):
        assert alarm["Properties"]["AlarmActions"] == [{"Ref": name}]


def test_a_second_key_for_the_stacks_topic_is_refused(stack: Stack) -> None:
    alarm_topic_of(stack, kms.Key(stack, "First"))
    with pytest.raises(ValueError, match="has another key; use one profile"):
        alarm_topic_of(stack, kms.Key(stack, "Second"))


def test_a_retained_interpreter_is_not_drained(stack: Stack, synthesize: Any) -> None:
    GovernedCodeInterpreter(stack, "Sandbox", removal_policy=RemovalPolicy.RETAIN)
    template = synthesize(stack)
    assert PARTS["drain"] not in types(template)


def test_logs_outlive_the_stack_when_asked_to(
    stack: Stack, synthesize: Any, resources: Any
) -> None:
    profile = ComplianceProfile.lean(log_removal_policy=RemovalPolicy.RETAIN)
    GovernedCodeInterpreter(stack, "Sandbox", profile=profile)
    groups = resources(synthesize(stack), "AWS::Logs::LogGroup")
    assert len(groups) > 3
    assert all(group["DeletionPolicy"] == "Retain" for group in groups)


def test_an_argument_out_of_range_is_refused_with_its_own_path(stack: Stack) -> None:
    with pytest.raises(ValueError, match="Analytics/Sandbox: max_active must be at least 1"):
        GovernedCodeInterpreter(stack, "Sandbox", sessions=SessionPolicy(max_active=0))


def test_bucket_grants_go_to_the_execution_role(
    stack: Stack, synthesize: Any, resources: Any
) -> None:
    from aws_cdk import aws_s3 as s3

    governed = GovernedCodeInterpreter(stack, "Sandbox")
    s3.Bucket.from_bucket_name(stack, "Data", "data").grant_read(governed)
    policies = resources(synthesize(stack), "AWS::IAM::Policy")
    assert any("ServiceRole" in str(policy["Properties"]["Roles"]) for policy in policies)


def test_nothing_is_copied_from_the_interpreters_own_arguments() -> None:
    own = inspect.signature(CodeInterpreter.__init__).parameters
    governed = inspect.signature(GovernedCodeInterpreter.__init__).parameters
    # A fixed name collides when the interpreter is replaced; the timeout is part of `sessions`.
    renamed = {"code_interpreter_name", "session_timeout", "drain_on_delete"}
    assert set(own) - set(governed) == renamed


def test_settings_that_were_said_before_hold_for_a_default_one(
    stack: Stack, synthesize: Any, resources: Any
) -> None:
    SessionManager.of(stack, SessionManagerSettings(memory_size=512))
    GovernedCodeInterpreter(stack, "First")
    GovernedCodeInterpreter(stack, "Second")
    functions = resources(synthesize(stack), "AWS::Lambda::Function")
    assert {each["Properties"]["MemorySize"] for each in functions} == {512}


def test_a_profile_that_is_given_must_agree_with_what_was_said_before(stack: Stack) -> None:
    settings = SessionManagerSettings(memory_size=512)
    SessionManager.of(stack, settings)
    with pytest.raises(ValueError, match=r"memory_size.*dataclasses\.replace"):
        GovernedCodeInterpreter(stack, "First", profile=ComplianceProfile.lean())
    profile = dataclasses.replace(ComplianceProfile.lean(), session_settings=settings)
    GovernedCodeInterpreter(stack, "Second", profile=profile)


def test_a_default_one_after_one_with_another_profile_is_refused(stack: Stack) -> None:
    profile = ComplianceProfile.lean(log_removal_policy=RemovalPolicy.RETAIN)
    GovernedCodeInterpreter(stack, "First", profile=profile)
    with pytest.raises(ValueError, match="log_removal_policy"):
        GovernedCodeInterpreter(stack, "Second")


def test_a_lean_one_goes_with_a_plain_one_in_either_order(new_app):
    for order in (
        (CodeInterpreter, GovernedCodeInterpreter),
        (GovernedCodeInterpreter, CodeInterpreter),
    ):
        stack = Stack(new_app(), "Analytics")
        for number, kind in enumerate(order):
            kind(stack, f"Sandbox{number}")
