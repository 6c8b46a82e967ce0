"""A failed delete keeps what the failed resource depends on, and can be retried."""

FAILS_ONCE = {"Delete": [{"Status": "FAILED"}, {}]}
FAILS = {"Delete": [{"Status": "FAILED"}]}


def guarded(stacks, make_parameter, script):
    return {
        "Resources": {
            "Needed": make_parameter(),
            "Other": make_parameter(),
            "Guard": stacks.custom(script=script, Needs={"Ref": "Needed"}),
        }
    }


def test_what_a_failed_resource_depends_on_is_kept(stacks, make_parameter):
    stack = stacks.create(guarded(stacks, make_parameter, FAILS_ONCE))

    assert stacks.delete(stack) == "DELETE_FAILED"

    kept = stacks.resources(stack)
    assert set(kept) == {"Needed", "Guard"}
    parameter = kept["Needed"]["PhysicalResourceId"]
    assert stacks.aws.client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"] == "1"
    assert kept["Guard"]["ResourceStatus"] == "DELETE_FAILED"
    assert (
        "The following resource(s) failed to delete: [Guard]"
        in (stacks.describe(stack)["StackStatusReason"])
    )


def test_a_failed_delete_can_be_retried(stacks, make_parameter):
    stack = stacks.create(guarded(stacks, make_parameter, FAILS_ONCE))
    stacks.delete(stack)

    assert stacks.delete(stack) == "DELETE_COMPLETE"
    assert [asked[0] for asked in stacks.asked(stack)] == ["Create", "Delete", "Delete"]


def test_a_retried_delete_leaves_the_resources_that_it_is_told_to_retain(stacks, make_parameter):
    stack = stacks.create(guarded(stacks, make_parameter, FAILS))
    stacks.delete(stack)
    parameter = stacks.resources(stack)["Needed"]["PhysicalResourceId"]

    assert stacks.delete(stack, RetainResources=["Guard"]) == "DELETE_COMPLETE"

    assert ("Guard", "DELETE_SKIPPED", "") in stacks.events(stack)
    remaining = stacks.aws.client("ssm").describe_parameters()["Parameters"]
    assert parameter not in [described["Name"] for described in remaining]


def test_a_forced_delete_retains_what_fails_and_what_that_depends_on(stacks, make_parameter):
    stack = stacks.create(guarded(stacks, make_parameter, FAILS))
    stacks.delete(stack)
    parameter = stacks.resources(stack)["Needed"]["PhysicalResourceId"]

    assert stacks.delete(stack, DeletionMode="FORCE_DELETE_STACK") == "DELETE_COMPLETE"

    assert stacks.aws.client("ssm").get_parameter(Name=parameter)


def test_dependents_are_deleted_before_what_they_depend_on(stacks, make_parameter):
    stack = stacks.create(
        {
            "Resources": {
                "First": stacks.custom(),
                "Second": stacks.custom(Needs={"Ref": "First"}),
                "Third": stacks.custom(DependsOn="Second"),
            }
        }
    )
    stacks.delete(stack)

    deletes = [asked[1] for asked in stacks.asked(stack) if asked[0] == "Delete"]
    assert deletes == ["Third", "Second", "First"]
