"""A create that fails is undone, the resource that failed included."""

import pytest
from botocore.exceptions import ClientError


def test_a_resource_whose_create_failed_gets_its_delete_with_the_id_that_it_answered(stacks):
    script = {"Create": [{"Status": "FAILED", "PhysicalResourceId": "half-made"}]}
    stack = stacks.create({"Resources": {"Broken": stacks.custom(script=script)}})

    assert stacks.status(stack) == "ROLLBACK_COMPLETE"
    assert stacks.asked(stack) == [("Create", "Broken", None), ("Delete", "Broken", "half-made")]


def test_a_resource_that_never_answered_gets_its_delete_with_an_id_of_cloudformations_own(stacks):
    script = {"Create": [{"times": 0}]}
    stack = stacks.create({"Resources": {"Silent": stacks.custom(script=script, ServiceTimeout=1)}})

    assert stacks.status(stack) == "ROLLBACK_COMPLETE"
    (create, delete) = stacks.asked(stack)
    assert create == ("Create", "Silent", None)
    assert delete[0] == "Delete"
    assert delete[2].startswith(f"{stacks.describe(stack)['StackName']}-Silent-")


def test_the_reason_of_a_failed_create_is_what_the_provider_said(stacks):
    script = {"Create": [{"Status": "FAILED", "Reason": "no bread today"}]}
    stack = stacks.create({"Resources": {"Broken": stacks.custom(script=script)}})

    reasons = [reason for _, status, reason in stacks.events(stack) if status == "CREATE_FAILED"]
    assert len(reasons) == 1
    assert "Received response status [FAILED] from custom resource" in reasons[0]
    assert "no bread today" in reasons[0]


def test_a_rollback_that_cannot_delete_keeps_what_the_failed_resource_depends_on(
    stacks, make_parameter
):
    script = {"Create": [{"Status": "FAILED"}], "Delete": [{"Status": "FAILED"}, {}]}
    stack = stacks.create(
        {
            "Resources": {
                "Needed": make_parameter(),
                "Broken": stacks.custom(script=script, Needs={"Ref": "Needed"}),
            }
        }
    )

    assert stacks.status(stack) == "ROLLBACK_FAILED"
    assert set(stacks.resources(stack)) == {"Needed", "Broken"}
    assert stacks.delete(stack) == "DELETE_COMPLETE"


def test_a_create_without_rollback_keeps_everything_until_it_is_rolled_back(stacks, make_parameter):
    template = {
        "Resources": {
            "Made": make_parameter(),
            "Broken": stacks.custom(
                script={"Create": [{"Status": "FAILED"}]}, Needs={"Ref": "Made"}
            ),
        }
    }
    stack = stacks.create(template, DisableRollback=True)
    assert stacks.status(stack) == "CREATE_FAILED"
    assert stacks.resources(stack)["Made"]["ResourceStatus"] == "CREATE_COMPLETE"

    stacks.client.rollback_stack(StackName=stack)

    assert stacks.settle(stack) == "ROLLBACK_COMPLETE"
    assert stacks.asked(stack)[-1] == ("Delete", "Broken", "Broken")


def test_an_update_of_nothing_is_refused(stacks, make_parameter):
    template = {"Resources": {"Made": make_parameter()}}
    stack = stacks.create(template)

    with pytest.raises(ClientError, match="No updates are to be performed"):
        stacks.update(stack, template)


def test_a_stack_that_was_rolled_back_keeps_its_name_until_it_is_deleted(stacks, make_parameter):
    name = stacks.name()
    broken = stacks.custom(script={"Create": [{"Status": "FAILED"}]})
    stacks.create({"Resources": {"Broken": broken}}, name)
    template = {"Resources": {"Made": make_parameter()}}

    with pytest.raises(ClientError, match="already exists"):
        stacks.create(template, name)

    stacks.client.delete_stack(StackName=name)
    assert stacks.status(stacks.create(template, name)) == "CREATE_COMPLETE"
