"""Metrics, checked on what CDK renders of them into a dashboard or an alarm."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from io import StringIO
from typing import Any, cast

import pytest
from aws_cdk import App, CfnParameter, Duration, Environment, Stack
from aws_cdk import aws_cloudwatch as cloudwatch

from cdk_code_interpreter.interpreter.code_interpreter import CodeInterpreter
from cdk_code_interpreter.interpreter.imported import SystemCodeInterpreter
from cdk_code_interpreter.metrics.metrics import CodeInterpreterMetrics, Operation
from session_manager import metrics as emitter

ARN = "arn:aws:bedrock-agentcore:eu-west-1:222233334444:code-interpreter-custom/tool-0123456789"
DOCUMENTED_NAMES = {
    "Invocations",
    "Throttles",
    "SystemErrors",
    "UserErrors",
    "Latency",
    "Duration",
    "CPUUsed-vCPUHours",
    "MemoryUsed-GBHours",
    "ActiveSessionCount",
}


@pytest.fixture
def stack() -> Stack:
    return Stack(App(), "S", env=Environment(account="111122223333", region="us-east-1"))


@pytest.fixture
def imported(stack: Stack) -> CodeInterpreterMetrics:
    return CodeInterpreter.from_code_interpreter_arn(stack, "Import", ARN).metrics


def is_options(field: Any) -> bool:
    """Whether the last field of a row is its options, and not an intrinsic function."""
    return isinstance(field, dict) and not any(
        name == "Ref" or name.startswith("Fn::") for name in field
    )


def rendered(stack: Stack, metric: cloudwatch.IMetric) -> list[dict[str, Any]]:
    """The metrics of a graph as objects, resolved, without CDK's abbreviations."""
    widget = cloudwatch.GraphWidget(left=[metric])
    rows = stack.resolve(widget.to_json())[0]["properties"]["metrics"]
    found: list[dict[str, Any]] = []
    before: list[Any] = []
    for row in rows:
        *fields, options = row if is_options(row[-1]) else [*row, {}]
        before = [before[at] if each == "." else each for at, each in enumerate(fields)]
        named = {"namespace": before[0], "name": before[1]} if before else {}
        dimensions = dict(zip(before[2::2], before[3::2], strict=True))
        found.append({**named, "dimensions": dimensions, **options})
    return found


def only(stack: Stack, metric: cloudwatch.IMetric) -> dict[str, Any]:
    (found,) = rendered(stack, metric)
    return found


def all_methods() -> Iterator[str]:
    for name, _member in inspect.getmembers(CodeInterpreterMetrics, inspect.isfunction):
        if not name.startswith("_"):
            yield name


@pytest.mark.parametrize("operation", list(Operation))
@pytest.mark.parametrize(
    ("method", "name", "statistic"),
    [
        ("invocations", "Invocations", "Sum"),
        ("throttles", "Throttles", "Sum"),
        ("system_errors", "SystemErrors", "Sum"),
        ("user_errors", "UserErrors", "Sum"),
        ("latency", "Latency", "Average"),
    ],
)
def test_operational_metrics_have_resource_and_operation(
    stack: Stack,
    imported: CodeInterpreterMetrics,
    method: str,
    name: str,
    statistic: str,
    operation: Operation,
) -> None:
    found = only(stack, getattr(imported, method)(operation))
    assert found["namespace"] == "AWS/Bedrock-AgentCore"
    assert found["name"] == name
    assert found["dimensions"] == {"Resource": ARN, "Operation": operation.value}
    # Average is CloudWatch's default, which CDK leaves out.
    assert found.get("stat", "Average") == statistic


def test_operations_are_operations_of_the_service_model() -> None:
    import botocore.session

    model = botocore.session.get_session().get_service_model("bedrock-agentcore")
    assert {each.value for each in Operation} <= set(model.operation_names)


@pytest.mark.parametrize("method", list(all_methods()))
def test_imports_are_read_in_the_account_and_region_of_their_arn(
    stack: Stack, imported: CodeInterpreterMetrics, method: str
) -> None:
    for found in rendered(stack, getattr(imported, method)()):
        if "expression" not in found:
            assert (found["accountId"], found["region"]) == ("222233334444", "eu-west-1")


@pytest.mark.parametrize("method", list(all_methods()))
def test_a_metric_in_its_own_stack_names_neither_account_nor_region(method: str) -> None:
    stack = Stack(App(), "Anywhere")
    interpreter = CodeInterpreter(stack, "Sandbox", drain_on_delete=False)
    for found in rendered(stack, getattr(interpreter.metrics, method)()):
        assert "accountId" not in found
        assert "region" not in found


@pytest.mark.parametrize("method", list(all_methods()))
def test_every_metric_takes_more_dimensions_without_losing_its_own(
    stack: Stack, imported: CodeInterpreterMetrics, method: str
) -> None:
    call: Callable[..., cloudwatch.IMetric] = getattr(imported, method)
    before = [each for each in rendered(stack, call()) if "expression" not in each]
    merged = rendered(stack, call(dimensions_map={"Name": "x"}))
    after = [each for each in merged if "expression" not in each]
    assert [each["dimensions"] for each in after] == [
        {**each["dimensions"], "Name": "x"} for each in before
    ]


def test_a_callers_dimension_wins_over_one_of_the_same_name(
    stack: Stack, imported: CodeInterpreterMetrics
) -> None:
    found = only(stack, imported.latency(dimensions_map={"Operation": "Mine"}))
    assert found["dimensions"] == {"Resource": ARN, "Operation": "Mine"}


def test_options_replace_statistic_period_label_and_color(
    stack: Stack, imported: CodeInterpreterMetrics
) -> None:
    found = only(
        stack,
        imported.latency(
            Operation.START_SESSION,
            statistic="p99",
            period=Duration.minutes(1),
            label="Start",
            color="#ff0000",
        ),
    )
    assert (found["stat"], found["period"]) == ("p99", 60)
    assert (found["label"], found["color"]) == ("Start", "#ff0000")


def test_session_duration_has_an_operation_of_its_own(
    stack: Stack, imported: CodeInterpreterMetrics
) -> None:
    found = only(stack, imported.session_duration())
    assert found["name"] == "Duration"
    assert found["dimensions"]["Operation"] == "CodeInterpreterSession"


def test_active_sessions_are_account_wide(stack: Stack, imported: CodeInterpreterMetrics) -> None:
    found = only(stack, imported.active_sessions())
    assert found["name"] == "ActiveSessionCount"
    assert found["dimensions"] == {"Service": "AgentCore.CodeInterpreter"}
    assert (found["stat"], found["period"]) == ("Maximum", 60)


@pytest.mark.parametrize(
    ("method", "name"),
    [("cpu_hours", "CPUUsed-vCPUHours"), ("memory_gb_hours", "MemoryUsed-GBHours")],
)
def test_use_is_read_by_id_and_by_arn(
    stack: Stack, imported: CodeInterpreterMetrics, method: str, name: str
) -> None:
    found = rendered(stack, getattr(imported, method)())
    inputs = [each for each in found if "expression" not in each]
    assert {each["name"] for each in inputs} == {name}
    assert {each["dimensions"]["Resource"] for each in inputs} == {ARN, "tool-0123456789"}
    assert {each["dimensions"]["Service"] for each in inputs} == {"AgentCore.CodeInterpreter"}
    assert {(each["stat"], each["period"]) for each in inputs} == {("Sum", 3600)}


def expression_of(found: list[dict[str, Any]]) -> str:
    return cast("str", next(each["expression"] for each in found if "expression" in each))


def test_the_cost_uses_the_prices_that_it_is_given(
    stack: Stack, imported: CodeInterpreterMetrics
) -> None:
    ours = imported.estimated_cost_per_hour(vcpu_hour_price=0.5, gb_hour_price=0.25)
    numbers = re.findall(r"\d+\.\d+", expression_of(rendered(stack, ours)))
    assert numbers == ["0.5", "0.25"]
    default = expression_of(rendered(stack, imported.estimated_cost_per_hour()))
    assert re.findall(r"\d+\.\d+", default) == ["0.0895", "0.00945"]


def test_the_error_rate_covers_all_operations_unless_one_is_chosen(
    stack: Stack, imported: CodeInterpreterMetrics
) -> None:
    def reads(metric: cloudwatch.MathExpression) -> set[tuple[str, str]]:
        return {
            (each["name"], each["dimensions"]["Operation"])
            for each in rendered(stack, metric)
            if "expression" not in each
        }

    both = {(name, each.value) for name in ("SystemErrors", "Invocations") for each in Operation}
    assert reads(imported.error_rate()) == both
    assert reads(imported.error_rate(Operation.INVOKE, user_errors=True)) == {
        (name, "InvokeCodeInterpreter") for name in ("SystemErrors", "UserErrors", "Invocations")
    }


def test_every_service_metric_is_a_documented_one(
    stack: Stack, imported: CodeInterpreterMetrics
) -> None:
    names = {
        each["name"]
        for method in all_methods()
        for each in rendered(stack, getattr(imported, method)())
        if each.get("namespace") == "AWS/Bedrock-AgentCore"
    }
    assert names == DOCUMENTED_NAMES


def test_own_metrics_are_what_the_functions_emit(
    stack: Stack, imported: CodeInterpreterMetrics
) -> None:
    """Run the functions' emitter and compare with what the metrics read."""
    read = {
        (each["namespace"], each["name"], frozenset(each["dimensions"]))
        for method in all_methods()
        for each in rendered(stack, getattr(imported, method)())
        if each.get("namespace") == "CdkCodeInterpreter"
    }
    for tool in ("canary_success", "canary_duration"):
        found = only(stack, getattr(imported, tool)("executeCode"))
        read.add((found["namespace"], found["name"], frozenset(found["dimensions"])))
    output = StringIO()
    with redirect_stdout(output):
        emitter.emit(dict.fromkeys(emitter.UNITS, 1.0), name="tool-0123456789")
        emitter.emit({"CanarySuccess": 1, "CanaryDuration": 1}, name="n", tool="executeCode")
    emitted = set()
    for line in output.getvalue().splitlines():
        for directive in json.loads(line)["_aws"]["CloudWatchMetrics"]:
            emitted |= {
                (directive["Namespace"], metric["Name"], frozenset(directive["Dimensions"][0]))
                for metric in directive["Metrics"]
            }
    assert read <= emitted
    # What the sweep would have stopped shows as sessions over age and sessions stopped.
    assert {name for _, name, _ in emitted - read} == {"SelectedSessions"}


def test_own_metrics_keep_their_name_over_a_replacement() -> None:
    def names_with(description: str) -> tuple[str, str]:
        stack = Stack(App(), "S")
        interpreter = CodeInterpreter(
            stack, "Sandbox", description=description, drain_on_delete=False
        )
        found = only(stack, interpreter.metrics.ready_sessions())
        whole_name = stack.resolve(interpreter.code_interpreter_name)
        return found["dimensions"]["CodeInterpreterName"], whole_name

    (before, replaced), (after, replacement) = names_with("one"), names_with("another")
    assert before == after
    assert replaced != replacement
    assert replacement.startswith(f"{before}_")


def test_an_import_is_called_by_its_id(stack: Stack, imported: CodeInterpreterMetrics) -> None:
    found = only(stack, imported.ready_sessions())
    assert found["dimensions"] == {"CodeInterpreterName": "tool-0123456789"}


def test_an_import_by_a_token_is_let_through() -> None:
    stack = Stack(App(), "S")
    parameter = CfnParameter(stack, "Arn")
    interpreter = CodeInterpreter.from_code_interpreter_arn(
        stack, "Import", parameter.value_as_string
    )
    found = only(stack, interpreter.metrics.ready_sessions())
    name = found["dimensions"]["CodeInterpreterName"]
    assert json.dumps(name).count("Fn::Split") == 1
    assert only(stack, interpreter.metrics.latency())["dimensions"]["Resource"] == {"Ref": "Arn"}


def test_the_system_interpreter_is_read_in_the_stacks_own_account(stack: Stack) -> None:
    found = only(stack, SystemCodeInterpreter(stack, "System").metrics.invocations())
    assert "accountId" not in found
    assert json.dumps(found["dimensions"]["Resource"]).endswith(
        ':us-east-1:aws:code-interpreter/aws.codeinterpreter.v1"]]}'
    )


def test_a_graph_in_another_region_names_the_interpreters_region() -> None:
    app = App()
    home = Stack(app, "Home", env=Environment(account="111122223333", region="eu-west-1"))
    away = Stack(app, "Away", env=Environment(account="111122223333", region="us-east-1"))
    metrics = CodeInterpreter(home, "Sandbox", drain_on_delete=False).metrics
    found = only(away, metrics.active_sessions())
    assert found["region"] == "eu-west-1"
    assert "accountId" not in found


def test_an_option_that_is_misspelt_is_refused(imported: CodeInterpreterMetrics) -> None:
    with pytest.raises(ValueError, match=r"S: metrics have no option 'statistics'; .*statistic,"):
        imported.invocations(statistics="p99")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="no option 'unit'"):
        imported.error_rate(unit="Percent")  # type: ignore[call-arg]


def test_our_own_metrics_are_where_the_functions_are(new_app: Any) -> None:
    stack = Stack(new_app(), "Home", env={"account": "111122223333", "region": "us-east-1"})
    arn = "arn:aws:bedrock-agentcore:eu-west-1:111122223333:code-interpreter-custom/Old-ABCDEFGHIJ"
    imported = CodeInterpreter.from_code_interpreter_arn(stack, "Imported", arn)

    regions = [
        stack.resolve(each.to_metric_config().metric_stat.region) or "us-east-1"
        for each in (imported.metrics.ready_sessions(), imported.metrics.invocations())
    ]

    assert regions == ["us-east-1", "eu-west-1"]
