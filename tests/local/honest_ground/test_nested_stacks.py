"""Nested stacks deploy, update, roll back and go with their parent."""

import json

import pytest


@pytest.fixture
def child_url(stacks):
    """Store a child template and return its URL."""
    s3 = stacks.aws.client("s3")
    bucket = stacks.name()
    s3.create_bucket(Bucket=bucket)

    def store(template):
        key = f"{stacks.name()}.json"
        s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(template).encode())
        return f"{stacks.aws.endpoint_url}/{bucket}/{key}"

    return store


def parent(url, *, value="1", **resources):
    return {
        "Resources": {
            "Child": {
                "Type": "AWS::CloudFormation::Stack",
                "Properties": {"TemplateURL": url, "Parameters": {"Value": value}},
            },
            **resources,
        },
        "Outputs": {"FromChild": {"Value": {"Fn::GetAtt": ["Child", "Outputs.Out"]}}},
    }


def child(stacks, make_parameter, *, script=None, attribute="Value", **resources):
    return {
        "Parameters": {"Value": {"Type": "String"}},
        "Resources": {
            "It": stacks.custom({"Ref": "Value"}, script=script),
            "Unchanged": stacks.custom("constant"),
            **resources,
        },
        "Outputs": {
            "Out": {"Value": {"Fn::GetAtt": ["It", attribute]}},
            "Constant": {"Value": {"Fn::GetAtt": ["Unchanged", "Value"]}},
        },
    }


def child_id(stacks, stack):
    return stacks.resources(stack)["Child"]["PhysicalResourceId"]


def test_a_nested_stack_is_created_updated_and_deleted_with_its_parent(
    stacks, make_parameter, child_url
):
    url = child_url(child(stacks, make_parameter))
    stack = stacks.create(parent(url))
    nested = child_id(stacks, stack)
    assert stacks.status(nested) == "CREATE_COMPLETE"

    assert stacks.update(stack, parent(url, value="2")) == "UPDATE_COMPLETE"
    assert stacks.outputs(stack) == {"FromChild": "2"}
    assert stacks.status(nested) == "UPDATE_COMPLETE"

    assert stacks.delete(stack) == "DELETE_COMPLETE"
    assert stacks.status(nested) == "DELETE_COMPLETE"


def test_an_update_keeps_the_attributes_of_resources_that_did_not_change(
    stacks, make_parameter, child_url
):
    url = child_url(child(stacks, make_parameter))
    stack = stacks.create(parent(url))
    stacks.update(stack, parent(url, value="2"))

    assert stacks.outputs(child_id(stacks, stack))["Constant"] == "constant"


def test_a_replacement_in_a_nested_stack_deletes_its_predecessor_after_the_parents_update(
    stacks, make_parameter, child_url
):
    script = {"Update": [{"PhysicalResourceId": "second"}]}
    url = child_url(child(stacks, make_parameter, script=script))
    last = stacks.custom("1", DependsOn="Child")
    stack = stacks.create(parent(url, Last=last))
    changed = stacks.custom("2", DependsOn="Child")
    stacks.update(stack, parent(url, value="2", Last=changed))

    nested = child_id(stacks, stack)
    assert stacks.asked(nested)[-1] == ("Delete", "It", "It")
    order = [
        request["logicalId"] + request["requestType"]
        for request in stacks.aws.admin("GET", "cloudformation/requests")["requests"]
        if request["stackId"] in (stack, nested)
    ]
    assert order[-2:] == ["LastUpdate", "ItDelete"]


def test_a_failed_delete_in_a_nested_stack_fails_its_parent(stacks, make_parameter, child_url):
    script = {"Delete": [{"Status": "FAILED"}, {}]}
    url = child_url(child(stacks, make_parameter, script=script))
    stack = stacks.create(parent(url))
    nested = child_id(stacks, stack)

    assert stacks.delete(stack) == "DELETE_FAILED"
    assert stacks.status(nested) == "DELETE_FAILED"
    assert any("was not successfully deleted" in event[2] for event in stacks.events(stack))

    assert stacks.delete(stack) == "DELETE_COMPLETE"
    assert stacks.status(nested) == "DELETE_COMPLETE"


def test_a_nested_stack_that_cannot_be_created_is_deleted_in_the_rollback(
    stacks, make_parameter, child_url
):
    script = {"Create": [{"Status": "FAILED", "PhysicalResourceId": "half-made"}]}
    url = child_url(child(stacks, make_parameter, script=script))
    stack = stacks.create(parent(url))

    assert stacks.status(stack) == "ROLLBACK_COMPLETE"
    reason = next(r for _, s, r in stacks.events(stack, "Child") if s == "CREATE_FAILED")
    assert "was not successfully created: The following resource(s) failed to create: [It]" in (
        reason
    )
    nested = reason.split("Embedded stack ")[1].split(" ")[0]
    assert stacks.asked(nested) == [("Create", "It", None), ("Delete", "It", "half-made")]


def test_a_nested_stack_goes_back_with_its_parent(stacks, make_parameter, child_url):
    url = child_url(child(stacks, make_parameter))
    fails = {"Update": [{"Status": "FAILED"}, {}]}
    stack = stacks.create(parent(url, Last=stacks.custom("1", script=fails, DependsOn="Child")))
    changed = parent(url, value="2", Last=stacks.custom("2", script=fails, DependsOn="Child"))

    assert stacks.update(stack, changed) == "UPDATE_ROLLBACK_COMPLETE"

    nested = child_id(stacks, stack)
    assert stacks.status(nested) == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.outputs(nested)["Out"] == "1"
    assert stacks.asked(nested)[-1] == ("Update", "It", "It")


def test_a_nested_stack_that_cannot_be_updated_goes_back_itself(stacks, make_parameter, child_url):
    url = child_url(child(stacks, make_parameter, script={"Update": [{"Status": "FAILED"}, {}]}))
    stack = stacks.create(parent(url))

    assert stacks.update(stack, parent(url, value="2")) == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.status(child_id(stacks, stack)) == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.outputs(stack) == {"FromChild": "1"}


def test_a_nested_stack_removed_from_its_parent_is_deleted(stacks, make_parameter, child_url):
    url = child_url(child(stacks, make_parameter))
    stack = stacks.create(parent(url))
    nested = child_id(stacks, stack)

    assert stacks.update(stack, {"Resources": {"Only": make_parameter()}}) == "UPDATE_COMPLETE"
    assert stacks.status(nested) == "DELETE_COMPLETE"


def test_stacks_nest_twice(stacks, make_parameter, child_url):
    inner = child(stacks, make_parameter)
    middle = {
        "Parameters": {"Value": {"Type": "String"}},
        "Resources": {
            "Inner": {
                "Type": "AWS::CloudFormation::Stack",
                "Properties": {
                    "TemplateURL": child_url(inner),
                    "Parameters": {"Value": {"Ref": "Value"}},
                },
            }
        },
        "Outputs": {"Out": {"Value": {"Fn::GetAtt": ["Inner", "Outputs.Out"]}}},
    }
    url = child_url(middle)
    stack = stacks.create(parent(url))
    assert stacks.update(stack, parent(url, value="2")) == "UPDATE_COMPLETE"
    assert stacks.outputs(stack) == {"FromChild": "2"}
    inner_id = stacks.resources(child_id(stacks, stack))["Inner"]["PhysicalResourceId"]

    assert stacks.delete(stack) == "DELETE_COMPLETE"
    assert stacks.status(inner_id) == "DELETE_COMPLETE"
