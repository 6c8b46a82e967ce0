"""A change set is executable if the template says anything else, listed or not.

https://github.com/aws/aws-cdk/pull/2029: a change set of nothing but outputs has no changes to
list, can be executed, and is what `cdk deploy` executes.
"""

import pytest
from botocore.exceptions import ClientError

NO_CHANGES = "The submitted information didn't contain changes."


@pytest.fixture
def change(stacks):
    """Make a change set, and execute it if that is possible; how it was described before."""

    def go(stack, template, **options):
        names = {"StackName": stack, "ChangeSetName": "change"}
        stacks.client.create_change_set(**names, TemplateBody=stacks.as_body(template), **options)
        described = stacks.client.describe_change_set(**names)
        if described["ExecutionStatus"] == "AVAILABLE":
            stacks.client.execute_change_set(**names)
            assert stacks.settle(stack) == "UPDATE_COMPLETE"
        return described

    return go


def with_outputs(make_parameter, **outputs):
    return {
        "Parameters": {"Word": {"Type": "String", "Default": "one"}},
        "Conditions": {"Two": {"Fn::Equals": [{"Ref": "Word"}, "two"]}},
        "Resources": {"Made": make_parameter()},
        "Outputs": outputs,
    }


def test_an_output_alone_is_a_change_that_is_not_listed(stacks, make_parameter, change):
    stack = stacks.create(with_outputs(make_parameter))

    described = change(stack, with_outputs(make_parameter, New={"Value": {"Ref": "Made"}}))

    assert (described["Status"], described["Changes"]) == ("CREATE_COMPLETE", [])
    made = stacks.resources(stack)["Made"]["PhysicalResourceId"]
    assert stacks.outputs(stack) == {"New": made}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"Value": "1"}, {"Value": "2"}),
        ({"Value": "1"}, {"Value": "1", "Description": "described"}),
        ({"Value": "1", "Export": {"Name": "a"}}, {"Value": "1", "Export": {"Name": "b"}}),
        ({"Value": "1"}, None),
    ],
)
def test_whatever_changes_of_an_output_is_a_change(stacks, make_parameter, change, before, after):
    stack = stacks.create(with_outputs(make_parameter, Out=before))

    described = change(stack, with_outputs(make_parameter, **({"Out": after} if after else {})))

    assert (described["Status"], described["Changes"]) == ("CREATE_COMPLETE", [])
    outputs = stacks.describe(stack).get("Outputs", [])
    assert [each["OutputValue"] for each in outputs] == ([after["Value"]] if after else [])
    stacks.delete(stack)


@pytest.mark.parametrize(
    "output", [{"Value": {"Ref": "Word"}}, {"Value": "there", "Condition": "Two"}]
)
def test_a_parameter_that_only_an_output_uses_is_a_change(stacks, make_parameter, change, output):
    template = with_outputs(make_parameter, Out=output)
    stack = stacks.create(template)
    before = stacks.outputs(stack)

    two = [{"ParameterKey": "Word", "ParameterValue": "two"}]
    described = change(stack, template, Parameters=two)

    assert described["Status"] == "CREATE_COMPLETE"
    assert stacks.outputs(stack) != before


def test_the_same_template_is_no_change(stacks, make_parameter, change):
    template = with_outputs(make_parameter, Out={"Value": {"Ref": "Made"}})
    stack = stacks.create(template)

    described = change(stack, template)

    assert (described["Status"], described["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert described["StatusReason"].startswith(NO_CHANGES)
    with pytest.raises(ClientError):
        stacks.client.execute_change_set(StackName=stack, ChangeSetName="change")


def test_a_template_that_comes_to_the_same_is_a_change(stacks, make_parameter, change):
    stack = stacks.create(with_outputs(make_parameter))
    template = with_outputs(make_parameter)
    template["Resources"]["Made"] = make_parameter({"Fn::Join": ["", ["1"]]})

    assert change(stack, template)["Status"] == "CREATE_COMPLETE"

    assert stacks.client.get_template(StackName=stack)["TemplateBody"] == template


def test_a_stack_that_a_change_set_failed_to_create_is_deleted_by_its_template(
    stacks, make_parameter
):
    """`cdk deploy` creates by change sets: policies and dependencies count after a failure too."""
    script = {"Create": [{"Status": "FAILED"}], "Delete": [{"Status": "FAILED"}, {}]}
    # By their names alone they would go in the other order.
    template = {
        "Resources": {
            "Guard": stacks.custom(script=script, DependsOn="Needed"),
            "Needed": stacks.custom(Needs={"Ref": "Kept"}),
            "Kept": make_parameter(DeletionPolicy="Retain"),
        }
    }
    names = {"StackName": stacks.name(), "ChangeSetName": "create"}
    stack = stacks.client.create_change_set(
        **names, ChangeSetType="CREATE", TemplateBody=stacks.as_body(template)
    )["StackId"]
    stacks.client.execute_change_set(**names)
    assert stacks.settle(stack) == "ROLLBACK_FAILED"
    parameter = stacks.resources(stack)["Kept"]["PhysicalResourceId"]

    assert stacks.delete(stack) == "DELETE_COMPLETE"

    deletes = [asked[1] for asked in stacks.asked(stack) if asked[0] == "Delete"]
    assert deletes == ["Guard", "Guard", "Needed"]
    assert stacks.aws.client("ssm").get_parameter(Name=parameter)
