"""The janitor's schedule, the kill switch, and what the function is told."""

from __future__ import annotations

import json
import os
import shlex
import subprocess

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_cloudwatch as cloudwatch
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from cdk_code_interpreter import (
    CodeInterpreter,
    Enforcement,
    SessionJanitor,
    SessionPolicy,
    SystemCodeInterpreter,
)
from session_manager.inputs import StopAll, Target, read_janitor_event
from session_manager.selection import Policy

SCHEDULE = "AWS::Scheduler::Schedule"
CUSTOM = "arn:aws:bedrock-agentcore:eu-west-1:111122223333:code-interpreter-custom/"
IMPORTED = f"{CUSTOM}Old-ABCDEFGHIJ"
FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function:janitor"


def alarm(scope: Stack, construct_id: str) -> cloudwatch.Alarm:
    metric = cloudwatch.Metric(namespace="Test", metric_name="Starts")
    return cloudwatch.Alarm(scope, construct_id, metric=metric, threshold=9, evaluation_periods=1)


@pytest.fixture(scope="module")
def governed(new_app, synthesize):
    stack = Stack(new_app(), "Analytics")
    interpreter = CodeInterpreter(stack, "Sandbox")
    policy = SessionPolicy(
        max_age=Duration.minutes(30), enforcement=Enforcement.ENFORCE, schedule=Duration.minutes(10)
    )
    janitor = SessionJanitor(stack, "Janitor", interpreter=interpreter, policy=policy)
    janitor.stop_all_on(alarm(stack, "Burst"))
    janitor.stop_all_on(alarm(stack, "Cost"))
    return synthesize(stack)


def only(template, resource_type):
    (found,) = [r for r in template["Resources"].values() if r["Type"] == resource_type]
    return found


def read(template, deployed, schedule=None):
    target = (schedule or only(template, SCHEDULE))["Properties"]["Target"]
    return read_janitor_event(json.loads(deployed(target["Input"], template)), FUNCTION)


def test_the_schedule_waits_for_what_its_function_may_do(governed):
    allowed = [
        action
        for each in only(governed, SCHEDULE)["DependsOn"]
        for statement in governed["Resources"][each]["Properties"]["PolicyDocument"]["Statement"]
        for action in [statement["Action"]]
    ]
    names = ("ListCodeInterpreterSessions", "StopCodeInterpreterSession", "ListTagsForResource")
    assert [f"bedrock-agentcore:{each}" for each in names] in allowed
    assert "lambda:InvokeFunction" in allowed


def test_the_function_understands_what_the_schedule_sends(governed, deployed):
    sweep = read(governed, deployed)
    assert sweep.target.interpreter_id.startswith(sweep.prefix)
    assert sweep.prefix == f"{sweep.target.name}_"
    assert sweep.policy == Policy(max_age=1800.0)
    assert sweep.enforce
    assert sweep.interval.total_seconds() == 600


def test_the_tick_carries_the_time_at_which_it_was_due(governed):
    assert "<aws.scheduler.scheduled-time>" in json.dumps(governed)


@pytest.mark.parametrize(
    ("minutes", "expression", "window"),
    [
        (1, "rate(1 minute)", {"Mode": "OFF"}),
        (4, "rate(4 minutes)", {"Mode": "OFF"}),
        (5, "rate(5 minutes)", {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1}),
        (60, "rate(60 minutes)", {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 12}),
        (1440, "rate(1440 minutes)", {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}),
    ],
)
def test_ticks_are_spread_so_that_many_janitors_do_not_list_at_once(
    stack, synthesize, minutes, expression, window
):
    policy = SessionPolicy(schedule=Duration.minutes(minutes))
    SessionJanitor(stack, "J", interpreter=CodeInterpreter(stack, "Sandbox"), policy=policy)
    properties = only(synthesize(stack), SCHEDULE)["Properties"]
    assert properties["ScheduleExpression"] == expression
    assert properties["FlexibleTimeWindow"] == window


def test_a_tick_that_fails_is_tried_again_and_then_kept(governed):
    target = only(governed, SCHEDULE)["Properties"]["Target"]
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 600}
    queue = target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
    assert governed["Resources"][queue]["Type"] == "AWS::SQS::Queue"


def test_interpreters_have_schedules_of_their_own_in_one_group(stack, synthesize, resources):
    for number in range(3):
        interpreter = CodeInterpreter(stack, f"Sandbox{number}")
        SessionJanitor(stack, f"Janitor{number}", interpreter=interpreter)
    template = synthesize(stack)
    schedules = resources(template, SCHEDULE)
    assert len({json.dumps(each["Properties"]["Target"]["Input"]) for each in schedules}) == 3
    assert len({json.dumps(each["Properties"]["GroupName"]) for each in schedules}) == 1
    assert len({json.dumps(each["Properties"]["Target"]["Arn"]) for each in schedules}) == 1


def test_only_the_schedules_of_the_group_may_use_the_role(governed):
    role = only(governed, SCHEDULE)["Properties"]["Target"]["RoleArn"]["Fn::GetAtt"][0]
    (statement,) = governed["Resources"][role]["Properties"]["AssumeRolePolicyDocument"][
        "Statement"
    ]
    assert statement["Principal"] == {"Service": "scheduler.amazonaws.com"}
    condition = statement["Condition"]["StringEquals"]
    assert condition["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}
    group = condition["aws:SourceArn"]["Fn::GetAtt"][0]
    assert governed["Resources"][group]["Type"] == "AWS::Scheduler::ScheduleGroup"


def may(template, deployed, action, arn):
    documents = [
        parse_policy_document(deployed(resource["Properties"]["PolicyDocument"], template))
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::ManagedPolicy" and "Janitor" in name
    ]
    context = EvalContext(
        principal_arn="arn:aws:iam::111122223333:role/janitor",
        principal_type="AssumedRole",
        principal_account="111122223333",
        action=f"bedrock-agentcore:{action}",
        resource_arn=arn,
        region="eu-west-1",
    )
    return evaluate(context, documents).decision == "Allow"


def test_the_janitor_may_list_and_stop_and_nothing_else(governed, deployed):
    target = read(governed, deployed).target
    arn = f"{CUSTOM}{target.interpreter_id}"
    assert may(governed, deployed, "ListCodeInterpreterSessions", arn)
    assert may(governed, deployed, "StopCodeInterpreterSession", arn)
    assert may(governed, deployed, "ListTagsForResource", arn)
    assert may(governed, deployed, "ListCodeInterpreters", "*")
    for action in ("InvokeCodeInterpreter", "StartCodeInterpreterSession", "DeleteCodeInterpreter"):
        assert not may(governed, deployed, action, arn)


def test_the_schedule_may_invoke_the_janitor_by_its_own_arn_only(governed):
    invoked = [
        resource
        for r in governed["Resources"].values()
        if r["Type"] == "AWS::IAM::ManagedPolicy"
        for statement in r["Properties"]["PolicyDocument"]["Statement"]
        if statement["Action"] == "lambda:InvokeFunction"
        for resource in [statement["Resource"]]
    ]
    assert invoked == [only(governed, SCHEDULE)["Properties"]["Target"]["Arn"]]


def test_the_system_interpreter_can_be_watched(stack, synthesize, deployed):
    SessionJanitor(stack, "Janitor", interpreter=SystemCodeInterpreter(stack, "System"))
    template = synthesize(stack)
    sweep = read(template, deployed)
    assert (sweep.target.interpreter_id, sweep.prefix) == ("aws.codeinterpreter.v1", "")
    arn = "arn:aws:bedrock-agentcore:eu-west-1:aws:code-interpreter/aws.codeinterpreter.v1"
    assert may(template, deployed, "ListCodeInterpreterSessions", arn)
    assert not may(template, deployed, "StopCodeInterpreterSession", arn)
    assert "Outputs" not in template


def test_a_janitor_of_another_stack_says_whose_the_interpreter_is(new_app, synthesize):
    app = new_app()
    sandbox = CodeInterpreter(Stack(app, "Interpreters"), "Sandbox")
    governing = Stack(app, "Governing")
    SessionJanitor(governing, "Janitor", interpreter=sandbox)
    template = synthesize(governing)
    (schedule,) = (r for r in template["Resources"].values() if r["Type"] == SCHEDULE)
    assert '"owner\\": ' in json.dumps(schedule) or '\\"owner\\"' in json.dumps(schedule)
    (function,) = (
        r
        for r in template["Resources"].values()
        if r["Type"] == "AWS::Lambda::Function" and "janitor" in str(r["Properties"]["Handler"])
    )
    assert function["Properties"]["Environment"]["Variables"]["STACK_ID"] == {"Ref": "AWS::StackId"}


def test_the_system_interpreters_sessions_are_never_stopped(stack):
    system = SystemCodeInterpreter(stack, "System")
    with pytest.raises(ValueError, match=r"Analytics/Enforcing: .* use Enforcement\.SHADOW"):
        SessionJanitor(
            stack,
            "Enforcing",
            interpreter=system,
            policy=SessionPolicy(enforcement=Enforcement.ENFORCE),
        )
    watching = SessionJanitor(stack, "Watching", interpreter=system)
    with pytest.raises(ValueError, match="no kill switch"):
        _ = watching.stop_all_command
    with pytest.raises(ValueError, match="no kill switch"):
        watching.stop_all_on(alarm(stack, "Alarm"))


def test_an_l2_and_an_import_are_governed_like_our_own(stack, synthesize, resources, deployed):
    l2 = CodeInterpreter.from_l2(agentcore.CodeInterpreterCustom(stack, "Plain"))
    imported = CodeInterpreter.from_code_interpreter_arn(stack, "Import", IMPORTED)
    SessionJanitor(stack, "OfL2", interpreter=l2)
    SessionJanitor(stack, "OfImport", interpreter=imported)
    template = synthesize(stack)
    by_l2, by_import = (read(template, deployed, each) for each in resources(template, SCHEDULE))
    assert by_l2.target.interpreter_id.startswith(by_l2.prefix)
    assert by_l2.prefix.endswith("-")
    assert (by_import.target.interpreter_id, by_import.prefix) == ("Old-ABCDEFGHIJ", "")


def printed_command(template, deployed):
    (output,) = [v for k, v in template["Outputs"].items() if "StopAllCommand" in k]
    parts = [deployed(part, template) for part in output["Value"]["Fn::Join"][1]]
    return "".join(part if isinstance(part, str) else "NAME" for part in parts)


def test_the_printed_command_is_one_that_a_shell_and_the_function_understand(governed, deployed):
    said, _, command = printed_command(governed, deployed).partition(" >&2; ")
    assert "at most 5 minutes" in said
    words = shlex.split(command)
    assert words[0] == "echo"
    assert words[2:8] == ["|", "aws", "lambda", "invoke", "--function-name", "NAME"]
    task = read_janitor_event(json.loads(words[1]), FUNCTION)
    sweep = read(governed, deployed)
    assert task == StopAll(sweep.target, sweep.prefix)


@pytest.mark.parametrize(
    ("answer", "metadata", "succeeds"),
    [
        ('{"interpreter_id": "a-0123456789", "stopped": 3, "left": 0}', "", True),
        (
            '{"errorMessage": "3 sessions were \\"stopped\\""}',
            '"FunctionError": "Unhandled"',
            False,
        ),
        ("", "", False),
    ],
    ids=["stopped", "failed", "no answer"],
)
def test_the_printed_command_keeps_the_answer_in_a_file_and_fails_where_the_function_failed(
    governed, deployed, tmp_path, answer, metadata, succeeds
):
    command = printed_command(governed, deployed)
    cli = tmp_path / "aws"
    # As the real one does: it opens the last argument anew, then prints what Lambda said.
    cli.write_text(
        "#!/bin/bash\ncat > /dev/null\n"
        f"""printf '%s' '{answer}' > "${{@: -1}}"\n"""
        f"""printf '%s\\n' '{{"StatusCode": 200, {metadata}}}'\n"""
    )
    cli.chmod(0o755)
    output = tmp_path / "output"
    with output.open("w") as file:
        file.write("before\n")
        file.flush()
        ended = subprocess.run(
            ["/bin/sh", "-c", command],
            stdout=file,
            env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
            check=False,
        )
    # One document, which a program can read.
    assert output.read_text().strip() == f"before\n{answer}".strip()
    assert (ended.returncode == 0) is succeeds


def test_an_alarm_invokes_an_alias_that_says_which_interpreter(governed, deployed, resources):
    alias = only(governed, "AWS::Lambda::Alias")["Properties"]
    name = deployed(alias["Name"], governed)
    task = read_janitor_event({"alarmArn": "arn"}, f"{FUNCTION}:{name}")
    sweep = read(governed, deployed)
    assert task == StopAll(sweep.target, sweep.prefix)
    alarms = resources(governed, "AWS::CloudWatch::Alarm")
    actions = [action for each in alarms for action in each["Properties"]["AlarmActions"]]
    assert len(actions) == 2
    assert {governed["Resources"][each["Ref"]]["Type"] for each in actions} == {
        "AWS::Lambda::Alias"
    }


def test_an_alarm_stops_the_sessions_of_an_interpreter_of_another_region(new_app, synthesize):
    stack = Stack(new_app(), "Home", env={"account": "111122223333", "region": "us-east-1"})
    imported = CodeInterpreter.from_code_interpreter_arn(stack, "Imported", IMPORTED)
    SessionJanitor(stack, "Janitor", interpreter=imported).stop_all_on(alarm(stack, "Burst"))
    name = only(synthesize(stack), "AWS::Lambda::Alias")["Properties"]["Name"]
    task = read_janitor_event({"alarmArn": "arn"}, f"{FUNCTION}:{name}")
    assert task.target == Target("Old-ABCDEFGHIJ", "Old-ABCDEFGHIJ", "eu-west-1")


def test_only_that_alarm_may_invoke_it(governed, resources):
    permissions = resources(governed, "AWS::Lambda::Permission")
    assert len(permissions) == 2
    sources = set()
    for each in permissions:
        properties = each["Properties"]
        assert properties["Principal"] == "lambda.alarms.cloudwatch.amazonaws.com"
        assert properties["SourceAccount"] == {"Ref": "AWS::AccountId"}
        sources.add(properties["SourceArn"]["Fn::GetAtt"][0])
    assert {governed["Resources"][s]["Type"] for s in sources} == {"AWS::CloudWatch::Alarm"}
    assert len(sources) == 2


def test_the_policy_is_checked_under_the_janitors_name(stack):
    with pytest.raises(ValueError, match="Analytics/Janitor: max_active"):
        SessionJanitor(
            stack,
            "Janitor",
            interpreter=CodeInterpreter(stack, "Sandbox"),
            policy=SessionPolicy(max_active=0),
        )
