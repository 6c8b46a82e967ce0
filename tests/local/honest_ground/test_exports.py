"""An export that another stack imports is fixed, and export names are unique."""

import pytest
from botocore.exceptions import ClientError


def exporting(make_parameter, export, value="1", **outputs):
    return {
        "Resources": {"Made": make_parameter(value)},
        "Outputs": {"Shared": {"Value": value, "Export": {"Name": export}}, **outputs},
    }


def importing(make_parameter, export):
    return {"Resources": {"Reader": make_parameter({"Fn::ImportValue": export})}}


@pytest.fixture
def shared(stacks, make_parameter):
    """(export name, exporting stack, importing stack)."""
    export = stacks.name()
    exporter = stacks.create(exporting(make_parameter, export))
    importer = stacks.create(importing(make_parameter, export))
    return export, exporter, importer


def test_an_export_in_use_does_not_change(stacks, make_parameter, shared):
    export, exporter, importer = shared
    importer_name = stacks.describe(importer)["StackName"]

    status = stacks.update(exporter, exporting(make_parameter, export, value="2"))

    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.outputs(exporter) == {"Shared": "1"}
    reason = f"Cannot update export {export} as it is in use by {importer_name}."
    assert any(reason in event[2] for event in stacks.events(exporter))
    parameter = stacks.resources(exporter)["Made"]["PhysicalResourceId"]
    ssm = stacks.aws.client("ssm")
    assert ssm.get_parameter(Name=parameter)["Parameter"]["Value"] == "1"


def test_an_export_in_use_is_not_removed(stacks, make_parameter, shared):
    export, exporter, _ = shared

    status = stacks.update(exporter, {"Resources": {"Made": make_parameter("1")}})

    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert any(f"Cannot delete export {export}" in event[2] for event in stacks.events(exporter))


def test_a_stack_with_an_export_in_use_is_not_deleted(stacks, shared):
    export, exporter, importer = shared

    with pytest.raises(ClientError, match=f"Cannot delete export {export}"):
        stacks.client.delete_stack(StackName=exporter)

    stacks.delete(importer)
    assert stacks.delete(exporter) == "DELETE_COMPLETE"


def test_an_importer_that_failed_to_delete_still_imports(stacks, shared):
    export, exporter, _ = shared
    stuck = stacks.create(
        {
            "Resources": {
                "Stuck": stacks.custom(
                    script={"Delete": [{"Status": "FAILED"}, {}]},
                    Needs={"Fn::ImportValue": export},
                )
            }
        }
    )
    stacks.delete(shared[2])
    assert stacks.delete(stuck) == "DELETE_FAILED"

    with pytest.raises(ClientError, match=f"Cannot delete export {export}"):
        stacks.client.delete_stack(StackName=exporter)


def test_an_export_that_nobody_uses_may_change_and_go(stacks, make_parameter):
    export = stacks.name()
    exporter = stacks.create(exporting(make_parameter, export))

    assert stacks.update(exporter, exporting(make_parameter, export, "2")) == "UPDATE_COMPLETE"
    assert stacks.update(exporter, {"Resources": {"Made": make_parameter("2")}}) == (
        "UPDATE_COMPLETE"
    )

    exports = stacks.client.get_paginator("list_exports").paginate()
    assert export not in [item["Name"] for page in exports for item in page["Exports"]]


def test_a_second_stack_cannot_export_under_the_same_name(stacks, make_parameter, shared):
    export, exporter, _ = shared

    second = stacks.create(exporting(make_parameter, export, value="other"))

    assert stacks.status(second) == "ROLLBACK_COMPLETE"
    owner = stacks.describe(exporter)["StackName"]
    assert any(
        f"Export with name {export} is already exported by stack {owner}" in event[2]
        for event in stacks.events(second)
    )
    assert stacks.outputs(exporter) == {"Shared": "1"}


def test_who_reads_the_output_weakly_instead_does_not_import_any_more(
    stacks, make_parameter, shared
):
    """CDK's way from strong references to weak ones: both for one deployment, then weak alone."""
    export, exporter, importer = shared
    name = stacks.describe(exporter)["StackName"]
    weak = {"Fn::GetStackOutput": {"StackName": name, "OutputName": "Shared"}}
    names = {"StackName": importer, "ChangeSetName": "weak"}
    body = stacks.as_body({"Resources": {"Reader": make_parameter(weak)}})
    stacks.client.create_change_set(**names, TemplateBody=body)
    stacks.client.execute_change_set(**names)
    assert stacks.settle(importer) == "UPDATE_COMPLETE"

    with pytest.raises(ClientError, match="is not imported by any stack"):
        stacks.client.list_imports(ExportName=export)
    without = {"Resources": {"Made": make_parameter("1")}, "Outputs": {"Shared": {"Value": "1"}}}
    assert stacks.update(exporter, without) == "UPDATE_COMPLETE"
    assert stacks.delete(exporter) == "DELETE_COMPLETE"
