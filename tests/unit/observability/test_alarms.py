"""Alarms of one interpreter, as they stand in the template."""

from __future__ import annotations

import json
import re
from typing import Any

import botocore.session
import pytest
from aws_cdk import App, Aws, Duration, Environment, Fn, Stack
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Annotations, Match, Template
from botocore.validate import ParamValidator

from cdk_code_interpreter.interpreter.code_interpreter import CodeInterpreter
from cdk_code_interpreter.interpreter.imported import SystemCodeInterpreter
from cdk_code_interpreter.observability.alarms import (
    AlarmThresholds,
    CodeInterpreterAlarms,
    Threshold,
)
from cdk_code_interpreter.sessions.canary import Canary
from cdk_code_interpreter.sessions.session_janitor import SessionJanitor
from cdk_code_interpreter.sessions.session_policy import SessionPolicy

ARN = "arn:aws:bedrock-agentcore:eu-west-1:222233334444:code-interpreter-custom/tool-0123456789"
OF_SERVICE = {"SystemErrors", "Throttles", "SessionStarts", "Latency"}
OF_SESSIONS = {"StopFailures"}
OF_JANITOR = {"OverAgeSessions", "JanitorSilent"}


def new_stack(region: str = "us-east-1") -> Stack:
    return Stack(App(), "S", env=Environment(account="111122223333", region=region))


def governed(
    stack: Stack, thresholds: AlarmThresholds | None = None, policy: SessionPolicy | None = None
) -> CodeInterpreterAlarms:
    interpreter = CodeInterpreter(stack, "Sandbox")
    return CodeInterpreterAlarms(
        stack,
        "Alarms",
        interpreter=interpreter,
        actions=[sns.Topic(stack, "Topic")],
        thresholds=thresholds,
        janitor=SessionJanitor(stack, "Janitor", interpreter=interpreter, policy=policy),
        canary=Canary(stack, "Canary", interpreter=interpreter),
    )


@pytest.fixture(scope="module")
def alarms() -> dict[str, dict[str, Any]]:
    """The properties of the alarms of a governed interpreter, by their ids."""
    stack = new_stack()
    return properties_of(stack, governed(stack))


def properties_of(stack: Stack, construct: CodeInterpreterAlarms) -> dict[str, dict[str, Any]]:
    resources = Template.from_stack(stack).to_json()["Resources"]
    shared = {} if construct.stack_alarms is None else construct.stack_alarms.alarms
    every = {**construct.alarms, **shared}
    return {
        name: resources[stack.get_logical_id(each)]["Properties"] for name, each in every.items()
    }


def test_a_governed_interpreter_has_each_alarm(alarms: dict[str, dict[str, Any]]) -> None:
    assert set(alarms) == {
        *OF_SERVICE,
        *OF_SESSIONS,
        *OF_JANITOR,
        "CanaryFailing",
        "ActiveSessions",
        "AccountCost",
        "FunctionErrors",
        "DeadLetters",
    }


def test_every_alarm_could_be_put_by_the_api(alarms: dict[str, dict[str, Any]]) -> None:
    model = botocore.session.get_session().get_service_model("cloudwatch")
    shape = model.operation_model("PutMetricAlarm").input_shape
    for name, properties in alarms.items():
        request = {**plain(properties), "AlarmName": name}
        report = ParamValidator().validate(request, shape)
        assert not report.has_errors(), report.generate_report()
        assert len(request["AlarmDescription"]) <= 1024
        queries = request.get("Metrics", [])
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
        assert len(queries) <= 10
        assert [each.get("ReturnData") for each in queries].count(True) in (
            (1,) if queries else (0,)
        )
        period = request.get("Period") or queries[0]["MetricStat"]["Period"]
        assert period * request["EvaluationPeriods"] <= 86_400


def plain(value: Any) -> Any:
    """The value with a text in the place of each intrinsic function."""
    if isinstance(value, dict):
        if any(name == "Ref" or name.startswith("Fn::") for name in value):
            return "value"
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def test_every_alarm_notifies_when_it_is_raised_and_when_it_is_over(
    alarms: dict[str, dict[str, Any]],
) -> None:
    for properties in alarms.values():
        assert len(properties["AlarmActions"]) == 1
        assert properties["OKActions"] == properties["AlarmActions"]


def test_silence_is_filled_where_silence_is_the_matter(alarms: dict[str, dict[str, Any]]) -> None:
    kept = {name for name, each in alarms.items() if each["TreatMissingData"] == "ignore"}
    assert kept == {"JanitorSilent", "CanaryFailing"}
    for name in kept:
        assert alarms[name]["Metrics"][-1]["Expression"].startswith("FILL(")
    others = {each["TreatMissingData"] for name, each in alarms.items() if name not in kept}
    assert others == {"notBreaching"}


def test_expressions_use_every_metric_of_theirs_and_no_other(
    alarms: dict[str, dict[str, Any]],
) -> None:
    for properties in alarms.values():
        queries = properties.get("Metrics", [])
        metrics = {each["Id"] for each in queries if "MetricStat" in each}
        (expression,) = [each["Expression"] for each in queries if "Expression" in each] or [""]
        used = set(re.findall(r"[a-z][a-z0-9_]*", re.sub(r"\d+e[+-]\d+", "", expression)))
        assert used == metrics


def test_each_description_says_what_it_means_what_to_do_and_where_the_runbook_is(
    alarms: dict[str, dict[str, Any]],
) -> None:
    anchors = set()
    for properties in alarms.values():
        text = json.dumps(properties["AlarmDescription"])
        assert "First: " in text
        anchors.add(re.search(r"https://\S+#(runbook-[a-z-]+)", text)[1])  # type: ignore[index]
    assert len(anchors) == len(alarms)


def test_the_composite_rolls_up_the_interpreters_alarms_and_has_no_action() -> None:
    stack = new_stack()
    construct = governed(stack)
    template = Template.from_stack(stack)
    (composite,) = template.find_resources("AWS::CloudWatch::CompositeAlarm").values()
    rule = json.dumps(composite["Properties"]["AlarmRule"])
    for each in construct.alarms.values():
        assert stack.get_logical_id(each) in rule
    assert construct.stack_alarms is not None
    for each in construct.stack_alarms.alarms.values():
        assert stack.get_logical_id(each) not in rule
    assert not [name for name in composite["Properties"] if "Action" in name]


def test_the_silent_janitor_spans_three_schedules(alarms: dict[str, dict[str, Any]]) -> None:
    stack = new_stack()
    policy = SessionPolicy(schedule=Duration.minutes(30))
    other = properties_of(stack, governed(stack, policy=policy))
    for found, interval in ((alarms, 300), (other, 1800)):
        silent = found["JanitorSilent"]
        assert silent["Metrics"][0]["MetricStat"]["Period"] == interval
        assert silent["EvaluationPeriods"] == silent["DatapointsToAlarm"] == 3
        over_age = found["OverAgeSessions"]["Metrics"][0]["MetricStat"]
        assert over_age["Period"] == 3 * interval


def test_alarms_on_silence_wait_for_what_ticks() -> None:
    stack = new_stack()
    governed(stack)
    template = Template.from_stack(stack)
    for name in ("JanitorSilent", "CanaryFailing"):
        found = template.find_resources("AWS::CloudWatch::Alarm")
        (alarm,) = [each for key, each in found.items() if name in key]
        (waits_for,) = alarm["DependsOn"]
        assert template.to_json()["Resources"][waits_for]["Type"] == "AWS::Scheduler::Schedule"


def test_an_import_without_janitor_has_no_alarms_on_one() -> None:
    stack = new_stack("eu-west-1")
    imported = CodeInterpreter.from_code_interpreter_arn(stack, "Import", ARN)
    construct = CodeInterpreterAlarms(stack, "Alarms", interpreter=imported)
    assert set(construct.alarms) == OF_SERVICE | OF_SESSIONS
    # The interpreter is in another account: this one's quota and cost say nothing of it.
    assert construct.stack_alarms is None


def test_the_system_interpreter_has_the_services_alarms_only() -> None:
    stack = new_stack()
    system = SystemCodeInterpreter(stack, "System")
    construct = CodeInterpreterAlarms(stack, "Alarms", interpreter=system)
    assert set(construct.alarms) == OF_SERVICE


def test_an_import_of_another_account_is_watched_there_and_warned_about() -> None:
    stack = new_stack("eu-west-1")
    imported = CodeInterpreter.from_code_interpreter_arn(stack, "Import", ARN)
    construct = CodeInterpreterAlarms(stack, "Alarms", interpreter=imported)
    found = properties_of(stack, construct)
    for name in OF_SERVICE | OF_SESSIONS:
        queries = [each for each in found[name]["Metrics"] if "MetricStat" in each]
        assert {each["AccountId"] for each in queries} == {"222233334444"}
    Annotations.from_stack(stack).has_warning(
        "/S/Alarms", Match.string_like_regexp("account 222233334444.*alarmsOfAnotherAccount")
    )


def test_an_interpreter_of_another_region_is_refused() -> None:
    stack = new_stack("us-east-1")
    imported = CodeInterpreter.from_code_interpreter_arn(stack, "Import", ARN)
    with pytest.raises(ValueError, match=r"S/Alarms: the interpreter is in eu-west-1.*us-east-1"):
        CodeInterpreterAlarms(stack, "Alarms", interpreter=imported)


def test_an_interpreter_of_a_region_that_is_not_known_yet_is_let_through() -> None:
    stack = Stack(App(), "S")
    imported = CodeInterpreter.from_code_interpreter_arn(stack, "Import", ARN)
    CodeInterpreterAlarms(stack, "Alarms", interpreter=imported)


def test_alarms_that_notify_nobody_are_warned_about() -> None:
    stack = new_stack()
    CodeInterpreterAlarms(stack, "Alarms", interpreter=SystemCodeInterpreter(stack, "System"))
    Annotations.from_stack(stack).has_warning(
        "/S/Alarms", Match.string_like_regexp("alarmsWithoutAction")
    )


def test_a_number_replaces_the_value_and_a_threshold_the_periods_too() -> None:
    stack = new_stack()
    thresholds = AlarmThresholds(
        throttles=50,
        session_starts=Threshold(
            7, datapoints_to_alarm=2, evaluation_periods=4, period=Duration.minutes(1)
        ),
        start_latency=Duration.seconds(3),
        cost_per_hour=2.5,
        active_sessions=Threshold(90, evaluation_periods=2),
    )
    found = properties_of(stack, governed(stack, thresholds))
    assert (found["Throttles"]["Threshold"], found["Throttles"]["EvaluationPeriods"]) == (50, 3)
    starts = found["SessionStarts"]
    assert (starts["Threshold"], starts["Period"]) == (7, 60)
    assert (starts["DatapointsToAlarm"], starts["EvaluationPeriods"]) == (2, 4)
    assert "start / 3000" in json.dumps(found["Latency"]["Metrics"])
    assert found["Cost"]["Threshold"] == 2.5
    active = found["ActiveSessions"]
    assert (active["DatapointsToAlarm"], active["EvaluationPeriods"]) == (2, 2)


def test_a_count_of_data_points_beyond_the_periods_is_refused() -> None:
    thresholds = AlarmThresholds(session_starts=Threshold(300, datapoints_to_alarm=3))
    with pytest.raises(ValueError, match=r"session_starts needs 3 data points but looks at 1; say"):
        governed(new_stack(), thresholds)


@pytest.mark.parametrize("hours", [2, 6])
def test_a_cost_per_hour_is_one_in_every_period(hours: int) -> None:
    stack = new_stack()
    limit = Threshold(10, period=Duration.hours(hours), evaluation_periods=1)
    thresholds = AlarmThresholds(cost_per_hour=limit, account_cost_per_hour=limit)
    found = properties_of(stack, governed(stack, thresholds))
    for name in ("Cost", "AccountCost"):
        *inputs, result = found[name]["Metrics"]
        assert {each["MetricStat"]["Period"] for each in inputs} == {3600 * hours}
        # Every input is the use of one vCPU, or of one GB, throughout the period.
        use = {each["Id"]: hours / (2 if name == "Cost" else 1) for each in inputs}
        functions = {"SUM": sum, "FILL": lambda value, _: value}
        dollars = eval(result["Expression"], {"__builtins__": {}}, {**functions, **use})
        assert dollars == pytest.approx(0.0895 + 0.00945)


def test_none_leaves_an_alarm_out() -> None:
    stack = new_stack()
    thresholds = AlarmThresholds(
        system_error_rate=None,
        throttles=None,
        start_latency=None,
        invoke_latency=None,
        session_starts=None,
        over_age_sessions=None,
        stop_failures=None,
        janitor_silent=None,
        canary_failures=None,
        active_sessions=None,
        account_cost_per_hour=None,
        function_errors=None,
        dead_letters=None,
    )
    governed(stack, thresholds)
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::CloudWatch::Alarm", 0)
    template.resource_count_is("AWS::CloudWatch::CompositeAlarm", 0)


def test_one_latency_can_be_watched_without_the_other() -> None:
    stack = new_stack()
    found = properties_of(stack, governed(stack, AlarmThresholds(start_latency=None)))
    metrics = found["Latency"]["Metrics"]
    assert [each["Id"] for each in metrics] == ["invoke", "result"]


@pytest.mark.parametrize(
    ("thresholds", "companion"),
    [
        (AlarmThresholds(over_age_sessions=3), "janitor="),
        (AlarmThresholds(janitor_silent=4), "janitor="),
        (AlarmThresholds(canary_failures=2), "canary="),
    ],
)
def test_an_alarm_that_needs_a_companion_says_so(
    thresholds: AlarmThresholds, companion: str
) -> None:
    stack = new_stack()
    interpreter = CodeInterpreter(stack, "Sandbox")
    with pytest.raises(ValueError, match=f"pass {companion}"):
        CodeInterpreterAlarms(stack, "Alarms", interpreter=interpreter, thresholds=thresholds)


def test_more_silence_than_cloudwatch_evaluates_is_refused() -> None:
    policy = SessionPolicy(schedule=Duration.hours(12))
    with pytest.raises(ValueError, match=r"janitor_silent would look at 36 hours.*at most a day"):
        governed(new_stack(), policy=policy)


def test_more_actions_than_an_alarm_takes_are_refused() -> None:
    stack = new_stack()
    topics = [sns.Topic(stack, f"T{number}") for number in range(6)]
    with pytest.raises(ValueError, match=r"actions must be at most 5, got 6"):
        CodeInterpreterAlarms(
            stack, "Alarms", interpreter=SystemCodeInterpreter(stack, "System"), actions=topics
        )


def test_actions_of_cdk_are_taken_too() -> None:
    stack = new_stack()
    construct = CodeInterpreterAlarms(
        stack,
        "Alarms",
        interpreter=SystemCodeInterpreter(stack, "System"),
        actions=[cloudwatch_actions.SnsAction(sns.Topic(stack, "Topic"))],
    )
    for properties in properties_of(stack, construct).values():
        assert len(properties["AlarmActions"]) == len(properties["OKActions"]) == 1


def test_an_alarm_can_throw_the_kill_switch() -> None:
    stack = new_stack()
    interpreter = CodeInterpreter(stack, "Sandbox")
    janitor = SessionJanitor(stack, "Janitor", interpreter=interpreter)
    construct = CodeInterpreterAlarms(stack, "Alarms", interpreter=interpreter, janitor=janitor)
    janitor.stop_all_on(construct.alarm("SessionStarts"))
    starts = properties_of(stack, construct)["SessionStarts"]
    template = Template.from_stack(stack)
    (switch,) = template.find_resources("AWS::Lambda::Alias")
    assert starts["AlarmActions"] == [{"Ref": switch}]
    template.has_resource_properties(
        "AWS::Lambda::Permission",
        {
            "Principal": "lambda.alarms.cloudwatch.amazonaws.com",
            "SourceArn": {
                "Fn::GetAtt": [stack.get_logical_id(construct.alarms["SessionStarts"]), "Arn"]
            },
        },
    )


def test_an_alarm_that_is_not_there_is_refused_by_name() -> None:
    stack = new_stack()
    system = SystemCodeInterpreter(stack, "System")
    construct = CodeInterpreterAlarms(stack, "Alarms", interpreter=system)
    with pytest.raises(ValueError, match=r"no alarm 'Nothing'; there are: Latency, Session"):
        construct.alarm("Nothing")


def test_a_runbook_of_ones_own_is_linked() -> None:
    stack = new_stack()
    construct = CodeInterpreterAlarms(
        stack,
        "Alarms",
        interpreter=SystemCodeInterpreter(stack, "System"),
        runbook_url="https://example.com/ops",
    )
    for properties in properties_of(stack, construct).values():
        assert "https://example.com/ops#runbook-" in json.dumps(properties["AlarmDescription"])


def test_a_further_interpreter_adds_no_shared_alarm() -> None:
    stack = new_stack()
    for number in range(3):
        interpreter = CodeInterpreter(stack, f"Sandbox{number}")
        janitor = SessionJanitor(stack, f"Janitor{number}", interpreter=interpreter)
        CodeInterpreterAlarms(stack, f"Alarms{number}", interpreter=interpreter, janitor=janitor)
    Template.from_stack(stack).resource_count_is("AWS::CloudWatch::Alarm", 3 * 7 + 4)


def test_a_janitor_of_another_interpreter_is_refused() -> None:
    """Its alarms would wait for metrics that nobody publishes, and stay silent."""
    stack = new_stack()
    ours, other = CodeInterpreter(stack, "Ours"), CodeInterpreter(stack, "Other")
    janitor = SessionJanitor(stack, "Janitor", interpreter=other)
    with pytest.raises(ValueError, match="janitor S/Janitor watches S/Other, not S/Ours"):
        CodeInterpreterAlarms(stack, "Alarms", interpreter=ours, janitor=janitor)


def test_a_topic_of_another_region_is_refused_before_cloudwatch_does() -> None:
    stack = new_stack()
    near, far = (
        sns.Topic.from_topic_arn(stack, region, f"arn:aws:sns:{region}:111122223333:on-call")
        for region in ("us-east-1", "eu-west-1")
    )
    interpreter = CodeInterpreter(stack, "Sandbox")
    CodeInterpreterAlarms(stack, "Near", interpreter=interpreter, actions=[near])
    with pytest.raises(ValueError, match=r"S/Far: the topic arn:aws:sns:eu-west-1:.*us-east-1"):
        CodeInterpreterAlarms(stack, "Far", interpreter=interpreter, actions=[near, far])


@pytest.mark.parametrize(
    ("thresholds", "said"),
    [
        (
            AlarmThresholds(
                over_age_sessions=Threshold(1.0, period=Duration.minutes(5), evaluation_periods=3)
            ),
            "comes every 900 seconds, and could never be raised",
        ),
        (
            AlarmThresholds(cost_per_hour=Threshold(5.0, period=Duration.minutes(5))),
            "cost_per_hour would look at 900 seconds",
        ),
        (
            AlarmThresholds(account_cost_per_hour=Threshold(5.0, evaluation_periods=1)),
            "account_cost_per_hour would look at 3600 seconds",
        ),
    ],
)
def test_an_alarm_that_would_look_where_no_data_is_yet_is_refused(
    thresholds: AlarmThresholds, said: str
) -> None:
    stack = new_stack()
    interpreter = CodeInterpreter(stack, "Sandbox")
    policy = SessionPolicy(schedule=Duration.minutes(15))
    janitor = SessionJanitor(stack, "Janitor", interpreter=interpreter, policy=policy)
    with pytest.raises(ValueError, match=said):
        CodeInterpreterAlarms(
            stack, "Alarms", interpreter=interpreter, thresholds=thresholds, janitor=janitor
        )


@pytest.mark.parametrize(("name", "kind"), [("janitor", SessionJanitor), ("canary", Canary)])
def test_a_companion_in_another_region_is_refused(name: str, kind: Any) -> None:
    """What it publishes is where it runs, and an alarm watches its own region only."""
    stack = new_stack()
    elsewhere = Stack(
        stack.node.root, "T", env=Environment(account="111122223333", region="eu-west-1")
    )
    interpreter = CodeInterpreter(stack, "Sandbox", code_interpreter_name="sandbox")
    companion = kind(elsewhere, "Companion", interpreter=interpreter)
    with pytest.raises(ValueError, match=f"the {name} T/Companion runs in eu-west-1"):
        CodeInterpreterAlarms(stack, "Alarms", interpreter=interpreter, **{name: companion})


def test_a_topic_of_another_stacks_region_is_refused() -> None:
    stack = new_stack()
    elsewhere = Stack(
        stack.node.root, "T", env=Environment(account="111122223333", region="eu-west-1")
    )
    topic = sns.Topic(elsewhere, "OnCall")
    with pytest.raises(ValueError, match=r"topic T/OnCall is in another region \(eu-west-1\)"):
        CodeInterpreterAlarms(
            stack, "Alarms", interpreter=CodeInterpreter(stack, "Sandbox"), actions=[topic]
        )


def test_a_region_that_is_written_out_between_tokens_counts() -> None:
    stack = new_stack()
    far = sns.Topic.from_topic_arn(
        stack, "Far", stack.format_arn(service="sns", resource="on-call", region="eu-west-1")
    )
    with pytest.raises(ValueError, match=r"topic S/Far is in another region \(eu-west-1\)"):
        CodeInterpreterAlarms(
            stack, "Alarms", interpreter=CodeInterpreter(stack, "Sandbox"), actions=[far]
        )


@pytest.mark.parametrize(
    "arn",
    [f"arn:{Aws.PARTITION}:sns:us-east-1:111122223333:on-call", Fn.import_value("OnCall")],
    ids=["in part", "nothing"],
)
def test_an_import_says_by_its_arn_alone_where_a_topic_is(arn: str) -> None:
    """The stack in which it is imported is any stack."""
    stack = new_stack()
    elsewhere = Stack(
        stack.node.root, "T", env=Environment(account="111122223333", region="eu-west-1")
    )
    topic = sns.Topic.from_topic_arn(elsewhere, "OnCall", arn)
    interpreter = CodeInterpreter(stack, "Sandbox")
    CodeInterpreterAlarms(stack, "Alarms", interpreter=interpreter, actions=[topic])


def test_a_topic_is_taken_where_regions_are_not_known_yet() -> None:
    stack = Stack(App(), "S")
    arn = "arn:aws:sns:eu-west-1:111122223333:on-call"
    topic = sns.Topic.from_topic_arn(stack, "Topic", arn)
    interpreter = CodeInterpreter(stack, "Sandbox")
    CodeInterpreterAlarms(stack, "Alarms", interpreter=interpreter, actions=[topic])
