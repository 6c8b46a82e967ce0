"""Functions of stacks keep all their settings, and Lambda's own checks refuse what cannot work."""

import json

import pytest


def role(policy=None, service="lambda.amazonaws.com", **condition):
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        **({"Condition": condition} if condition else {}),
    }
    properties = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
    if policy:
        allowed = {"Effect": "Allow", **policy}
        document = {"Version": "2012-10-17", "Statement": [allowed]}
        properties["Policies"] = [{"PolicyName": "inline", "PolicyDocument": document}]
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def function(**properties):
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.12",
            "Handler": "index.handler",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"ZipFile": "def handler(event, context):\n    return event\n"},
            **properties,
        },
    }


QUEUE = {"Type": "AWS::SQS::Queue"}
QUEUE_ARN = {"Fn::GetAtt": ["Queue", "Arn"]}
SEND = {"Action": "sqs:SendMessage", "Resource": QUEUE_ARN}


def stack_of(policy=None, **properties):
    return {
        "Resources": {"Role": role(policy), "Queue": QUEUE, "It": function(**properties)},
        "Outputs": {"Name": {"Value": {"Ref": "It"}}, "Queue": {"Value": QUEUE_ARN}},
    }


def refusal(stacks, stack):
    assert stacks.status(stack) == "ROLLBACK_COMPLETE"
    return next(r for _, status, r in stacks.events(stack, "It") if status == "CREATE_FAILED")


def test_dead_letter_queue_and_reserved_concurrency_are_kept(stacks):
    stack = stacks.create(
        stack_of(SEND, DeadLetterConfig={"TargetArn": QUEUE_ARN}, ReservedConcurrentExecutions=3)
    )
    outputs = stacks.outputs(stack)

    made = stacks.aws.client("lambda").get_function(FunctionName=outputs["Name"])
    assert made["Configuration"]["DeadLetterConfig"] == {"TargetArn": outputs["Queue"]}
    assert made["Concurrency"]["ReservedConcurrentExecutions"] == 3

    stacks.update(stack, stack_of(SEND))
    made = stacks.aws.client("lambda").get_function(FunctionName=outputs["Name"])
    assert "DeadLetterConfig" not in made["Configuration"]
    assert "Concurrency" not in made


def test_vpc_and_key_are_kept(stacks):
    template = stack_of(
        {"Action": "ec2:CreateNetworkInterface", "Resource": "*"},
        KmsKeyArn={"Fn::GetAtt": ["Key", "Arn"]},
        VpcConfig={
            "SubnetIds": [{"Ref": "Subnet"}],
            "SecurityGroupIds": [{"Fn::GetAtt": ["Group", "GroupId"]}],
        },
    )
    template["Resources"] |= {
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {}}},
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Subnet": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"},
        },
        "Group": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "GroupDescription": "the function's"},
        },
    }
    stack = stacks.create(template)

    resources = stacks.resources(stack)
    configuration = stacks.aws.client("lambda").get_function_configuration(
        FunctionName=stacks.outputs(stack)["Name"]
    )
    assert configuration["VpcConfig"]["SubnetIds"] == [resources["Subnet"]["PhysicalResourceId"]]
    assert configuration["VpcConfig"]["VpcId"] == resources["Vpc"]["PhysicalResourceId"]
    assert resources["Key"]["PhysicalResourceId"] in configuration["KMSKeyArn"]


def test_a_role_that_may_not_use_the_dead_letter_queue_is_refused(stacks):
    stack = stacks.create(stack_of(DeadLetterConfig={"TargetArn": QUEUE_ARN}))
    assert "does not have permissions to call SendMessage on SQS" in refusal(stacks, stack)


def test_a_role_that_may_not_make_network_interfaces_is_refused(stacks):
    stack = stacks.create(stack_of(VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": []}))
    assert "CreateNetworkInterface on EC2" in refusal(stacks, stack)


def test_a_role_that_lambda_cannot_assume_is_refused(stacks):
    template = stack_of()
    template["Resources"]["Role"] = role(service="ec2.amazonaws.com")
    stack = stacks.create(template)
    assert "cannot be assumed by Lambda" in refusal(stacks, stack)


def test_a_reservation_that_leaves_too_little_for_the_account_is_refused(stacks):
    stack = stacks.create(stack_of(ReservedConcurrentExecutions=901))
    assert "below its minimum value of [100]" in refusal(stacks, stack)


def test_a_function_name_that_is_taken_is_refused(stacks):
    name = stacks.name()
    stacks.create(stack_of(FunctionName=name))
    assert "already exist" in refusal(stacks, stacks.create(stack_of(FunctionName=name)))


def test_a_failing_functions_event_ends_in_its_dead_letter_queue(stacks):
    stacks.set(retry_delays=[0.0, 0.0])
    template = stack_of(
        SEND,
        DeadLetterConfig={"TargetArn": QUEUE_ARN},
        Code={"ZipFile": "def handler(event, context):\n    raise RuntimeError('no')\n"},
    )
    template["Resources"]["Custom"] = {
        "Type": "Custom::Broken",
        "Properties": {"ServiceToken": {"Fn::GetAtt": ["It", "Arn"]}, "ServiceTimeout": 2},
    }
    stack = stacks.create(template, DisableRollback=True)

    assert stacks.status(stack) == "CREATE_FAILED"
    queue = stacks.resources(stack)["Queue"]["PhysicalResourceId"]
    sqs = stacks.aws.client("sqs")
    received = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert json.loads(received[0]["Body"])["requestPayload"]["RequestType"] == "Create"


WRITE_LOGS = {
    "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
    "Resource": "*",
}


@pytest.fixture
def ran(stacks):
    """Whether a function has run, by its log."""
    logs = stacks.aws.client("logs")

    def has_run(name):
        try:
            return bool(logs.describe_log_streams(logGroupName=f"/aws/lambda/{name}")["logStreams"])
        except logs.exceptions.ResourceNotFoundException:
            return False

    return has_run


def two_functions(**resources):
    arn = {"Fn::GetAtt": ["Allowed", "Arn"]}
    return {
        "Resources": {
            "Role": role(WRITE_LOGS),
            "Denied": function(),
            "Allowed": function(),
            **resources,
        },
        "Outputs": {
            "Denied": {"Value": {"Ref": "Denied"}},
            "Allowed": {"Value": {"Ref": "Allowed"}},
        },
    }, arn


def schedule(function_name, role_name):
    return {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {
            "ScheduleExpression": "at(2020-01-01T00:00:00)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": {"Fn::GetAtt": [function_name, "Arn"]},
                "RoleArn": {"Fn::GetAtt": [role_name, "Arn"]},
            },
        },
    }


SCHEDULER = "scheduler.amazonaws.com"
OWN_ACCOUNT = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_a_schedule_fires_only_with_a_role_that_may_invoke(stacks, ran):
    template, arn = two_functions(
        DeniedRole=role(service=SCHEDULER, **OWN_ACCOUNT),
        DeniedSchedule=schedule("Denied", "DeniedRole"),
        AllowedSchedule={**schedule("Allowed", "AllowedRole"), "DependsOn": "DeniedSchedule"},
    )
    template["Resources"]["AllowedRole"] = role(
        {"Action": "lambda:InvokeFunction", "Resource": arn}, service=SCHEDULER, **OWN_ACCOUNT
    )
    outputs = stacks.outputs(stacks.create(template))

    stacks.wait_until(lambda: ran(outputs["Allowed"]))
    assert not ran(outputs["Denied"])


@pytest.mark.parametrize(
    "trust",
    [
        {"service": "lambda.amazonaws.com"},
        {"service": SCHEDULER, "StringEquals": {"aws:SourceAccount": "999999999999"}},
        {
            "service": SCHEDULER,
            "ArnLike": {"aws:SourceArn": "arn:aws:scheduler:*:*:schedule-group/another"},
        },
    ],
)
def test_a_role_that_the_scheduler_cannot_assume_is_refused(stacks, trust):
    template, _ = two_functions()
    template["Resources"] |= {
        "Trusting": role(**trust),
        "It": schedule("Allowed", "Trusting"),
    }
    stack = stacks.create(template)

    assert "must allow AWS EventBridge Scheduler to assume the role" in refusal(stacks, stack)


def test_a_schedule_changes_in_place(stacks):
    template, _ = two_functions()
    template["Resources"] |= {
        "Trusting": role(service=SCHEDULER),
        "It": schedule("Allowed", "Trusting"),
    }
    stack = stacks.create(template)
    name = stacks.resources(stack)["It"]["PhysicalResourceId"]
    template["Resources"]["It"]["Properties"]["ScheduleExpression"] = "rate(5 minutes)"
    template["Resources"]["It"]["Properties"]["State"] = "DISABLED"
    assert stacks.update(stack, template) == "UPDATE_COMPLETE"

    found = stacks.aws.client("scheduler").get_schedule(Name=name)
    assert found["ScheduleExpression"] == "rate(5 minutes)"
    assert found["State"] == "DISABLED"


def test_a_rule_reaches_a_function_only_with_its_permission(stacks, ran):
    source = stacks.name()
    template, arn = two_functions()
    template["Resources"] |= {
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {"source": [source]},
                "Targets": [
                    {"Id": "denied", "Arn": {"Fn::GetAtt": ["Denied", "Arn"]}},
                    {"Id": "allowed", "Arn": arn},
                ],
            },
        },
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": arn,
                "Principal": "events.amazonaws.com",
                "SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]},
            },
        },
    }
    outputs = stacks.outputs(stacks.create(template))
    stacks.aws.client("events").put_events(
        Entries=[{"Source": source, "DetailType": "test", "Detail": "{}"}]
    )

    stacks.wait_until(lambda: ran(outputs["Allowed"]))
    assert not ran(outputs["Denied"])
