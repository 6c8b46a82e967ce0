"""Updates: what is touched, what is replaced, and the cleanup once the update is certain."""


def test_a_changed_physical_id_deletes_the_old_one_in_the_cleanup(stacks):
    script = {"Update": [{"PhysicalResourceId": "second"}]}
    stack = stacks.create({"Resources": {"It": stacks.custom("1", script=script)}})

    status = stacks.update(stack, {"Resources": {"It": stacks.custom("2", script=script)}})

    assert status == "UPDATE_COMPLETE"
    assert stacks.asked(stack) == [
        ("Create", "It", None),
        ("Update", "It", "It"),
        ("Delete", "It", "It"),
    ]
    assert stacks.resources(stack)["It"]["PhysicalResourceId"] == "second"
    assert stacks.statuses(stack)[-3:] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_COMPLETE",
    ]


def test_the_old_id_is_deleted_only_after_everything_else_was_updated(stacks):
    script = {"Update": [{"PhysicalResourceId": "second"}]}
    template = {
        "Resources": {
            "A": stacks.custom("1", script=script),
            "B": stacks.custom("1", DependsOn="A"),
        }
    }
    stack = stacks.create(template)
    for name in "AB":
        template["Resources"][name]["Properties"]["Value"] = "2"
    stacks.update(stack, template)

    assert [asked[:2] for asked in stacks.asked(stack)][-3:] == [
        ("Update", "A"),
        ("Update", "B"),
        ("Delete", "A"),
    ]


def test_a_cleanup_is_tried_three_times_and_then_leaves_the_resource_behind(stacks):
    script = {"Delete": [{"Status": "FAILED"}]}
    stack = stacks.create(
        {"Resources": {"It": stacks.custom(script=script), "Stays": stacks.custom()}}
    )

    status = stacks.update(stack, {"Resources": {"Stays": stacks.custom("2")}})

    assert status == "UPDATE_COMPLETE"
    assert [asked for asked in stacks.asked(stack) if asked[0] == "Delete"] == (
        [("Delete", "It", "It")] * 3
    )
    assert set(stacks.resources(stack)) == {"Stays"}
    assert stacks.delete(stack) == "DELETE_COMPLETE"
    assert len([asked for asked in stacks.asked(stack) if asked[1] == "It"]) == 4


def test_a_cleanup_that_succeeds_at_the_second_attempt_is_a_success(stacks):
    script = {"Delete": [{"Status": "FAILED"}, {}]}
    stack = stacks.create(
        {"Resources": {"It": stacks.custom(script=script), "Stays": stacks.custom()}}
    )
    stacks.update(stack, {"Resources": {"Stays": stacks.custom()}})

    ends = [status for _, status, _ in stacks.events(stack, "It")]
    assert ends[-4:] == [
        "DELETE_IN_PROGRESS",
        "DELETE_FAILED",
        "DELETE_IN_PROGRESS",
        "DELETE_COMPLETE",
    ]


def test_the_cleanup_deletes_dependents_before_what_they_depend_on(stacks):
    script = {"Update": [{"PhysicalResourceId": "second"}]}

    def template(value):
        return {
            "Resources": {
                "Base": stacks.custom(value, script=script),
                "Watcher": stacks.custom(
                    script={"Update": [{"PhysicalResourceId": "watching-second"}]},
                    Watched={"Ref": "Base"},
                ),
            }
        }

    stack = stacks.create(template("1"))
    stacks.update(stack, template("2"))

    assert stacks.asked(stack)[-2:] == [
        ("Delete", "Watcher", "Watcher"),
        ("Delete", "Base", "Base"),
    ]


def test_a_resource_that_did_not_change_is_not_touched(stacks):
    template = {"Resources": {"Same": stacks.custom(), "Other": stacks.custom()}}
    stack = stacks.create(template)
    template["Resources"]["Other"]["Properties"]["Value"] = "2"
    stacks.update(stack, template)

    assert [status for _, status, _ in stacks.events(stack, "Same")] == [
        "CREATE_IN_PROGRESS",
        "CREATE_IN_PROGRESS",
        "CREATE_COMPLETE",
    ]
    assert [asked for asked in stacks.asked(stack) if asked[1] == "Same"] == [
        ("Create", "Same", None)
    ]


def test_the_type_of_a_resource_cannot_change(stacks, make_parameter):
    stack = stacks.create({"Resources": {"It": stacks.custom()}})
    assert stacks.update(stack, {"Resources": {"It": make_parameter()}}) == (
        "UPDATE_ROLLBACK_COMPLETE"
    )


def test_a_predecessor_is_kept_where_its_policy_says_so(stacks):
    script = {"Update": [{"PhysicalResourceId": "second"}]}

    def template(value):
        resource = stacks.custom(value, script=script)
        return {"Resources": {"It": {**resource, "UpdateReplacePolicy": "Retain"}}}

    stack = stacks.create(template("1"))
    stacks.update(stack, template("2"))

    assert [asked[0] for asked in stacks.asked(stack)] == ["Create", "Update"]
    assert ("It", "DELETE_SKIPPED", "") in stacks.events(stack)


def test_no_two_events_have_the_same_time(stacks, make_parameter) -> None:
    def template(kind: str) -> dict:
        parameters = [make_parameter(properties={"Type": kind}) for _ in range(8)]
        return {"Resources": {f"P{number}": each for number, each in enumerate(parameters)}}

    stack = stacks.create(template("String"))
    stacks.update(stack, template("StringList"))

    # The CDK CLI sorts a page, newest first, by time: what is equal would be shown reversed.
    pages = stacks.client.get_paginator("describe_stack_events").paginate(StackName=stack)
    times = [event["Timestamp"] for page in pages for event in page["StackEvents"]]
    assert len(times) > 40
    assert times == sorted(set(times), reverse=True)
