"""One call: an interpreter that is drained, watched, aged out, tested, logged and alarmed."""

from aws_cdk import App, CfnOutput, Duration, Stack
from aws_cdk import aws_sns as sns

from cdk_code_interpreter import Enforcement, GovernedCodeInterpreter, SessionPolicy

app = App()
stack = Stack(app, "Governed")
topic = sns.Topic(stack, "OnCall", enforce_ssl=True)

sandbox = GovernedCodeInterpreter(
    stack,
    "Sandbox",
    sessions=SessionPolicy(
        timeout=Duration.minutes(30),
        max_age=Duration.hours(1),
        max_active=200,
        keep_name_prefixes=["notebook-"],
        enforcement=Enforcement.ENFORCE,
    ),
    alarm_topic=topic,
)

CfnOutput(stack, "InterpreterId", value=sandbox.code_interpreter_id)
app.synth()
