"""Two plain L2s, one of which moves to `CodeInterpreter` and one to `GovernedCodeInterpreter`.

Context: `moved`, whether they have.
"""

from aws_cdk import App, Stack
from aws_cdk import aws_bedrockagentcore as agentcore

from cdk_code_interpreter import CodeInterpreter, GovernedCodeInterpreter, SessionDrain

app = App()
for name, construct in (("Bare", CodeInterpreter), ("Governed", GovernedCodeInterpreter)):
    stack = Stack(app, f"Moving{name}")
    if app.node.try_get_context("moved") == "true":
        construct(stack, "Sandbox")
    else:
        plain = agentcore.CodeInterpreterCustom(stack, "Sandbox")
        SessionDrain(stack, "Drain", interpreter=CodeInterpreter.from_l2(plain))
app.synth()
