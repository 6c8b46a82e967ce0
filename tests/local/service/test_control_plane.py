"""CreateCodeInterpreter, Get, List, Delete and tags, through a real client."""

from __future__ import annotations

import re
from typing import Any

import pytest

from agentcore_local.service.backend import Caller
from agentcore_local.service.behavior import ServiceBehavior
from agentcore_local.service.errors import ServiceError

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Execution"
OTHERS = ["DeleteCodeInterpreter", "TagResource", "UntagResource", "ListTagsForResource"]
SANDBOX = {"networkMode": "SANDBOX"}
VPC_CONFIG = {"securityGroups": ["sg-12345678"], "subnets": ["subnet-12345678"]}
CALLER = Caller(
    access_key_id="test", account=ACCOUNT, region="us-east-1", arn=f"arn:aws:iam::{ACCOUNT}:root"
)


def test_an_interpreter_is_creating_then_ready(start_local: Any) -> None:
    local = start_local(behavior=ServiceBehavior(create_seconds=30))
    created = local.control.create_code_interpreter(
        name="analysis", networkConfiguration=SANDBOX, description="for analysts"
    )
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert created["status"] == "CREATING"
    identifier = created["codeInterpreterId"]
    assert re.fullmatch("analysis-[a-zA-Z0-9]{10}", identifier)
    arn = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:code-interpreter-custom/{identifier}"
    assert created["codeInterpreterArn"] == arn
    get = local.control.get_code_interpreter
    assert get(codeInterpreterId=identifier)["status"] == "CREATING"
    local.backend.clock_offset += 31
    ready = get(codeInterpreterId=identifier)
    assert ready["status"] == "READY"
    assert ready["description"] == "for analysts"
    assert ready["networkConfiguration"] == SANDBOX
    assert 29 < (ready["lastUpdatedAt"] - ready["createdAt"]).total_seconds() < 31


def test_everything_it_was_created_with_can_be_read_back(local: Any) -> None:
    secret = "arn:aws:secretsmanager:us-east-1:111122223333:secret:ca-AbCdEf"
    given = {
        "description": "all of it",
        "executionRoleArn": ROLE,
        "networkConfiguration": {"networkMode": "VPC", "vpcConfig": VPC_CONFIG},
        "certificates": [{"location": {"secretsManager": {"secretArn": secret}}}],
    }
    identifier = local.create("full", tags={"team": "data"}, **given)
    found = local.control.get_code_interpreter(codeInterpreterId=identifier)
    assert {key: found[key] for key in given} == given
    assert local.control.list_tags_for_resource(resourceArn=found["codeInterpreterArn"])[
        "tags"
    ] == {"team": "data"}


def test_a_name_is_unique_until_its_interpreter_is_gone(local: Any) -> None:
    first = local.create("unique")
    create = local.control.create_code_interpreter
    params = {"name": "unique", "networkConfiguration": SANDBOX}
    assert local.error(create, **params)[:2] == ("ConflictException", 409)
    local.service.faults.inject("delete_stays_deleting")
    local.control.delete_code_interpreter(codeInterpreterId=first)
    assert local.error(create, **params)[:2] == ("ConflictException", 409)
    local.service.faults.clear()
    local.backend.clock_offset += 1
    assert create(**params)["codeInterpreterId"] != first


def test_accounts_and_regions_do_not_see_each_other(local: Any) -> None:
    identifier = local.create("mine")
    for other in (
        local.client("bedrock-agentcore-control", key="AKIA444455556666"),
        local.client("bedrock-agentcore-control", region="eu-west-1"),
    ):
        code, status, _ = local.error(other.get_code_interpreter, codeInterpreterId=identifier)
        assert (code, status) == ("ResourceNotFoundException", 404)
        assert other.list_code_interpreters(type="CUSTOM")["codeInterpreterSummaries"] == []
        other.create_code_interpreter(name="mine", networkConfiguration=SANDBOX)


def test_a_deleted_interpreter_is_deleting_then_gone(start_local: Any) -> None:
    local = start_local(behavior=ServiceBehavior(delete_seconds=30))
    identifier = local.create("leaving")
    deleted = local.control.delete_code_interpreter(codeInterpreterId=identifier)
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert deleted["status"] == "DELETING"
    get = local.control.get_code_interpreter
    assert get(codeInterpreterId=identifier)["status"] == "DELETING"
    start = local.data.start_code_interpreter_session
    assert local.error(start, codeInterpreterIdentifier=identifier)[0] == "ConflictException"
    local.backend.clock_offset += 31
    assert local.error(get, codeInterpreterId=identifier)[0] == "ResourceNotFoundException"
    delete = local.control.delete_code_interpreter
    assert local.error(delete, codeInterpreterId=identifier)[0] == "ResourceNotFoundException"


def test_a_deleted_interpreter_may_stay_visible_as_deleted(start_local: Any) -> None:
    local = start_local(behavior=ServiceBehavior(deleted_stays_visible_seconds=60))
    identifier = local.create("soft")
    local.control.delete_code_interpreter(codeInterpreterId=identifier)
    local.backend.clock_offset += 1
    get = local.control.get_code_interpreter
    assert get(codeInterpreterId=identifier)["status"] == "DELETED"
    local.backend.clock_offset += 61
    assert local.error(get, codeInterpreterId=identifier)[0] == "ResourceNotFoundException"


def test_an_interpreter_with_ready_sessions_is_not_deleted(local: Any) -> None:
    identifier = local.create("busy")
    session = local.session(identifier)
    delete = local.control.delete_code_interpreter
    code, status, response = local.error(delete, codeInterpreterId=identifier)
    assert (code, status) == ("ConflictException", 409)
    assert "1 active session" in response["Error"]["Message"]
    session.stop()
    assert delete(codeInterpreterId=identifier)["status"] == "DELETING"


def test_where_deletion_ends_sessions_their_processes_end_too(start_local: Any) -> None:
    local = start_local(behavior=ServiceBehavior(delete_with_ready_sessions_conflicts=False))
    identifier = local.create("busy")
    session = local.session(identifier)
    pid = int(session.run("import os; print(os.getpid())")["structuredContent"]["stdout"])
    local.control.delete_code_interpreter(codeInterpreterId=identifier)
    local.wait_for(local.service._work.finish())
    assert not local.process_exists(pid)


def test_the_system_interpreter_is_there_and_cannot_be_deleted(local: Any) -> None:
    system = local.control.get_code_interpreter(codeInterpreterId="aws.codeinterpreter.v1")
    assert system["codeInterpreterArn"] == (
        "arn:aws:bedrock-agentcore:us-east-1:aws:code-interpreter/aws.codeinterpreter.v1"
    )
    delete = local.control.delete_code_interpreter
    code, _, _ = local.error(delete, codeInterpreterId="aws.codeinterpreter.v1")
    assert code == "ValidationException"
    listed = local.control.list_code_interpreters(type="SYSTEM")["codeInterpreterSummaries"]
    assert [each["codeInterpreterId"] for each in listed] == ["aws.codeinterpreter.v1"]


def test_all_pages_of_a_list_hold_each_interpreter_once(local: Any) -> None:
    made = {local.create(f"page{number}") for number in range(13)}
    first = local.control.list_code_interpreters(type="CUSTOM")
    assert len(first["codeInterpreterSummaries"]) == 10
    pages = local.control.get_paginator("list_code_interpreters").paginate(
        type="CUSTOM", PaginationConfig={"PageSize": 4}
    )
    seen = [
        each["codeInterpreterId"] for page in pages for each in page["codeInterpreterSummaries"]
    ]
    assert sorted(seen) == sorted(made)


@pytest.mark.parametrize("token", ["nonsense", "AAAA", "!"])
def test_a_token_that_the_list_did_not_give_is_refused(local: Any, token: str) -> None:
    code, _, response = local.error(local.control.list_code_interpreters, nextToken=token)
    assert code == "ValidationException"
    assert response["fieldList"][0]["name"] == "nextToken"


def test_a_token_is_good_for_its_own_list_only(local: Any) -> None:
    for number in range(3):
        local.create(f"filtered{number}")
    token = local.control.list_code_interpreters(type="CUSTOM", maxResults=1)["nextToken"]
    code, _, _ = local.error(local.control.list_code_interpreters, nextToken=token)
    assert code == "ValidationException"


def test_tags_change_in_place(local: Any) -> None:
    identifier = local.create("tagged", tags={"team": "data", "stage": "test"})
    arn = local.control.get_code_interpreter(codeInterpreterId=identifier)["codeInterpreterArn"]
    local.control.tag_resource(resourceArn=arn, tags={"stage": "live", "cost": "42"})
    local.control.untag_resource(resourceArn=arn, tagKeys=["team", "unknown"])
    tags = local.control.list_tags_for_resource(resourceArn=arn)["tags"]
    assert tags == {"stage": "live", "cost": "42"}


def test_no_resource_has_more_than_fifty_tags(local: Any) -> None:
    identifier = local.create("tagged", tags={f"key{number}": "" for number in range(49)})
    arn = local.control.get_code_interpreter(codeInterpreterId=identifier)["codeInterpreterArn"]
    tag = local.control.tag_resource
    code, _, _ = local.error(tag, resourceArn=arn, tags={"one": "1", "two": "2"})
    assert code == "ValidationException"
    assert len(local.control.list_tags_for_resource(resourceArn=arn)["tags"]) == 49


def test_tags_of_what_does_not_exist_are_not_found(local: Any) -> None:
    arn = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:code-interpreter-custom/no-1234567890"
    code, status, _ = local.error(local.control.list_tags_for_resource, resourceArn=arn)
    assert (code, status) == ("ResourceNotFoundException", 404)


@pytest.mark.parametrize(
    "network",
    [{"networkMode": "VPC"}, {"networkMode": "SANDBOX", "vpcConfig": VPC_CONFIG}],
    ids=["vpc without its configuration", "sandbox with a vpc's configuration"],
)
def test_network_mode_and_vpc_configuration_go_together(local: Any, network: Any) -> None:
    create = local.control.create_code_interpreter
    code, _, response = local.error(create, name="net", networkConfiguration=network)
    assert code == "ValidationException"
    assert response["reason"] == "FieldValidationFailed"
    assert response["fieldList"][0]["name"] == "networkConfiguration.vpcConfig"


def test_a_role_that_does_not_trust_the_service_is_refused(local: Any) -> None:
    local.backend.trust_errors[ROLE] = "its trust policy names another service"
    create = local.control.create_code_interpreter
    params = {"name": "untrusted", "networkConfiguration": SANDBOX, "executionRoleArn": ROLE}
    code, _, response = local.error(create, **params)
    assert code == "ValidationException"
    # Terraform's provider retries on exactly this text.
    assert "CodeInterpreter role validation failed" in response["Error"]["Message"]
    assert local.control.list_code_interpreters(type="CUSTOM")["codeInterpreterSummaries"] == []


def test_who_may_not_pass_the_role_cannot_create_with_it(local: Any) -> None:
    local.backend.denied_actions.add("iam:PassRole")
    create = local.control.create_code_interpreter
    params = {"name": "passed", "networkConfiguration": SANDBOX}
    code, status, _ = local.error(create, **params, executionRoleArn=ROLE)
    assert (code, status) == ("AccessDeniedException", 403)
    create(**params)


def test_creation_is_authorized_with_its_condition_keys(local: Any) -> None:
    network = {"networkMode": "VPC", "vpcConfig": VPC_CONFIG}
    local.create("keys", networkConfiguration=network, tags={"team": "data"})
    asked = {action: (arn, context) for action, arn, context in local.backend.authorized}
    arn, context = asked["bedrock-agentcore:CreateCodeInterpreter"]
    assert arn == "*"
    assert context == {
        "bedrock-agentcore:subnets": ["subnet-12345678"],
        "bedrock-agentcore:securityGroups": ["sg-12345678"],
        "aws:RequestTag/team": "data",
        "aws:TagKeys": ["team"],
    }
    arn, context = asked["bedrock-agentcore:GetCodeInterpreter"]
    assert ":111122223333:code-interpreter-custom/keys-" in arn
    assert context == {"aws:ResourceTag/team": "data"}


@pytest.mark.parametrize(
    "action",
    ["CreateCodeInterpreter", "GetCodeInterpreter", "ListCodeInterpreters", *OTHERS],
)
def test_each_operation_can_be_denied_and_then_changes_nothing(local: Any, action: str) -> None:
    identifier = local.create("guarded", tags={"a": "1"})
    arn = local.control.get_code_interpreter(codeInterpreterId=identifier)["codeInterpreterArn"]
    calls = {
        "CreateCodeInterpreter": {"name": "other", "networkConfiguration": SANDBOX},
        "GetCodeInterpreter": {"codeInterpreterId": identifier},
        "ListCodeInterpreters": {},
        "DeleteCodeInterpreter": {"codeInterpreterId": identifier},
        "TagResource": {"resourceArn": arn, "tags": {"a": "2"}},
        "UntagResource": {"resourceArn": arn, "tagKeys": ["a"]},
        "ListTagsForResource": {"resourceArn": arn},
    }
    method = re.sub("(?<!^)([A-Z])", r"_\1", action).lower()
    local.backend.denied_actions.add(f"bedrock-agentcore:{action}")
    code, status, _ = local.error(getattr(local.control, method), **calls[action])
    assert (code, status) == ("AccessDeniedException", 403)
    local.backend.denied_actions.clear()
    found = local.control.list_code_interpreters(type="CUSTOM")["codeInterpreterSummaries"]
    assert [(each["codeInterpreterId"], each["status"]) for each in found] == [
        (identifier, "READY")
    ]
    assert local.control.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "1"}


def test_a_creation_can_fail_after_it_was_accepted(local: Any) -> None:
    local.service.faults.inject("create_fails", count=1, reason="no subnet has addresses left")
    created = local.control.create_code_interpreter(name="doomed", networkConfiguration=SANDBOX)
    local.backend.clock_offset += 1
    identifier = created["codeInterpreterId"]
    found = local.control.get_code_interpreter(codeInterpreterId=identifier)
    assert found["status"] == "CREATE_FAILED"
    assert found["failureReason"] == "no subnet has addresses left"
    start = local.data.start_code_interpreter_session
    assert local.error(start, codeInterpreterIdentifier=identifier)[0] == "ConflictException"
    local.control.delete_code_interpreter(codeInterpreterId=identifier)


def test_an_interpreter_can_stay_creating_and_is_not_deleted_then(local: Any) -> None:
    local.service.faults.inject("create_stays_creating")
    created = local.control.create_code_interpreter(name="slow", networkConfiguration=SANDBOX)
    local.backend.clock_offset += 3600
    identifier = created["codeInterpreterId"]
    get = local.control.get_code_interpreter
    assert get(codeInterpreterId=identifier)["status"] == "CREATING"
    delete = local.control.delete_code_interpreter
    assert local.error(delete, codeInterpreterId=identifier)[0] == "ConflictException"
    local.service.faults.clear()
    assert get(codeInterpreterId=identifier)["status"] == "READY"


def test_cloudformation_may_call_within_the_process(local: Any) -> None:
    service = local.service
    created = service.create_code_interpreter(
        {"name": "stack", "networkConfiguration": SANDBOX}, CALLER
    )
    identifier, arn = created["codeInterpreterId"], created["codeInterpreterArn"]
    service.tag(arn, {"team": "data"}, CALLER)
    assert service.list_tags(arn, CALLER) == {"team": "data"}
    service.untag(arn, ["team"], CALLER)
    local.backend.clock_offset += 1
    assert service.get_code_interpreter(identifier, CALLER)["status"] == "READY"
    session = local.session(identifier)
    with pytest.raises(ServiceError) as conflict:
        service.delete_code_interpreter(identifier, CALLER)
    assert conflict.value.code == "ConflictException"
    session.stop()
    assert service.delete_code_interpreter(identifier, CALLER)["status"] == "DELETING"
    with pytest.raises(ServiceError) as refused:
        service.create_code_interpreter({"name": "-", "networkConfiguration": SANDBOX}, CALLER)
    assert refused.value.reason == "FieldValidationFailed"
    service.faults.inject("server_error", operation="GetCodeInterpreter")
    with pytest.raises(ServiceError) as failed:
        service.get_code_interpreter(identifier, CALLER)
    assert failed.value.http_status == 500
