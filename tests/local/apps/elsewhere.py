"""An interpreter in one stack, and what governs it in another. Context: `description`."""

from aws_cdk import App, CfnOutput, Duration, Stack

from cdk_code_interpreter import (
    Canary,
    CodeInterpreter,
    CodeInterpreterAlarms,
    LogDelivery,
    SessionJanitor,
    SessionPolicy,
    SmokeTest,
)

app = App()
stack = Stack(app, "Interpreters")
sandbox = CodeInterpreter(stack, "Elsewhere", description=app.node.get_context("description"))
CfnOutput(stack, "Present", value=sandbox.code_interpreter_id)

governing = Stack(app, "Governing")
janitor = SessionJanitor(
    governing,
    "Janitor",
    interpreter=sandbox,
    policy=SessionPolicy(schedule=Duration.hours(6)),
)
canary = Canary(governing, "Canary", interpreter=sandbox, schedule=Duration.hours(6))
SmokeTest(governing, "SmokeTest", interpreter=sandbox)
LogDelivery(governing, "Logs", interpreter=sandbox)
alarms = CodeInterpreterAlarms(
    governing, "Alarms", interpreter=sandbox, janitor=janitor, canary=canary
)
janitor.stop_all_on(alarms.alarm("SessionStarts"))
sandbox.export_to_parameter_store(governing, "Parameters", path="/elsewhere/sandbox")
app.synth()
