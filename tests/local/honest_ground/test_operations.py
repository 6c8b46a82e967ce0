"""One operation at a time, names that are taken, and what an order hides."""

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError


def test_a_stack_that_is_being_created_can_be_deleted(stacks):
    slow = stacks.custom(script={"Create": [{"times": 0}]}, ServiceTimeout=2)
    template = {"Resources": {"Slow": slow, "Then": stacks.custom(DependsOn="Slow")}}
    stack = stacks.client.create_stack(
        StackName=stacks.name(), TemplateBody=stacks.as_body(template)
    )["StackId"]
    stacks.wait_until(lambda: stacks.asked(stack))

    assert stacks.delete(stack) == "DELETE_COMPLETE"
    assert [asked[:2] for asked in stacks.asked(stack)] == [("Create", "Slow"), ("Delete", "Slow")]


def test_a_stack_that_is_being_updated_cannot_be_deleted(stacks):
    slow = {"Update": [{"times": 0}, {}]}

    def template(value):
        return {"Resources": {"Slow": stacks.custom(value, script=slow, ServiceTimeout=2)}}

    stack = stacks.create(template("1"))
    stacks.client.update_stack(StackName=stack, TemplateBody=stacks.as_body(template("2")))
    stacks.wait_until(lambda: len(stacks.asked(stack)) == 2)

    with pytest.raises(ClientError, match="can not be deleted"):
        stacks.client.delete_stack(StackName=stack)
    assert stacks.settle(stack) == "UPDATE_ROLLBACK_COMPLETE"


def test_a_second_delete_changes_nothing(stacks):
    slow = stacks.custom(script={"Delete": [{"times": 0}]}, ServiceTimeout=1)
    stack = stacks.create({"Resources": {"Slow": slow}})
    stacks.client.delete_stack(StackName=stack)
    stacks.client.delete_stack(StackName=stack)

    assert stacks.settle(stack) == "DELETE_FAILED"
    assert [asked[0] for asked in stacks.asked(stack)] == ["Create", "Delete"]


TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


@pytest.mark.parametrize(
    ("resource_type", "name_property", "properties"),
    [
        ("AWS::IAM::Role", "RoleName", {"AssumeRolePolicyDocument": TRUST}),
        ("AWS::Logs::LogGroup", "LogGroupName", {}),
        ("AWS::SNS::Topic", "TopicName", {}),
        ("AWS::SQS::Queue", "QueueName", {}),
        ("AWS::Scheduler::ScheduleGroup", "Name", {}),
        ("AWS::SecretsManager::Secret", "Name", {}),
        ("AWS::CloudWatch::Dashboard", "DashboardName", {"DashboardBody": "{}"}),
    ],
)
def test_a_name_that_is_taken_fails_the_second_stack(
    stacks, resource_type, name_property, properties
):
    resource = {
        "Type": resource_type,
        "Properties": {name_property: stacks.name(), **properties},
    }
    first = stacks.create({"Resources": {"It": resource}})
    second = stacks.create({"Resources": {"It": resource}})

    assert stacks.status(first) == "CREATE_COMPLETE"
    assert stacks.status(second) == "ROLLBACK_COMPLETE"
    assert any("already exists" in event[2] for event in stacks.events(second, "It"))
    described = stacks.resources(first)["It"]
    assert described["PhysicalResourceId"]
    assert stacks.delete(first) == "DELETE_COMPLETE"


def test_a_bucket_with_objects_is_not_deleted(stacks):
    stack = stacks.create({"Resources": {"It": {"Type": "AWS::S3::Bucket"}}})
    bucket = stacks.resources(stack)["It"]["PhysicalResourceId"]
    s3 = stacks.aws.client("s3")
    s3.put_object(Bucket=bucket, Key="kept", Body=b"kept")

    assert stacks.delete(stack) == "DELETE_FAILED"
    assert any("is not empty" in event[2] for event in stacks.events(stack, "It"))

    s3.delete_object(Bucket=bucket, Key="kept")
    assert stacks.delete(stack) == "DELETE_COMPLETE"


def test_a_missing_dependency_shows_when_the_order_is_reversed(stacks):
    template = {"Resources": {"A": stacks.custom(), "B": stacks.custom()}}
    stack = stacks.create(template)
    assert [asked[1] for asked in stacks.asked(stack)] == ["A", "B"]

    stacks.set(reverse_order=True)
    stack = stacks.create(template)
    assert [asked[1] for asked in stacks.asked(stack)] == ["B", "A"]

    template["Resources"]["B"]["DependsOn"] = "A"
    stack = stacks.create(template)
    assert [asked[1] for asked in stacks.asked(stack)] == ["A", "B"]


def test_an_unknown_setting_is_refused(stacks):
    with pytest.raises(ValueError, match="has no setting speed; it has retry_delays"):
        stacks.set(speed=1)


def test_stacks_and_what_is_in_them_tell_the_same_time(stacks):
    """A function may ask whether an interpreter is older than the update that it is part of."""
    control = stacks.aws.client("bedrock-agentcore-control")
    network = {"NetworkMode": "SANDBOX"}
    interpreter = {
        "Type": "AWS::BedrockAgentCore::CodeInterpreterCustom",
        "Properties": {"Name": "aged", "NetworkConfiguration": network},
    }
    stacks.aws.admin("POST", "clock", {"advance_seconds": 3600})
    stack = stacks.create({"Resources": {"It": interpreter}})
    identifier = stacks.resources(stack)["It"]["PhysicalResourceId"]
    made = control.get_code_interpreter(codeInterpreterId=identifier)["createdAt"]
    assert abs(stacks.describe(stack)["CreationTime"] - made) < timedelta(minutes=10)

    stacks.aws.admin("POST", "clock", {"advance_seconds": 3600})
    stacks.update(stack, {"Resources": {"It": interpreter, "Other": stacks.custom()}})
    assert stacks.describe(stack)["LastUpdatedTime"] - made >= timedelta(hours=1)
    newest = stacks.client.describe_stack_events(StackName=stack)["StackEvents"][0]
    assert newest["Timestamp"] - made >= timedelta(hours=1)
