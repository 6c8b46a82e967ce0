"""Interpreters whose drains leave the stack, while they stay; and one that leaves with its drain.

Context: `changed`, whether the drains have left.
"""

from aws_cdk import App, RemovalPolicy, Stack
from aws_cdk import aws_bedrockagentcore as agentcore

from cdk_code_interpreter import CodeInterpreter, SessionDrain

app = App()
stack = Stack(app, "Staying")
changed = app.node.try_get_context("changed") == "true"
CodeInterpreter(stack, "Undrained", drain_on_delete=not changed)
CodeInterpreter(
    stack,
    "Retained",
    removal_policy=RemovalPolicy.RETAIN if changed else RemovalPolicy.DESTROY,
)
plain = CodeInterpreter.from_l2(agentcore.CodeInterpreterCustom(stack, "Moved"))
SessionDrain(stack, "Second" if changed else "First", interpreter=plain)
if not changed:
    CodeInterpreter(stack, "Removed")
app.synth()
