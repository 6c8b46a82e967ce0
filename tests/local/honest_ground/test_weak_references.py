"""`Fn::GetStackOutput`: read when the consumer is deployed, and never afterwards."""

import pytest
from botocore.exceptions import ClientError


def producer(make_parameter, value="1"):
    return {"Resources": {"Made": make_parameter(value)}, "Outputs": {"Out": {"Value": value}}}


def consumer(make_parameter, name, **rest):
    reference = {"Fn::GetStackOutput": {"StackName": name, "OutputName": "Out", **rest}}
    return {
        "Resources": {"Reader": make_parameter({"Fn::Join": ["", ["", reference]]})},
        "Outputs": {"Read": {"Value": reference}},
    }


def test_an_output_of_another_stack_is_read_without_an_export(stacks, make_parameter):
    name = stacks.name()
    stacks.create(producer(make_parameter), name)
    assert stacks.outputs(stacks.create(consumer(make_parameter, name))) == {"Read": "1"}


def test_the_producer_may_change_and_go(stacks, make_parameter):
    name = stacks.name()
    producing = stacks.create(producer(make_parameter), name)
    reading = stacks.create(consumer(make_parameter, name))

    assert stacks.update(producing, producer(make_parameter, "2")) == "UPDATE_COMPLETE"
    assert stacks.outputs(reading) == {"Read": "1"}
    assert stacks.delete(producing) == "DELETE_COMPLETE"
    assert stacks.outputs(reading) == {"Read": "1"}


def test_a_consumer_whose_template_is_the_same_is_not_updated(stacks, make_parameter):
    name = stacks.name()
    producing = stacks.create(producer(make_parameter), name)
    template = consumer(make_parameter, name)
    reading = stacks.create(template)
    stacks.update(producing, producer(make_parameter, "2"))

    with pytest.raises(ClientError, match="No updates are to be performed"):
        stacks.update(reading, template)

    template["Resources"]["Reader"]["Properties"]["Description"] = "read again"
    assert stacks.update(reading, template) == "UPDATE_COMPLETE"
    assert stacks.outputs(reading) == {"Read": "2"}


@pytest.mark.parametrize("change", ["deleted", "without the output"])
def test_an_output_that_is_not_there_fails_the_consumer(stacks, make_parameter, change):
    name = stacks.name()
    producing = stacks.create(producer(make_parameter), name)
    if change == "deleted":
        stacks.delete(producing)
    else:
        stacks.update(producing, {"Resources": {"Made": make_parameter("2")}})

    assert stacks.status(stacks.create(consumer(make_parameter, name))) == "ROLLBACK_COMPLETE"


def test_an_output_of_another_region_is_read(stacks, make_parameter, local_aws):
    name = stacks.name()
    there = local_aws.client("cloudformation", region_name="eu-central-1")
    there.create_stack(
        StackName=name, TemplateBody=stacks.as_body(producer(make_parameter, "far away"))
    )
    there.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 0, "MaxAttempts": 200}
    )

    reading = stacks.create(consumer(make_parameter, name, Region="eu-central-1"))

    assert stacks.outputs(reading) == {"Read": "far away"}, stacks.events(reading)
    assert stacks.status(stacks.create(consumer(make_parameter, name))) == "ROLLBACK_COMPLETE"
