"""`AWS::BedrockAgentCore::CodeInterpreterCustom` in stacks: every property, and what changes do."""

import json

import pytest
from botocore.exceptions import ClientError

TYPE = "AWS::BedrockAgentCore::CodeInterpreterCustom"
SANDBOX = {"NetworkMode": "SANDBOX"}
ATTRIBUTES = ["CodeInterpreterId", "CodeInterpreterArn", "Status", "CreatedAt", "LastUpdatedAt"]


@pytest.fixture
def control(local_aws):
    return local_aws.client("bedrock-agentcore-control")


@pytest.fixture
def name(stacks):
    return stacks.name().replace("-", "_")


@pytest.fixture
def role_arn(local_aws, name):
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "bedrock-agentcore.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": local_aws.account},
                    "ArnLike": {"aws:SourceArn": "arn:aws:bedrock-agentcore:*"},
                },
            }
        ],
    }
    role = local_aws.client("iam").create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps(trust)
    )
    return role["Role"]["Arn"]


def interpreter(name, mode="SANDBOX", **properties):
    return {
        "Type": TYPE,
        "Properties": {
            "Name": name,
            "NetworkConfiguration": {"NetworkMode": mode},
            **properties,
        },
    }


def template(resource, **resources):
    return {
        "Resources": {"It": resource, **resources},
        "Outputs": {
            "Ref": {"Value": {"Ref": "It"}},
            **{name: {"Value": {"Fn::GetAtt": ["It", name]}} for name in ATTRIBUTES},
        },
    }


def names(control):
    pages = control.get_paginator("list_code_interpreters").paginate(type="CUSTOM")
    return [summary["name"] for page in pages for summary in page["codeInterpreterSummaries"]]


def test_every_property_reaches_the_service(stacks, control, name, role_arn, local_aws):
    secret = local_aws.client("secretsmanager").create_secret(Name=name, SecretString="pem")["ARN"]
    resource = interpreter(
        name,
        Description="what it is for",
        ExecutionRoleArn=role_arn,
        Certificates=[{"CertificateLocation": {"SecretArn": secret}}],
        Tags={"team": "blue"},
    )
    stack = stacks.create(template(resource), Tags=[{"Key": "stage", "Value": "test"}])

    outputs = stacks.outputs(stack)
    made = control.get_code_interpreter(codeInterpreterId=outputs["Ref"])
    assert made["name"] == name
    assert made["description"] == "what it is for"
    assert made["executionRoleArn"] == role_arn
    assert made["networkConfiguration"] == {"networkMode": "SANDBOX"}
    assert made["certificates"] == [{"location": {"secretsManager": {"secretArn": secret}}}]
    assert made["status"] == outputs["Status"] == "READY"
    assert made["codeInterpreterArn"] == outputs["CodeInterpreterArn"]
    assert made["codeInterpreterId"] == outputs["CodeInterpreterId"]
    assert made["createdAt"].isoformat(timespec="seconds")[:19] == outputs["CreatedAt"][:19]
    tags = control.list_tags_for_resource(resourceArn=outputs["CodeInterpreterArn"])["tags"]
    assert tags["team"] == "blue"
    assert tags["stage"] == "test"
    assert tags["aws:cloudformation:logical-id"] == "It"


def test_tags_change_in_place(stacks, control, name):
    stack = stacks.create(template(interpreter(name, Tags={"team": "blue", "old": "1"})))
    before = stacks.outputs(stack)

    assert stacks.update(stack, template(interpreter(name, Tags={"team": "red"}))) == (
        "UPDATE_COMPLETE"
    )

    assert stacks.outputs(stack)["Ref"] == before["Ref"]
    tags = control.list_tags_for_resource(resourceArn=before["CodeInterpreterArn"])["tags"]
    assert tags["team"] == "red"
    assert "old" not in tags


def test_the_tags_that_cloudformation_adds_do_not_count_as_ones_own(stacks, control, name):
    fifty = {f"key{number}": "value" for number in range(50)}
    stack = stacks.create(template(interpreter(name, Tags=fifty)))
    arn = stacks.outputs(stack)["CodeInterpreterArn"]

    changed = {**fifty, "key0": "another"}
    assert stacks.update(stack, template(interpreter(name, Tags=changed))) == "UPDATE_COMPLETE"

    tags = control.list_tags_for_resource(resourceArn=arn)["tags"]
    assert changed.items() <= tags.items()
    assert tags["aws:cloudformation:logical-id"] == "It"
    with pytest.raises(ClientError, match="50 tags at most"):
        control.tag_resource(resourceArn=arn, tags={"one": "more"})


def test_a_replacement_is_made_before_the_old_one_goes(stacks, control, name):
    stack = stacks.create(template(interpreter(f"{name}_1")))
    before = stacks.outputs(stack)["Ref"]

    changed = template(interpreter(f"{name}_2", mode="PUBLIC"))
    assert stacks.update(stack, changed) == "UPDATE_COMPLETE"

    after = stacks.outputs(stack)["Ref"]
    assert control.get_code_interpreter(codeInterpreterId=after)["status"] == "READY"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        control.get_code_interpreter(codeInterpreterId=before)
    statuses = [status for _, status, _ in stacks.events(stack, "It")]
    assert statuses.index("DELETE_IN_PROGRESS") > statuses.index("UPDATE_COMPLETE")
    reasons = [reason for _, _, reason in stacks.events(stack, "It")]
    assert any("requires the creation of a new physical resource" in reason for reason in reasons)


@pytest.mark.parametrize(
    "change",
    [
        {"Description": "another"},
        {"NetworkConfiguration": {"NetworkMode": "PUBLIC"}},
        {"ExecutionRoleArn": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/x"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_replacement_under_the_same_name_conflicts_and_rolls_back(stacks, control, name, change):
    stack = stacks.create(template(interpreter(name)))
    before = stacks.outputs(stack)["Ref"]

    status = stacks.update(stack, template(interpreter(name, **change)))

    assert status == "UPDATE_ROLLBACK_COMPLETE"
    reasons = [reason for _, status, reason in stacks.events(stack, "It") if "FAILED" in status]
    assert "ConflictException" in reasons[0]
    assert "HandlerErrorCode: AlreadyExists" in reasons[0]
    assert names(control).count(name) == 1
    assert control.get_code_interpreter(codeInterpreterId=before)["status"] == "READY"


def test_a_change_set_says_that_it_replaces(stacks, name):
    stack_name = stacks.name()
    stacks.create(template(interpreter(f"{name}_1")), stack_name)
    change_set = stacks.client.create_change_set(
        StackName=stack_name,
        ChangeSetName="change",
        TemplateBody=stacks.as_body(template(interpreter(f"{name}_2"))),
    )["Id"]
    stacks.client.get_waiter("change_set_create_complete").wait(
        ChangeSetName=change_set, WaiterConfig={"Delay": 0, "MaxAttempts": 200}
    )
    described = stacks.client.describe_change_set(ChangeSetName=change_set)
    assert described["Changes"][0]["ResourceChange"]["Replacement"] == "True"


def test_a_delete_conflicts_while_a_session_is_ready(stacks, control, name, local_aws):
    stack = stacks.create(template(interpreter(name)))
    identifier = stacks.outputs(stack)["Ref"]
    data = local_aws.client("bedrock-agentcore")
    session = data.start_code_interpreter_session(codeInterpreterIdentifier=identifier)

    assert stacks.delete(stack) == "DELETE_FAILED"
    [reason] = [r for _, status, r in stacks.events(stack, "It") if status == "DELETE_FAILED"]
    assert "ConflictException" in reason
    assert "HandlerErrorCode: ResourceConflict" in reason

    data.stop_code_interpreter_session(
        codeInterpreterIdentifier=identifier, sessionId=session["sessionId"]
    )
    assert stacks.delete(stack) == "DELETE_COMPLETE"
    assert name not in names(control)


def test_a_role_that_does_not_trust_the_service_fails_the_stack(stacks, name):
    role = "arn:aws:iam::111122223333:role/nobody"
    stack = stacks.create(template(interpreter(name, ExecutionRoleArn=role)))

    assert stacks.status(stack) == "ROLLBACK_COMPLETE"
    assert any("role validation failed" in event[2] for event in stacks.events(stack))


def test_an_interpreter_that_ends_in_create_failed_is_deleted_in_the_rollback(
    stacks, control, name, local_aws
):
    local_aws.inject("create_fails", resource=f"{name}*", count=1, reason="no capacity")
    stack = stacks.create(template(interpreter(name)))

    assert stacks.status(stack) == "ROLLBACK_COMPLETE"
    assert any("no capacity" in event[2] for event in stacks.events(stack, "It"))
    assert name not in names(control)


@pytest.mark.parametrize(
    ("properties", "problem"),
    [
        ({"Name": "x"}, "required key [NetworkConfiguration] not found"),
        ({"NetworkConfiguration": SANDBOX}, "#: required key [Name] not found"),
        (
            {"Name": "x", "NetworkConfiguration": SANDBOX, "Mode": "y"},
            "#: extraneous key [Mode] is not permitted",
        ),
        (
            {"Name": "x", "NetworkConfiguration": {}},
            "#/NetworkConfiguration: required key [NetworkMode] not found",
        ),
        (
            {"Name": "x", "NetworkConfiguration": {**SANDBOX, "Bogus": 1}},
            "#/NetworkConfiguration: extraneous key [Bogus] is not permitted",
        ),
        (
            {"Name": "x", "NetworkConfiguration": {"NetworkMode": "VPC", "VpcConfig": {}}},
            "#/NetworkConfiguration/VpcConfig: required key [Subnets] not found",
        ),
        (
            {"Name": "x", "NetworkConfiguration": SANDBOX, "Certificates": [{}] * 11},
            "#/Certificates: expected maximum item count: 10, found: 11",
        ),
        (
            {"Name": "x", "NetworkConfiguration": SANDBOX, "Certificates": [{}]},
            "#/Certificates/0: required key [CertificateLocation] not found",
        ),
        (
            {"Name": "has-hyphen", "NetworkConfiguration": {"NetworkMode": "SANDBOX"}},
            "ValidationException",
        ),
    ],
)
def test_properties_that_the_schema_refuses_fail_the_stack(stacks, properties, problem):
    stack = stacks.create({"Resources": {"It": {"Type": TYPE, "Properties": properties}}})

    assert stacks.status(stack) == "ROLLBACK_COMPLETE"
    assert any(problem in event[2] for event in stacks.events(stack, "It"))
