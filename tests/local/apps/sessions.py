"""Interpreters whose sessions are drained, watched and checked.

Context: `stack_name`; `kinds`, some of own, second, fixed, l2, undrained_l2, with commas between;
`description` of every interpreter; `block`, whether a drain that fails blocks the deletion;
`command` that the smoke test of the first one runs; `janitor`, whether that one has a janitor,
and an alarm that stops all its sessions.
"""

from collections.abc import Callable

from aws_cdk import App, CfnOutput, Duration, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_cloudwatch as cloudwatch

from cdk_code_interpreter import (
    CodeInterpreter,
    Enforcement,
    ICodeInterpreter,
    OnDrainFailure,
    SessionDrain,
    SessionJanitor,
    SessionPolicy,
    SmokeTest,
)

app = App()
stack = Stack(app, app.node.get_context("stack_name"))
description = app.node.try_get_context("description") or "first"
blocking = app.node.try_get_context("block")
sandbox = agentcore.CodeInterpreterNetworkConfiguration.using_sandbox_network()


def own(name: str, fixed_name: str | None = None) -> ICodeInterpreter:
    interpreter = CodeInterpreter(
        stack,
        name,
        description=description,
        code_interpreter_name=fixed_name,
        drain_on_delete=not blocking,
    )
    if blocking:
        SessionDrain(
            stack, f"{name}Drain", interpreter=interpreter, on_failure=OnDrainFailure.BLOCK
        )
    return interpreter


def l2(name: str) -> ICodeInterpreter:
    return CodeInterpreter.from_l2(
        agentcore.CodeInterpreterCustom(stack, name, network_configuration=sandbox)
    )


def drained_l2(name: str) -> ICodeInterpreter:
    interpreter = l2(name)
    SessionDrain(stack, f"{name}Drain", interpreter=interpreter)
    return interpreter


makers: dict[str, Callable[[], ICodeInterpreter]] = {
    "own": lambda: own("Sandbox"),
    "second": lambda: own("Second"),
    "fixed": lambda: own("Fixed", fixed_name="fixed_name"),
    "l2": lambda: drained_l2("Plain"),
    "undrained_l2": lambda: l2("Undrained"),
}
interpreters = {kind: makers[kind]() for kind in app.node.get_context("kinds").split(",")}
for kind, interpreter in interpreters.items():
    CfnOutput(stack, kind.replace("_", ""), value=interpreter.code_interpreter_id)

first = next(iter(interpreters.values()))
command = app.node.try_get_context("command")
if command:
    SmokeTest(stack, "Works", interpreter=first, commands=[command])
if app.node.try_get_context("janitor"):
    policy = SessionPolicy(max_age=Duration.hours(4), max_active=5, enforcement=Enforcement.ENFORCE)
    janitor = SessionJanitor(stack, "Janitor", interpreter=first, policy=policy)
    burst = cloudwatch.Alarm(
        stack,
        "Burst",
        metric=cloudwatch.Metric(
            namespace="Test", metric_name="Starts", statistic="Sum", period=Duration.minutes(1)
        ),
        threshold=100,
        evaluation_periods=1,
    )
    janitor.stop_all_on(burst)
    CfnOutput(stack, "alarm", value=burst.alarm_name)
app.synth()
