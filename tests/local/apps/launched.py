"""A template that is launched under several stack names. Context: `version`, which changes it."""

from aws_cdk import App, Duration, Stack

from cdk_code_interpreter import CodeInterpreter, Enforcement, SessionJanitor, SessionPolicy

app = App()
stack = Stack(app, "Launched")
sandbox = CodeInterpreter(
    stack, "Sandbox", description=f"Version {app.node.try_get_context('version')}"
)
SessionJanitor(
    stack,
    "Janitor",
    interpreter=sandbox,
    # A session longer than this is stopped at the next tick; the tests move the clock.
    policy=SessionPolicy(max_age=Duration.minutes(5), enforcement=Enforcement.ENFORCE),
)
app.synth()
