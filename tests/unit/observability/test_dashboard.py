"""The dashboard's JSON, as CloudFormation would put it together."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template
from constructs import Construct

from cdk_code_interpreter.interpreter.code_interpreter import CodeInterpreter
from cdk_code_interpreter.observability.alarms import CodeInterpreterAlarms
from cdk_code_interpreter.observability.dashboard import (
    MOST_INTERPRETERS,
    MOST_METRICS,
    MOST_METRICS_PER_GRAPH,
    MOST_WIDGETS,
    CodeInterpreterDashboard,
)
from cdk_code_interpreter.sessions.session_janitor import SessionJanitor

ENVIRONMENT = Environment(account="111122223333", region="us-east-1")
Widget = dict[str, Any]


def body_of(template: Template) -> dict[str, Any]:
    (dashboard,) = template.find_resources("AWS::CloudWatch::Dashboard").values()
    body: dict[str, Any] = json.loads(joined(dashboard["Properties"]["DashboardBody"]))
    return body


def joined(value: Any) -> str:
    """A text with a word in the place of each reference."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return str(separator).join(joined(each) for each in parts)
    if "Fn::Sub" in value:
        text, variables = value["Fn::Sub"]
        words = {f"${{{name}}}": joined(each) for name, each in variables.items()}
        return re.sub(r"\$\{[^!}]*\}", lambda found: words.get(found[0], found[0]), text)
    return ".".join(str(each) for each in value.get("Fn::GetAtt", [value.get("Ref", "token")]))


def plain_fleet(count: int) -> Stack:
    """A stack that imports interpreters and shows them: cheap to make."""
    stack = Stack(App(), "Fleet", env=ENVIRONMENT)
    arn = (
        "arn:aws:bedrock-agentcore:us-east-1:111122223333:code-interpreter-custom/tool{}-0123456789"
    )
    CodeInterpreterDashboard(
        stack,
        "Dashboard",
        interpreters=[
            CodeInterpreter.from_code_interpreter_arn(stack, f"Tool{n}", arn.format(n))
            for n in range(count)
        ],
    )
    return stack


def governed_stack(count: int) -> Stack:
    stack = Stack(App(), "Analytics", env=ENVIRONMENT)
    dashboard = CodeInterpreterDashboard(stack, "Dashboard")
    for number in range(count):
        interpreter = CodeInterpreter(stack, f"Sandbox{number}")
        janitor = SessionJanitor(interpreter, "Janitor", interpreter=interpreter)
        alarms = CodeInterpreterAlarms(
            interpreter, "Alarms", interpreter=interpreter, janitor=janitor
        )
        dashboard.add(interpreter, alarms=alarms)
    return stack


@pytest.fixture(scope="module", params=[1, 10])
def widgets(request: pytest.FixtureRequest) -> list[Widget]:
    return list(body_of(Template.from_stack(governed_stack(request.param)))["widgets"])


def graphs(widgets: list[Widget]) -> Iterator[Widget]:
    yield from (each for each in widgets if each["type"] == "metric")


def test_no_widget_lies_on_another_or_beside_the_grid(widgets: list[Widget]) -> None:
    for each in widgets:
        assert each["x"] + each["width"] <= 24
    for one, other in combinations(widgets, 2):
        apart = (
            one["x"] + one["width"] <= other["x"]
            or other["x"] + other["width"] <= one["x"]
            or one["y"] + one["height"] <= other["y"]
            or other["y"] + other["height"] <= one["y"]
        )
        assert apart


def test_every_axis_says_what_it_counts(widgets: list[Widget]) -> None:
    for each in graphs(widgets):
        assert each["properties"]["yAxis"]["left"]["label"]


def test_expressions_name_metrics_of_their_own_graph(widgets: list[Widget]) -> None:
    for each in graphs(widgets):
        options = [row[-1] for row in each["properties"]["metrics"]]
        ids = [each["id"] for each in options if "id" in each]
        assert len(ids) == len(set(ids))
        for option in options:
            used = re.findall(r"[a-z][a-z0-9_]*", option.get("expression", ""))
            assert set(used) <= set(ids)
            assert option.get("id", "a")[0].islower()


def test_health_is_at_the_top(widgets: list[Widget]) -> None:
    (alarms,) = [each for each in widgets if each["type"] == "alarm"]
    assert alarms["y"] < min(each["y"] for each in graphs(widgets))


def test_one_interpreter_shows_every_alarm() -> None:
    template = Template.from_stack(governed_stack(1))
    (widget,) = [each for each in body_of(template)["widgets"] if each["type"] == "alarm"]
    # By their names, which are what `Ref` gives: CDK need not be asked for each ARN as well.
    arns = {
        f"arn:${{AWS::Partition}}:cloudwatch:us-east-1:111122223333:alarm:{name}"
        for name in template.find_resources("AWS::CloudWatch::Alarm")
    }
    (composite,) = template.find_resources("AWS::CloudWatch::CompositeAlarm")
    assert set(widget["properties"]["alarms"]) == {*arns, f"{composite}.Arn"}


def test_a_fleet_shows_one_composite_each_and_the_shared_alarms() -> None:
    template = Template.from_stack(governed_stack(3))
    (widget,) = [each for each in body_of(template)["widgets"] if each["type"] == "alarm"]
    shown = widget["properties"]["alarms"]
    composites = {
        f"{each}.Arn" for each in template.find_resources("AWS::CloudWatch::CompositeAlarm")
    }
    assert composites < set(shown)
    assert len(shown) == 3 + 4


def test_a_fleet_has_one_line_for_each_interpreter() -> None:
    for each in graphs(body_of(Template.from_stack(plain_fleet(7)))["widgets"]):
        lines = [row for row in each["properties"]["metrics"] if row[-1].get("visible", True)]
        assert len(lines) in (1, 7)


def test_the_latest_log_lines_are_those_of_the_session_functions() -> None:
    template = Template.from_stack(governed_stack(1))
    (widget,) = [each for each in body_of(template)["widgets"] if each["type"] == "log"]
    sources = set(re.findall(r"SOURCE '([^']+)'", widget["properties"]["query"]))
    assert sources == set(template.find_resources("AWS::Logs::LogGroup"))
    assert widget["properties"]["region"] == "us-east-1"


@pytest.mark.parametrize("count", [1, 50, MOST_INTERPRETERS])
def test_cloudwatchs_limits_are_kept(count: int) -> None:
    template = Template.from_stack(plain_fleet(count))
    found = body_of(template)["widgets"]
    counts = [len(each["properties"]["metrics"]) for each in graphs(found)]
    assert len(found) <= MOST_WIDGETS
    assert max(counts) <= MOST_METRICS_PER_GRAPH
    assert sum(counts) <= MOST_METRICS
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    assert len(json.dumps(template.to_json())) < 1_000_000


def test_fifty_interpreters_of_one_stack_fit_into_a_template() -> None:
    stack = Stack(App(), "Fleet", env=ENVIRONMENT)
    interpreters = [CodeInterpreter(stack, f"Tool{n}", drain_on_delete=False) for n in range(50)]
    CodeInterpreterDashboard(stack, "Dashboard", interpreters=interpreters)
    assert len(json.dumps(Template.from_stack(stack).to_json())) < 600_000


def test_more_than_the_limits_allow_is_refused_with_the_way_out() -> None:
    with pytest.raises(ValueError, match=r"100 interpreters.*500 metrics.*each group"):
        plain_fleet(MOST_INTERPRETERS + 1)


def test_an_interpreter_twice_is_refused() -> None:
    stack = Stack(App(), "S")
    interpreter = CodeInterpreter(stack, "Sandbox", drain_on_delete=False)
    with pytest.raises(ValueError, match="S/Sandbox is on the dashboard already"):
        CodeInterpreterDashboard(stack, "D", interpreters=[interpreter, interpreter])


def test_alarms_of_an_interpreter_that_is_not_shown_are_refused() -> None:
    stack = Stack(App(), "S")
    one, other = (CodeInterpreter(stack, name, drain_on_delete=False) for name in ("One", "Other"))
    alarms = CodeInterpreterAlarms(stack, "Alarms", interpreter=other)
    with pytest.raises(ValueError, match="alarms are of S/Other"):
        CodeInterpreterDashboard(stack, "D", interpreters=[one], alarms=[alarms])


def test_an_empty_dashboard_is_refused() -> None:
    app = App()
    CodeInterpreterDashboard(Stack(app, "S"), "D")
    with pytest.raises(RuntimeError, match="S/D: the dashboard shows no interpreter"):
        app.synth()


@pytest.mark.parametrize("name", ["", "a b", "x" * 256])
def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="dashboard_name must be 1 to 255"):
        CodeInterpreterDashboard(Stack(App(), "S"), "D", dashboard_name=name)


def name_of(stack: Stack) -> str:
    (found,) = Template.from_stack(stack).find_resources("AWS::CloudWatch::Dashboard").values()
    return joined(found["Properties"]["DashboardName"])


def test_the_name_differs_by_stack_and_region_because_all_regions_share_names() -> None:
    names = set()
    for stack_name, region in (("A", "us-east-1"), ("A", "eu-west-1"), ("B", "us-east-1")):
        environment = Environment(account="111122223333", region=region)
        stack = Stack(App(), "S", stack_name=stack_name, env=environment)
        interpreter = CodeInterpreter(stack, "Sandbox", drain_on_delete=False)
        CodeInterpreterDashboard(stack, "Dashboard", interpreters=[interpreter])
        names.add(name_of(stack))
    assert names == {"A-Dashboard-us-east-1", "A-Dashboard-eu-west-1", "B-Dashboard-us-east-1"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["分析"], ["沙箱"]),
        (["Team", "A-B"], ["Team-A", "B"]),
        (["x" * 250 + "1"], ["x" * 250 + "2"]),
    ],
)
def test_places_with_the_same_words_have_different_names(one: list[str], other: list[str]) -> None:
    names = set()
    for path in (one, other):
        stack = Stack(App(), "S", env=ENVIRONMENT)
        scope: Construct = stack
        for each in path[:-1]:
            scope = Construct(scope, each)
        interpreter = CodeInterpreter(stack, "Sandbox", drain_on_delete=False)
        CodeInterpreterDashboard(scope, path[-1], interpreters=[interpreter])
        names.add(name_of(stack))
    assert len(names) == 2
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,255}", each) for each in names)


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
def test_a_dashboard_of_other_stacks_holds_nothing_fast(region: str) -> None:
    app = App()
    home = Stack(app, "Home", env=Environment(account="111122223333", region=region))
    interpreter = CodeInterpreter(home, "Sandbox")
    topic = sns.Topic(home, "OnCall")
    alarms = CodeInterpreterAlarms(home, "Alarms", interpreter=interpreter, actions=[topic])
    watching = Stack(app, "Watching", env=ENVIRONMENT)
    CodeInterpreterDashboard(watching, "Dashboard", interpreters=[interpreter], alarms=[alarms])
    template = Template.from_stack(watching)
    assert "Fn::ImportValue" not in json.dumps(template.to_json())
    exports = Template.from_stack(home).find_outputs("*")
    assert not [each for each in exports.values() if "Export" in each]
    lambdas = [
        row
        for each in graphs(body_of(template)["widgets"])
        for row in each["properties"]["metrics"]
        if row[0] == "AWS/Lambda"
    ]
    # Functions are shown of the dashboard's own region only.
    assert bool(lambdas) is (region == "us-east-1")


def test_interpreters_elsewhere_are_read_where_they_are() -> None:
    stack = Stack(App(), "S", env=ENVIRONMENT)
    arn = "arn:aws:bedrock-agentcore:eu-west-1:222233334444:code-interpreter-custom/tool-0123456789"
    away = CodeInterpreter.from_code_interpreter_arn(stack, "Away", arn)
    CodeInterpreterDashboard(stack, "Dashboard", interpreters=[away])
    for each in graphs(body_of(Template.from_stack(stack))["widgets"]):
        for row in each["properties"]["metrics"]:
            assert row[-1]["region"] == "eu-west-1"
            if "expression" not in row[-1]:
                assert row[-1]["accountId"] == "222233334444"


def test_a_replacement_in_another_stack_changes_the_dashboards_own_template() -> None:
    def body_with(description: str) -> dict[str, Any]:
        app = App()
        home = Stack(app, "Home", env=ENVIRONMENT)
        interpreter = CodeInterpreter(home, "Sandbox", description=description)
        watching = Stack(app, "Watching", env=ENVIRONMENT)
        CodeInterpreterDashboard(watching, "Dashboard", interpreters=[interpreter])
        return body_of(Template.from_stack(watching))

    assert body_with("one") != body_with("another")
    assert body_with("one") == body_with("one")
