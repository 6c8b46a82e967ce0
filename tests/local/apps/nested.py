"""An interpreter in a nested stack, with its drain.

Context: `variant`, sandbox or public.
"""

from aws_cdk import App, CfnOutput, NestedStack, Stack

from cdk_code_interpreter import CodeInterpreter, NetworkAccess

app = App()
stack = Stack(app, "Nesting")
nested = NestedStack(stack, "Inner")
public = app.node.get_context("variant") == "public"
interpreter = CodeInterpreter(
    nested, "Sandbox", network=NetworkAccess.public() if public else NetworkAccess.sandbox()
)
CfnOutput(stack, "InterpreterId", value=interpreter.code_interpreter_id)
app.synth()
