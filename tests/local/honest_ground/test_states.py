"""What a stack's state forbids.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""

import pytest
from botocore.exceptions import ClientError

FAILED = {"Status": "FAILED"}
SILENT = {"times": 0}
SCRIPTS = {
    "CREATE_COMPLETE": {},
    "CREATE_FAILED": {"Create": [FAILED]},
    "ROLLBACK_COMPLETE": {"Create": [FAILED]},
    "ROLLBACK_FAILED": {"Create": [FAILED], "Delete": [FAILED, {}]},
    "UPDATE_FAILED": {"Update": [FAILED, {}]},
    "UPDATE_ROLLBACK_COMPLETE": {"Update": [FAILED, {}]},
    "UPDATE_ROLLBACK_FAILED": {"Update": [FAILED, FAILED, {}]},
    "DELETE_FAILED": {"Delete": [FAILED, {}]},
    "CREATE_IN_PROGRESS": {"Create": [SILENT]},
    "UPDATE_IN_PROGRESS": {"Update": [SILENT, {}]},
    "DELETE_IN_PROGRESS": {"Delete": [SILENT]},
}
PAUSED = ("CREATE_FAILED", "UPDATE_FAILED")


@pytest.fixture
def reach(stacks):
    """Bring a stack of one resource into a state; its id, and a template that would change it."""

    def go(state, script=None):
        def template(value):
            answers = SCRIPTS[state] if script is None else script
            return {"Resources": {"It": stacks.custom(value, script=answers, ServiceTimeout=2)}}

        options = {"DisableRollback": True} if state in PAUSED else {}
        stack = stacks.client.create_stack(
            StackName=stacks.name(), TemplateBody=stacks.as_body(template("1")), **options
        )["StackId"]
        if state != "CREATE_IN_PROGRESS":
            stacks.settle(stack)
        if state.startswith("UPDATE"):
            stacks.client.update_stack(
                StackName=stack, TemplateBody=stacks.as_body(template("2")), **options
            )
        if state.startswith("DELETE"):
            stacks.client.delete_stack(StackName=stack)
        if not state.endswith("_IN_PROGRESS"):
            stacks.settle(stack)
        assert stacks.status(stack) == state
        return stack, template("3")

    return go


def refusals(stacks, stack, template):
    """How `UpdateStack` and `CreateChangeSet` refuse."""
    arguments = {"StackName": stack, "TemplateBody": stacks.as_body(template)}
    with pytest.raises(ClientError) as update:
        stacks.client.update_stack(**arguments)
    with pytest.raises(ClientError) as change_set:
        stacks.client.create_change_set(**arguments, ChangeSetName="refused")
    return [each.value.response["Error"] for each in (update, change_set)]


@pytest.mark.parametrize(
    "state",
    [
        "ROLLBACK_COMPLETE",
        "ROLLBACK_FAILED",
        "UPDATE_ROLLBACK_FAILED",
        "DELETE_FAILED",
        "CREATE_IN_PROGRESS",
        "UPDATE_IN_PROGRESS",
        "DELETE_IN_PROGRESS",
    ],
)
def test_these_states_allow_no_update(stacks, reach, state):
    stack, template = reach(state)

    for error in refusals(stacks, stack, template):
        assert error["Code"] == "ValidationError"
        assert error["Message"] == f"Stack:{stack} is in {state} state and can not be updated."
    stacks.settle(stack)


def test_a_stack_that_is_only_under_review_allows_no_update(stacks):
    template = {"Resources": {"It": stacks.custom()}}
    stack = stacks.client.create_change_set(
        StackName=stacks.name(),
        ChangeSetName="first",
        ChangeSetType="CREATE",
        TemplateBody=stacks.as_body(template),
    )["StackId"]

    for error in refusals(stacks, stack, template):
        assert "is in REVIEW_IN_PROGRESS state and can not be updated" in error["Message"]


@pytest.mark.parametrize("state", ["CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_these_states_allow_an_update(stacks, reach, state):
    stack, template = reach(state)

    assert stacks.update(stack, template) == "UPDATE_COMPLETE"


def test_a_stack_that_failed_to_delete_can_only_be_deleted_again(stacks, reach):
    stack, template = reach("DELETE_FAILED")
    refusals(stacks, stack, template)
    for call in (stacks.client.continue_update_rollback, stacks.client.rollback_stack):
        with pytest.raises(ClientError, match="cannot be called from current stack status"):
            call(StackName=stack)
    with pytest.raises(ClientError, match="already exists"):
        stacks.create(template, stacks.describe(stack)["StackName"])

    assert stacks.status(stack) == "DELETE_FAILED"
    assert stacks.delete(stack) == "DELETE_COMPLETE"


@pytest.mark.parametrize("state", PAUSED)
def test_a_stack_that_failed_without_a_rollback_is_rolled_back_first(stacks, reach, state):
    """On AWS it may also be continued, if rollback is disabled again: not here."""
    stack, template = reach(state)
    arguments = {"StackName": stack, "TemplateBody": stacks.as_body(template)}
    change_set = {"StackName": stack, "ChangeSetName": "later"}
    stacks.client.create_change_set(**arguments, ChangeSetName="later")
    attempts = {
        "update-stack": (stacks.client.update_stack, arguments),
        "execute-change-set": (stacks.client.execute_change_set, change_set),
    }

    for api, (call, given) in attempts.items():
        refused = rf"non-terminal \[{state}\] state.*disable-rollback parameter with {api} API"
        with pytest.raises(ClientError, match=refused):
            call(**given)
        with pytest.raises(ClientError, match=f"does not continue a stack in {state} state"):
            call(**given, DisableRollback=True)

    stacks.client.rollback_stack(StackName=stack)
    assert stacks.settle(stack).endswith("ROLLBACK_COMPLETE")


def test_a_change_set_from_before_is_not_executed_in_a_state_that_allows_no_update(stacks, reach):
    stack, template = reach("UPDATE_FAILED", script=SCRIPTS["UPDATE_ROLLBACK_FAILED"])
    names = {"StackName": stack, "ChangeSetName": "before"}
    stacks.client.create_change_set(**names, TemplateBody=stacks.as_body(template))
    stacks.client.rollback_stack(StackName=stack)
    assert stacks.settle(stack) == "UPDATE_ROLLBACK_FAILED"

    with pytest.raises(ClientError, match="UPDATE_ROLLBACK_FAILED state and can not be updated"):
        stacks.client.execute_change_set(**names)


def test_a_change_set_does_not_create_a_stack_that_was_rolled_back(stacks, reach):
    stack, template = reach("ROLLBACK_COMPLETE")
    name = stacks.describe(stack)["StackName"]

    with pytest.raises(ClientError, match="already exists"):
        stacks.client.create_change_set(
            StackName=name,
            ChangeSetName="again",
            ChangeSetType="CREATE",
            TemplateBody=stacks.as_body(template),
        )
    assert stacks.describe(name)["StackId"] == stack


@pytest.mark.parametrize("state", ["CREATE_COMPLETE", "ROLLBACK_FAILED", "UPDATE_ROLLBACK_FAILED"])
def test_resources_are_retained_only_after_a_failed_delete(stacks, reach, state):
    stack, _ = reach(state)

    with pytest.raises(ClientError, match="DELETE_FAILED state") as refused:
        stacks.client.delete_stack(StackName=stack, RetainResources=["It"])

    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert stacks.status(stack) == state
