"""A failed update goes back to what was there before."""

import pytest


def template(stacks, value, *, first, second=None):
    return {
        "Resources": {
            "First": stacks.custom(value, script=first),
            "Second": stacks.custom(value, script=second, DependsOn="First"),
        }
    }


FAILS_ONCE = {"Update": [{"Status": "FAILED"}, {}]}


def test_what_was_updated_is_sent_its_old_properties(stacks):
    stack = stacks.create(template(stacks, "1", first={}, second=FAILS_ONCE))

    status = stacks.update(stack, template(stacks, "2", first={}, second=FAILS_ONCE))

    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert [asked[:2] for asked in stacks.asked(stack)][2:] == [
        ("Update", "First"),
        ("Update", "Second"),
        ("Update", "First"),
        ("Update", "Second"),
    ]
    assert stacks.statuses(stack)[-4:] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]
    attribute = stacks.client.get_template(StackName=stack)["TemplateBody"]
    assert attribute["Resources"]["First"]["Properties"]["Value"] == "1"


def test_a_new_physical_id_is_deleted_and_the_old_one_kept(stacks):
    first = {"Update": [{"PhysicalResourceId": "second-id"}]}
    stack = stacks.create(template(stacks, "1", first=first, second=FAILS_ONCE))
    stacks.update(stack, template(stacks, "2", first=first, second=FAILS_ONCE))

    of_first = [asked for asked in stacks.asked(stack) if asked[1] == "First"]
    assert of_first == [
        ("Create", "First", None),
        ("Update", "First", "First"),
        ("Delete", "First", "second-id"),
    ]
    assert stacks.resources(stack)["First"]["PhysicalResourceId"] == "First"


def test_a_failed_update_that_answered_a_new_id_gets_the_delete_of_it(stacks):
    script = {"Update": [{"Status": "FAILED", "PhysicalResourceId": "half-made"}]}
    stack = stacks.create({"Resources": {"It": stacks.custom("1", script=script)}})
    stacks.update(stack, {"Resources": {"It": stacks.custom("2", script=script)}})

    assert stacks.asked(stack)[1:] == [("Update", "It", "It"), ("Delete", "It", "half-made")]
    assert stacks.resources(stack)["It"]["PhysicalResourceId"] == "It"


def test_what_the_update_added_is_deleted(stacks, make_parameter):
    stack = stacks.create({"Resources": {"It": stacks.custom("1", script=FAILS_ONCE)}})
    added = {
        "Added": stacks.custom(),
        "It": stacks.custom("2", script=FAILS_ONCE, DependsOn="Added"),
    }
    stacks.update(stack, {"Resources": added})

    assert stacks.asked(stack)[-1] == ("Delete", "Added", "Added")
    assert set(stacks.resources(stack)) == {"It"}


def test_what_the_update_would_have_removed_is_still_there(stacks, make_parameter):
    before = {
        "Resources": {
            "It": stacks.custom("1", script=FAILS_ONCE),
            "Removed": make_parameter(),
        }
    }
    stack = stacks.create(before)
    stacks.update(stack, {"Resources": {"It": stacks.custom("2", script=FAILS_ONCE)}})

    removed = stacks.resources(stack)["Removed"]["PhysicalResourceId"]
    assert stacks.aws.client("ssm").get_parameter(Name=removed)


@pytest.fixture
def stuck(stacks):
    """A stack whose rollback failed because its first resource cannot go back."""
    first = {"Update": [{}, {"Status": "FAILED"}, {}]}
    second = {"Update": [{"Status": "FAILED"}, {}]}
    stack = stacks.create(template(stacks, "1", first=first, second=second))
    status = stacks.update(stack, template(stacks, "2", first=first, second=second))
    assert status == "UPDATE_ROLLBACK_FAILED"
    return stack


def test_a_rollback_that_fails_can_be_continued(stacks, stuck):
    assert ("First", "UPDATE_FAILED") in [event[:2] for event in stacks.events(stuck)]

    stacks.client.continue_update_rollback(StackName=stuck)

    assert stacks.settle(stuck) == "UPDATE_ROLLBACK_COMPLETE"
    assert [asked[1] for asked in stacks.asked(stuck)][2:] == [
        "First",
        "Second",
        "First",
        "First",
        "Second",
    ]


def test_a_rollback_can_be_continued_without_the_resource_that_fails(stacks, stuck):
    stacks.client.continue_update_rollback(StackName=stuck, ResourcesToSkip=["First"])

    assert stacks.settle(stuck) == "UPDATE_ROLLBACK_COMPLETE"
    assert ("First", "UPDATE_COMPLETE", "Resource rollback skipped by user") in (
        stacks.events(stuck)
    )


def test_a_stack_whose_rollback_failed_can_be_deleted(stacks, stuck):
    assert stacks.delete(stuck) == "DELETE_COMPLETE"


def test_while_it_rolls_back_a_stack_says_so(stacks):
    """A provider that reads the stack's status can tell a rollback from an update."""
    slow = {"Update": [{}, {"times": 0}]}
    failing = {"Update": [{"Status": "FAILED"}, {}]}

    def slow_template(value):
        return {
            "Resources": {
                "First": stacks.custom(value, script=slow, ServiceTimeout=2),
                "Second": stacks.custom(value, script=failing, DependsOn="First"),
            }
        }

    stack = stacks.create(slow_template("1"))
    stacks.client.update_stack(StackName=stack, TemplateBody=stacks.as_body(slow_template("2")))
    stacks.wait_until(lambda: len(stacks.asked(stack)) == 5)

    assert stacks.status(stack) == "UPDATE_ROLLBACK_IN_PROGRESS"
    stacks.settle(stack)
