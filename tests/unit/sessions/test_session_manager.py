"""The functions that a stack's drains, janitors and canaries share, and their options."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
from aws_cdk import App, NestedStack, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Annotations, Match
from constructs import Construct

from cdk_code_interpreter import (
    Canary,
    CodeInterpreter,
    SessionJanitor,
    SessionManager,
    SessionManagerSettings,
    SmokeTest,
)
from cdk_code_interpreter.sessions._task_function import TaskFunction

FUNCTION = "AWS::Lambda::Function"
TASKS = ("Drain", "Janitor", "Canary")


class Group:
    """Enough of a security group for a check."""

    security_group_id = "sg-1"


class Queue:
    """Enough of a queue for a check."""

    queue_arn = "arn"


def use_everything(stack: Stack) -> CodeInterpreter:
    interpreter = CodeInterpreter(stack, "Sandbox")
    SessionJanitor(stack, "Janitor", interpreter=interpreter)
    SmokeTest(stack, "Works", interpreter=interpreter)
    Canary(stack, "Canary", interpreter=interpreter)
    return interpreter


def every_option(stack: Stack) -> SessionManagerSettings:
    return SessionManagerSettings(
        vpc=ec2.Vpc(stack, "Vpc", max_azs=2),
        encryption_key=kms.Key(stack, "Key"),
        dead_letters=True,
        reserved_concurrency=2,
        tracing=True,
        memory_size=512,
        log_retention=logs.RetentionDays.ONE_YEAR,
        log_removal_policy=RemovalPolicy.RETAIN,
        requests_per_second=10,
    )


@pytest.fixture(scope="module")
def lean(new_app, synthesize):
    stack = Stack(new_app(), "Analytics")
    use_everything(stack)
    return synthesize(stack)


@pytest.fixture(scope="module")
def full(new_app, synthesize):
    stack = Stack(new_app(), "Analytics")
    SessionManager.of(stack, every_option(stack))
    use_everything(stack)
    return synthesize(stack)


def functions(template):
    return {
        name: resource
        for name, resource in template["Resources"].items()
        if resource["Type"] == FUNCTION and "session_manager" in resource["Properties"]["Handler"]
    }


def test_there_is_one_function_for_each_task_however_many_interpreters(stack, synthesize):
    first = use_everything(stack)
    for number in range(3):
        other = CodeInterpreter(stack, f"Other{number}")
        SessionJanitor(other, "Janitor", interpreter=first)
        SmokeTest(other, "Works", interpreter=other)
        Canary(other, "Canary", interpreter=other)
    handlers = [each["Properties"]["Handler"] for each in functions(synthesize(stack)).values()]
    assert sorted(handlers) == [
        "session_manager.canary.handler",
        "session_manager.drain.handler",
        "session_manager.janitor.handler",
    ]


def test_handlers_exist(lean):
    for function in functions(lean).values():
        module, _, name = function["Properties"]["Handler"].rpartition(".")
        assert callable(getattr(importlib.import_module(module), name))


def test_only_what_is_used_is_made(stack, synthesize):
    CodeInterpreter(stack, "Sandbox")
    template = synthesize(stack)
    assert len(functions(template)) == 1
    assert not [r for r in template["Resources"].values() if r["Type"].startswith("AWS::SQS")]


def test_no_option_changes_what_a_custom_resource_is_served_by(lean, full):
    assert set(functions(lean)) == set(functions(full))
    for template in (lean, full):
        for function in functions(template).values():
            assert "FunctionName" not in function["Properties"]
            assert function["Properties"]["Architectures"] == ["arm64"]
            assert "PackageType" not in function["Properties"]


def test_the_lean_functions_have_no_extras(lean):
    for function in functions(lean).values():
        properties = function["Properties"]
        assert not {
            "VpcConfig",
            "KmsKeyArn",
            "TracingConfig",
            "ReservedConcurrentExecutions",
        } & set(properties)
        assert (properties["Runtime"], properties["MemorySize"]) == ("python3.14", 256)


def test_every_option_reaches_every_function(full, resources):
    for function in functions(full).values():
        properties = function["Properties"]
        assert properties["MemorySize"] == 512
        assert properties["ReservedConcurrentExecutions"] == 2
        assert properties["TracingConfig"] == {"Mode": "Active"}
        assert properties["Environment"]["Variables"]["REQUESTS_PER_SECOND"] == "10"
        assert {"KmsKeyArn", "VpcConfig", "DeadLetterConfig"} <= set(properties)
        assert len(properties["VpcConfig"]["SubnetIds"]) == 2
    for group in resources(full, "AWS::Logs::LogGroup"):
        assert group["Properties"]["RetentionInDays"] == 365
        assert group["DeletionPolicy"] == "Retain"
        assert "KmsKeyId" in group["Properties"]
    (queue,) = resources(full, "AWS::SQS::Queue")
    assert "KmsMasterKeyId" in queue["Properties"]


def test_functions_in_a_vpc_may_send_https_and_nothing_else(full, resources):
    (group,) = resources(full, "AWS::EC2::SecurityGroup")
    (egress,) = group["Properties"]["SecurityGroupEgress"]
    assert (egress["IpProtocol"], egress["FromPort"], egress["ToPort"]) == ("tcp", 443, 443)


def test_groups_and_queue_of_ones_own_are_used(stack, synthesize, resources):
    vpc = ec2.Vpc(stack, "Vpc", max_azs=2)
    group = ec2.SecurityGroup(stack, "Own", vpc=vpc)
    queue = sqs.Queue(stack, "Letters")
    settings = SessionManagerSettings(vpc=vpc, security_groups=[group], dead_letter_queue=queue)
    manager = SessionManager.of(stack, settings)
    use_everything(stack)
    template = synthesize(stack)
    assert len(resources(template, "AWS::EC2::SecurityGroup")) == 1
    assert len(resources(template, "AWS::SQS::Queue")) == 1
    assert manager.dead_letter_queue is queue
    assert all("DeadLetterConfig" in f["Properties"] for f in functions(template).values())


def test_a_queue_with_a_key_of_its_own_can_be_written_to(stack, synthesize):
    key = kms.Key(stack, "QueueKey")
    queue = sqs.Queue(stack, "Letters", encryption_master_key=key)
    SessionManager.of(stack, SessionManagerSettings(dead_letter_queue=queue))
    use_everything(stack)
    granted = [s for s in statements(synthesize(stack)) if "kms:GenerateDataKey" in s["Action"]]
    assert len(granted) == 4  # three functions and the schedules
    assert len({json.dumps(each["Resource"]) for each in granted}) == 1


def test_the_chosen_subnets_are_those_that_interfaces_may_be_made_in(stack, synthesize):
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-1",
        availability_zones=["a", "b"],
        private_subnet_ids=["subnet-1", "subnet-2"],
        isolated_subnet_ids=["subnet-3", "subnet-4"],
    )
    isolated = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    SessionManager.of(stack, SessionManagerSettings(vpc=vpc, vpc_subnets=isolated))
    CodeInterpreter(stack, "Sandbox")
    template = synthesize(stack)
    (function,) = functions(template).values()
    assert function["Properties"]["VpcConfig"]["SubnetIds"] == ["subnet-3", "subnet-4"]
    (creating,) = [s for s in statements(template) if s["Action"] == "ec2:CreateNetworkInterface"]
    written = json.dumps(creating["Resource"])
    assert "subnet-3" in written
    assert "subnet-4" in written
    assert "subnet-1" not in written


def statements(template):
    return [
        statement
        for resource in template["Resources"].values()
        if resource["Type"] in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy")
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]
    ]


def as_list(value):
    return value if isinstance(value, list) else [value]


def test_no_permission_is_wider_than_it_must_be(lean, full):
    allowed_on_everything = {
        "bedrock-agentcore:ListCodeInterpreters",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
    for template in (lean, full):
        assert statements(template)
        for statement in statements(template):
            assert not any("*" in action for action in as_list(statement["Action"]))
            if "*" in as_list(statement["Resource"]):
                assert set(as_list(statement["Action"])) <= allowed_on_everything


def test_no_role_has_an_inline_policy_or_one_of_aws(lean, full, resources):
    for template in (lean, full):
        assert resources(template, "AWS::IAM::Policy") == []
        for role in resources(template, "AWS::IAM::Role"):
            assert "Policies" not in role["Properties"]
            assert "ManagedPolicyArns" not in role["Properties"]


def test_each_function_has_a_role_and_a_log_group_of_its_own(lean):
    found = functions(lean).values()
    assert len({json.dumps(f["Properties"]["Role"]) for f in found}) == 3
    assert len({json.dumps(f["Properties"]["LoggingConfig"]) for f in found}) == 3


def test_the_same_settings_may_be_said_twice(stack):
    settings = SessionManagerSettings(memory_size=512)
    manager = SessionManager.of(stack, settings)
    assert SessionManager.of(stack, SessionManagerSettings(memory_size=512)) is manager
    assert SessionManager.of(stack) is manager
    assert SessionManager.of(Construct(stack, "Deep")) is manager


def test_two_different_settings_are_an_error_that_names_them(stack):
    SessionManager.of(stack, SessionManagerSettings(memory_size=512))
    with pytest.raises(ValueError, match=r"already have other settings \(tracing, memory_size\)"):
        SessionManager.of(stack, SessionManagerSettings(tracing=True))


def test_settings_after_the_first_use_are_an_error(stack):
    CodeInterpreter(stack, "Sandbox")
    with pytest.raises(ValueError, match="before the first construct that uses them"):
        SessionManager.of(stack, SessionManagerSettings(tracing=True))


def test_an_id_that_is_taken_is_told(stack):
    Construct(stack, "CodeInterpreterSessionManager")
    with pytest.raises(ValueError, match="is taken by something else"):
        SessionManager.of(stack)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"memory_size": 127}, "memory_size must be 128 to 10240, got 127"),
        ({"memory_size": 10241}, "memory_size must be 128 to 10240"),
        ({"requests_per_second": 0}, "requests_per_second must be 1 to 1000"),
        ({"reserved_concurrency": 0}, "reserved_concurrency must be 1 to 1000"),
        ({"vpc_subnets": ec2.SubnetSelection()}, "need a vpc"),
        ({"security_groups": [Group()]}, "need a vpc"),
        ({"dead_letters": False, "dead_letter_queue": Queue()}, "leave one out"),
    ],
)
def test_impossible_settings_are_refused(stack, arguments, message):
    with pytest.raises(ValueError, match=message):
        SessionManager.of(stack, SessionManagerSettings(**arguments))


def test_the_limits_of_the_settings_are_possible(stack):
    SessionManagerSettings(memory_size=128, requests_per_second=1, reserved_concurrency=1).check(
        stack, "X"
    )
    SessionManagerSettings(memory_size=10_240, requests_per_second=1000).check(stack, "X")


def pace_shares(template):
    return {
        f["Properties"]["Environment"]["Variables"]["INTERPRETERS"]
        for f in functions(template).values()
    }


def test_the_pace_is_shared_by_the_interpreters_of_the_stack(stack, synthesize):
    for number in range(3):
        CodeInterpreter(stack, f"Sandbox{number}")
    assert pace_shares(synthesize(stack)) == {"3"}


def test_a_janitor_beside_a_drain_counts_its_interpreter_once(lean):
    assert pace_shares(lean) == {"1"}


def test_nested_stacks_have_functions_of_their_own_and_share_the_pace_of_the_whole(new_app):
    app = new_app()
    stack = Stack(app, "Analytics")
    nests = [NestedStack(stack, f"Nest{number}") for number in range(2)]
    for each in (stack, *nests):
        CodeInterpreter(each, "Sandbox")
    assembly = app.synth()
    templates = [assembly.get_stack_by_name("Analytics").template]
    for nest in nests:
        templates.append(json.loads(Path(assembly.directory, nest.template_file).read_text()))
    for template in templates:
        assert len(functions(template)) == 1
        assert pace_shares(template) == {"3"}
        (drain,) = [r for r in template["Resources"].values() if r["Type"].startswith("Custom::")]
        token = drain["Properties"]["ServiceToken"]["Fn::GetAtt"][0]
        assert token in functions(template)


def test_a_key_that_cannot_be_changed_comes_with_the_statement_that_it_needs(stack):
    key = kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:111122223333:key/abc")
    SessionManager.of(stack, SessionManagerSettings(encryption_key=key))
    wanted = Match.string_like_regexp("key's policy.*kms:EncryptionContext")
    (found,) = Annotations.from_stack(stack).find_warning("*", wanted)
    assert "Token[" not in found.entry.data


def test_a_key_of_the_app_lets_cloudwatch_logs_in(full, resources):
    (key,) = resources(full, "AWS::KMS::Key")
    (statement,) = [
        s for s in key["Properties"]["KeyPolicy"]["Statement"] if s.get("Sid") == "CloudWatchLogs"
    ]
    assert "ArnLike" in statement["Condition"]


def test_functions_that_there_are_can_be_listed(stack):
    manager = SessionManager.of(stack)
    assert manager.functions == []
    CodeInterpreter(stack, "Sandbox")
    assert manager.functions == [manager.drain]
    assert all(isinstance(each, TaskFunction) for each in manager.functions)


def test_the_function_outlasts_nothing_that_it_needs(lean):
    """CloudFormation deletes in the opposite order: role and policy go after the function."""
    for name, function in functions(lean).items():
        prefix = name.removesuffix(name[-8:]).removesuffix("Function")
        needed = function["DependsOn"]
        assert any(each.startswith(f"{prefix}Runs") for each in needed)
        assert any(each.startswith(f"{prefix}Role") for each in needed)


def test_an_app_of_two_stacks_has_two_managers(new_app):
    app: App = new_app()
    first, second = Stack(app, "One"), Stack(app, "Two")
    assert SessionManager.of(first) is not SessionManager.of(second)


@pytest.mark.parametrize(
    "settings",
    [
        SessionManagerSettings(log_removal_policy=RemovalPolicy.DESTROY),
        SessionManagerSettings(log_retention=logs.RetentionDays.ONE_MONTH),
    ],
)
def test_a_default_that_is_said_in_words_is_the_same_setting(stack, settings):
    CodeInterpreter(stack, "First")

    assert SessionManager.of(stack, settings).settings == SessionManagerSettings()


def test_the_functions_are_defined_where_roles_are_made_by_others(stack, synthesize):
    """`customize_roles` forbids policies: none is made, and a report names the roles instead."""
    iam.Role.customize_roles(stack)
    CodeInterpreter(stack, "Sandbox")
    template = synthesize(stack)

    assert [r for r in template["Resources"].values() if r["Type"].startswith("AWS::IAM")] == []
    assert any(r["Type"] == FUNCTION for r in template["Resources"].values())
