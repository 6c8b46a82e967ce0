"""The app that a run deploys: an interpreter with its drain, a smoke test and a janitor.

The CDK CLI runs it as a program, with the stack's name and a revision as context.
"""

from __future__ import annotations

from aws_cdk import App, CfnOutput, CliCredentialsStackSynthesizer, Stack

from cdk_code_interpreter import CodeInterpreter, SessionJanitor, SmokeTest

app = App()
stack = Stack(
    app,
    app.node.get_context("stack_name"),
    description="Conformance run of cdk-code-interpreter; safe to delete",
    synthesizer=CliCredentialsStackSynthesizer(),
)
interpreter = CodeInterpreter(
    stack,
    "Sandbox",
    name_prefix=app.node.get_context("name_prefix"),
    description=f"Conformance, revision {app.node.get_context('revision')}",
)
SmokeTest(stack, "SmokeTest", interpreter=interpreter)
SessionJanitor(stack, "Janitor", interpreter=interpreter)
CfnOutput(stack, "InterpreterId", value=interpreter.code_interpreter_id)
app.synth()
