"""The custom resource protocol: delivery, the one answer, and what an answer may be."""

import pytest


def one(stacks, script, **properties):
    return {"Resources": {"It": stacks.custom(script={"Create": [script]}, **properties)}}


def failure(stacks, stack):
    reasons = [
        reason for name, status, reason in stacks.events(stack, "It") if status == "CREATE_FAILED"
    ]
    assert len(reasons) == 1
    return reasons[0]


def test_the_service_token_cannot_change(stacks, local_aws):
    stack = stacks.create({"Resources": {"It": stacks.custom()}})
    other = stacks.custom()
    other["Properties"]["ServiceToken"] = stacks.provider_arn + "-other"

    assert stacks.update(stack, {"Resources": {"It": other}}) == "UPDATE_ROLLBACK_COMPLETE"

    assert ("It", "UPDATE_FAILED", "Modifying service token is not allowed.") in (
        stacks.events(stack)
    )
    assert [asked[0] for asked in stacks.asked(stack)] == ["Create"]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ({"padding": 4096}, "Response object is too long."),
        ({"omit": ["PhysicalResourceId"]}, "Invalid PhysicalResourceId"),
        ({"PhysicalResourceId": ""}, "Invalid PhysicalResourceId"),
        ({"PhysicalResourceId": "x" * 1025}, "Invalid PhysicalResourceId"),
        ({"Status": "DONE"}, "Invalid response status 'DONE'"),
        ({"omit": ["Status"]}, "Invalid response status None"),
        ({"StackId": "another"}, "StackId must be copied from the request"),
        ({"RequestId": "another"}, "RequestId must be copied from the request"),
        ({"LogicalResourceId": "another"}, "LogicalResourceId must be copied"),
        ({"Status": "FAILED", "omit": ["Reason"]}, "must have a Reason"),
        ({"Data": ["a", "list"]}, "Data must be a JSON object"),
    ],
)
def test_an_answer_that_breaks_the_protocol_fails_the_resource(stacks, script, reason):
    stack = stacks.create(one(stacks, script))

    assert stacks.status(stack) == "ROLLBACK_COMPLETE"
    assert reason in failure(stacks, stack)


def test_an_answer_of_4096_bytes_is_accepted(stacks):
    stack = stacks.create(one(stacks, {"padding": 3500}))
    assert stacks.status(stack) == "CREATE_COMPLETE"


def test_a_missing_answer_fails_the_resource_after_its_service_timeout(stacks):
    stack = stacks.create(one(stacks, {"times": 0}, ServiceTimeout="1"))

    assert stacks.status(stack) == "ROLLBACK_COMPLETE"
    assert "CloudFormation did not receive a response from your Custom Resource" in (
        failure(stacks, stack)
    )


@pytest.mark.parametrize("timeout", [0, 3601, "1.5", "soon"])
def test_a_service_timeout_is_an_integer_from_1_to_3600(stacks, timeout):
    stack = stacks.create(one(stacks, {}, ServiceTimeout=timeout))

    assert stacks.status(stack) == "ROLLBACK_COMPLETE"
    assert "ServiceTimeout must be an integer between 1 and 3600" in failure(stacks, stack)
    assert stacks.asked(stack) == []


def test_only_the_first_answer_counts(stacks):
    stack = stacks.create(one(stacks, {"times": 3}))

    assert stacks.status(stack) == "CREATE_COMPLETE"
    stacks.delete(stack)
    answers = [request["answers"] for request in stacks.requests(stack)]
    assert answers == [3, 1]


def test_an_event_may_be_delivered_more_than_once(stacks, local_aws):
    local_aws.inject("custom_resource_repeated", resource="It")
    stack = stacks.create(one(stacks, {}))
    assert stacks.status(stack) == "CREATE_COMPLETE"
    stacks.delete(stack)

    def all_answered():
        return [request["answers"] for request in stacks.requests(stack)] == [3, 3]

    stacks.wait_until(all_answered)
    assert [request["deliveries"] for request in stacks.requests(stack)] == [3, 3]
    assert [request["outcome"] for request in stacks.requests(stack)] == ["SUCCESS", "SUCCESS"]


def test_a_function_that_ends_with_an_error_is_run_again(stacks):
    stacks.set(retry_delays=[0.0, 0.0])
    stack = stacks.create(one(stacks, {"raise_first": True}))

    assert stacks.status(stack) == "CREATE_COMPLETE"
    assert stacks.requests(stack)[0]["deliveries"] == 2


def test_a_function_that_is_gone_fails_the_resource_that_needs_it(stacks):
    resource = stacks.custom()
    resource["Properties"]["ServiceToken"] += "-gone"
    stack = stacks.create({"Resources": {"It": resource}})

    assert stacks.status(stack) == "ROLLBACK_COMPLETE"
    assert "Function not found" in failure(stacks, stack)


def test_the_attributes_of_the_answer_can_be_read(stacks):
    template = one(stacks, {}, value="seven")
    template["Outputs"] = {"Value": {"Value": {"Fn::GetAtt": ["It", "Value"]}}}
    assert stacks.outputs(stacks.create(template)) == {"Value": "seven"}


def test_an_attribute_that_was_not_answered_fails_the_stack(stacks):
    template = one(stacks, {})
    template["Outputs"] = {"Value": {"Value": {"Fn::GetAtt": ["It", "Missing"]}}}
    assert stacks.status(stacks.create(template)) == "ROLLBACK_COMPLETE"
