"""Deliveries of logs and traces, as they stand in the template."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from aws_cdk import App, Environment, RemovalPolicy, Stack, Stage
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Annotations, Match, Template

from cdk_code_interpreter.interface import ICodeInterpreter
from cdk_code_interpreter.interpreter.code_interpreter import CodeInterpreter
from cdk_code_interpreter.interpreter.imported import SystemCodeInterpreter
from cdk_code_interpreter.observability.log_delivery import LogDelivery

ARN = "arn:aws:bedrock-agentcore:eu-west-1:222233334444:code-interpreter-custom/tool-0123456789"
STACK_ID = (
    "arn:aws:cloudformation:us-east-1:111122223333:stack/S/0a1b2c3d-1111-2222-3333-444455556666"
)


@pytest.fixture
def stack() -> Stack:
    return Stack(App(), "S", env=Environment(account="111122223333", region="us-east-1"))


def sandbox(stack: Stack, **options: Any) -> CodeInterpreter:
    return CodeInterpreter(stack, "Sandbox", drain_on_delete=False, **options)


def of_type(template: Template, kind: str) -> list[dict[str, Any]]:
    return [each["Properties"] for each in template.find_resources(f"AWS::Logs::{kind}").values()]


def deployed(value: Any, interpreter_id: str = "Sandbox_0000-AbCdEfGhIj") -> Any:
    """What CloudFormation makes of a value, for the intrinsic functions that names use."""
    if isinstance(value, list):
        return [deployed(each, interpreter_id) for each in value]
    if not isinstance(value, dict):
        return value
    ((function, argument),) = value.items()
    if function == "Fn::GetAtt":
        return interpreter_id if argument[1] == "CodeInterpreterId" else "an-arn"
    if function == "Ref":
        return STACK_ID if argument == "AWS::StackId" else argument
    argument = deployed(argument, interpreter_id)
    if function == "Fn::Join":
        return argument[0].join(argument[1])
    if function == "Fn::Split":
        return argument[1].split(argument[0])
    assert function == "Fn::Select"
    return argument[1][int(argument[0])]


def names(stack: Stack, kind: str, **options: Any) -> list[str]:
    key = "LogGroupName" if kind == "LogGroup" else "Name"
    return [deployed(each[key], **options) for each in of_type(Template.from_stack(stack), kind)]


def everything(stack: Stack, interpreter: ICodeInterpreter) -> LogDelivery:
    return LogDelivery(stack, "Logs", interpreter=interpreter, application_logs=True, traces=True)


def test_usage_logs_and_nothing_else_by_default(stack: Stack) -> None:
    delivery = LogDelivery(stack, "Logs", interpreter=sandbox(stack))
    template = Template.from_stack(stack)
    (source,) = of_type(template, "DeliverySource")
    assert source["LogType"] == "USAGE_LOGS"
    assert source["ResourceArn"] == {"Fn::GetAtt": [interpreter_of(template), "CodeInterpreterArn"]}
    (group,) = of_type(template, "LogGroup")
    assert group["RetentionInDays"] == 30
    assert delivery.usage_log_group is not None
    assert delivery.application_log_group is None
    template.has_resource("AWS::Logs::LogGroup", {"DeletionPolicy": "Delete"})
    Annotations.from_stack(stack).has_no_warning("*", Match.any_value())


def interpreter_of(template: Template) -> str:
    (found,) = template.find_resources("AWS::BedrockAgentCore::CodeInterpreterCustom")
    return found


def test_each_type_goes_where_it_can(stack: Stack) -> None:
    everything(stack, sandbox(stack))
    template = Template.from_stack(stack)
    types = {each["LogType"] for each in of_type(template, "DeliverySource")}
    assert types == {"USAGE_LOGS", "APPLICATION_LOGS", "TRACES"}
    kinds = sorted(
        each["DeliveryDestinationType"] for each in of_type(template, "DeliveryDestination")
    )
    assert kinds == ["CWL", "CWL", "XRAY"]
    (tracing,) = [
        each
        for each in of_type(template, "DeliveryDestination")
        if each["DeliveryDestinationType"] == "XRAY"
    ]
    assert "DestinationResourceArn" not in tracing
    for delivery in of_type(template, "Delivery"):
        # By reference, so that it is made after both and deleted before them.
        assert "Ref" in delivery["DeliverySourceName"]
        assert "Fn::GetAtt" in delivery["DeliveryDestinationArn"]


def test_no_stack_owns_a_policy_that_an_account_has_few_of(stack: Stack) -> None:
    everything(stack, sandbox(stack))
    kinds = {each["Type"] for each in Template.from_stack(stack).to_json()["Resources"].values()}
    assert not kinds & {"AWS::Logs::ResourcePolicy", "AWS::XRay::ResourcePolicy"}
    assert "AWS::XRay::TransactionSearchConfig" not in kinds


def test_names_fit_the_services_limits(stack: Stack) -> None:
    interpreter = sandbox(stack, code_interpreter_name="x" * 48)
    everything(stack, interpreter)
    for kind in ("DeliverySource", "DeliveryDestination"):
        found = names(stack, kind, interpreter_id=f"{'x' * 48}-AbCdEfGhIj")
        assert len(set(found)) == 3
        for name in found:
            assert re.fullmatch(r"[\w-]{1,60}", name)
    for group in names(stack, "LogGroup"):
        assert re.fullmatch(r"/aws/vendedlogs/[\w./-]{1,480}", group)


def test_a_replacement_makes_new_sources_and_keeps_the_groups(stack: Stack) -> None:
    everything(stack, sandbox(stack))
    before, after = "Sandbox_0000-AbCdEfGhIj", "Sandbox_1111-KlMnOpQrSt"
    sources = [set(names(stack, "DeliverySource", interpreter_id=each)) for each in (before, after)]
    assert not sources[0] & sources[1]
    for kind in ("LogGroup", "DeliveryDestination"):
        assert names(stack, kind, interpreter_id=before) == names(stack, kind, interpreter_id=after)


def test_a_group_that_outlives_its_stack_is_not_in_the_way_of_the_next(stack: Stack) -> None:
    LogDelivery(stack, "Logs", interpreter=sandbox(stack), removal_policy=RemovalPolicy.RETAIN)
    (group,) = names(stack, "LogGroup")
    assert group.endswith("-0a1b2c3d")
    Template.from_stack(stack).has_resource("AWS::Logs::LogGroup", {"DeletionPolicy": "Retain"})


def test_two_apps_with_the_same_ids_do_not_collide() -> None:
    def first_words(stack_name: str) -> set[str]:
        stack = Stack(App(), "S", stack_name=stack_name)
        everything(stack, sandbox(stack))
        return {name.split("-")[1] for name in names(stack, "DeliverySource")}

    assert not first_words("One") & first_words("Two")
    assert first_words("One") == first_words("One")


def test_application_logs_without_a_key_are_warned_about(stack: Stack) -> None:
    LogDelivery(stack, "Logs", interpreter=sandbox(stack), application_logs=True)
    Annotations.from_stack(stack).has_warning(
        "/S/Logs", Match.string_like_regexp("applicationLogsWithoutKey")
    )


def test_a_key_encrypts_the_groups_and_lets_cloudwatch_logs_use_it(stack: Stack) -> None:
    key = kms.Key(stack, "Key")
    LogDelivery(
        stack,
        "Logs",
        interpreter=sandbox(stack),
        application_logs=True,
        encryption_key=key,
        retention=logs.RetentionDays.ONE_WEEK,
    )
    template = Template.from_stack(stack)
    for group in of_type(template, "LogGroup"):
        assert group["KmsKeyId"] == stack.resolve(key.key_arn)
        assert group["RetentionInDays"] == 7
    template.has_resource_properties(
        "AWS::KMS::Key",
        {
            "KeyPolicy": {
                "Statement": Match.array_with(
                    [Match.object_like({"Principal": {"Service": "logs.us-east-1.amazonaws.com"}})]
                )
            }
        },
    )
    Annotations.from_stack(stack).has_no_warning("/S/Logs", Match.any_value())


def test_an_imported_key_is_warned_about_with_the_statement(stack: Stack) -> None:
    key = kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:us-east-1:111122223333:key/abc")
    LogDelivery(stack, "Logs", interpreter=sandbox(stack), encryption_key=key)
    Annotations.from_stack(stack).has_warning(
        "/S/Logs", Match.string_like_regexp(r"logs\.us-east-1\.amazonaws\.com")
    )


def test_a_bucket_takes_logs_from_this_accounts_deliveries_only(stack: Stack) -> None:
    bucket = s3.Bucket(stack, "Bucket", encryption=s3.BucketEncryption.KMS)
    delivery = LogDelivery(stack, "Logs", interpreter=sandbox(stack), bucket=bucket, traces=True)
    template = Template.from_stack(stack)
    assert delivery.usage_log_group is None
    template.resource_count_is("AWS::Logs::LogGroup", 0)
    (policy,) = template.find_resources("AWS::S3::BucketPolicy").values()
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "delivery.logs.amazonaws.com"}
    assert statement["Condition"]["StringEquals"]["aws:SourceAccount"] == "111122223333"
    assert json.dumps(statement["Condition"]["ArnLike"]).endswith(
        ':logs:us-east-1:111122223333:delivery-source:*"]]}}'
    )
    (usage,) = [
        each
        for each in template.find_resources("AWS::Logs::Delivery").values()
        if "Usage" in json.dumps(each)
    ]
    assert set(template.find_resources("AWS::S3::BucketPolicy")) <= set(usage["DependsOn"])
    (key,) = template.find_resources("AWS::KMS::Key").values()
    assert "delivery.logs.amazonaws.com" in json.dumps(key["Properties"]["KeyPolicy"])


def test_an_imported_bucket_is_warned_about_with_the_statement(stack: Stack) -> None:
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "logs-of-all")
    LogDelivery(stack, "Logs", interpreter=sandbox(stack), bucket=bucket)
    Annotations.from_stack(stack).has_warning(
        "/S/Logs", Match.string_like_regexp(r"s3:PutObject.*bucketPolicy")
    )


def test_another_bucket_makes_another_destination() -> None:
    def destination(bucket_id: str) -> list[str]:
        stack = Stack(App(), "S")
        LogDelivery(stack, "Logs", interpreter=sandbox(stack), bucket=s3.Bucket(stack, bucket_id))
        return names(stack, "DeliveryDestination")

    assert destination("One") != destination("Two")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"usage_logs": False}, "nothing is delivered"),
        ({"usage_logs": False, "traces": True, "retention": 7}, "only traces are delivered"),
    ],
)
def test_options_that_cannot_be_are_refused(
    stack: Stack, options: dict[str, Any], said: str
) -> None:
    if "retention" in options:
        options = {**options, "retention": logs.RetentionDays.ONE_WEEK}
    with pytest.raises(ValueError, match=f"S/Logs: .*{said}"):
        LogDelivery(stack, "Logs", interpreter=sandbox(stack), **options)


def test_options_of_groups_are_refused_with_a_bucket(stack: Stack) -> None:
    with pytest.raises(ValueError, match="are for log groups, but logs go to a bucket"):
        LogDelivery(
            stack,
            "Logs",
            interpreter=sandbox(stack),
            bucket=s3.Bucket(stack, "Bucket"),
            retention=logs.RetentionDays.ONE_DAY,
        )


def test_a_second_delivery_of_a_type_is_refused_wherever_it_is_in_the_app(stack: Stack) -> None:
    interpreter = sandbox(stack)
    LogDelivery(stack, "Logs", interpreter=interpreter)
    other = Stack(stack.node.root, "Other", env=stack_environment(stack))
    LogDelivery(other, "Traces", interpreter=interpreter, usage_logs=False, traces=True)
    with pytest.raises(ValueError, match=r"^Other/More: USAGE_LOGS of S/Sandbox .* by S/Logs"):
        LogDelivery(other, "More", interpreter=interpreter, application_logs=True)


def stack_environment(stack: Stack) -> Environment:
    return Environment(account=stack.account, region=stack.region)


def test_two_imports_of_one_interpreter_are_one(stack: Stack) -> None:
    arn = ARN.replace("eu-west-1:222233334444", "us-east-1:111122223333")
    first, second = (
        CodeInterpreter.from_code_interpreter_arn(stack, name, arn) for name in ("First", "Second")
    )
    LogDelivery(stack, "Logs", interpreter=first)
    with pytest.raises(ValueError, match=r"are delivered by S/Logs already"):
        LogDelivery(stack, "More", interpreter=second)
    # Another stage is another deployment, and another app another one as well.
    staged = Stack(Stage(stack.node.root, "Beta"), "S", env=stack_environment(stack))
    imported = CodeInterpreter.from_code_interpreter_arn(staged, "First", arn)
    LogDelivery(staged, "Logs", interpreter=imported)


def test_the_system_interpreter_is_refused(stack: Stack) -> None:
    with pytest.raises(ValueError, match="system interpreter is no resource of this account"):
        LogDelivery(stack, "Logs", interpreter=SystemCodeInterpreter(stack, "System"))


def test_an_interpreter_of_another_account_and_region_is_refused(stack: Stack) -> None:
    imported = CodeInterpreter.from_code_interpreter_arn(stack, "Import", ARN)
    with pytest.raises(ValueError, match=r"region is eu-west-1.*\n.*account is 222233334444"):
        LogDelivery(stack, "Logs", interpreter=imported)


def test_an_import_whose_place_is_not_known_yet_is_let_through() -> None:
    stack = Stack(App(), "S")
    imported = CodeInterpreter.from_code_interpreter_arn(stack, "Import", ARN)
    LogDelivery(stack, "Logs", interpreter=imported)
    (source,) = names(stack, "DeliverySource")
    assert source.endswith("-usage-0123456789")
