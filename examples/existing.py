"""An interpreter that exists already, imported and governed; and AWS's own one, watched.

Context: `arn`, the interpreter's ARN.
"""

from aws_cdk import App, CfnOutput, Duration, Stack

from cdk_code_interpreter import (
    CodeInterpreter,
    SessionDrain,
    SessionJanitor,
    SessionPolicy,
    SystemCodeInterpreter,
)

EXISTING = (
    "arn:aws:bedrock-agentcore:us-east-1:111122223333:code-interpreter-custom/reports-Abcdefghi1"
)

app = App()
stack = Stack(app, "Existing")
reports = CodeInterpreter.from_code_interpreter_arn(
    stack, "Reports", app.node.try_get_context("arn") or EXISTING
)
# Its sessions are stopped when this stack is destroyed; the interpreter itself stays.
SessionDrain(stack, "Drain", interpreter=reports)
SessionJanitor(
    stack, "Janitor", interpreter=reports, policy=SessionPolicy(max_age=Duration.hours(2))
)
# Other teams may use the system's interpreter as well: its sessions are counted, never stopped.
SessionJanitor(stack, "SystemJanitor", interpreter=SystemCodeInterpreter(stack, "System"))

CfnOutput(stack, "InterpreterId", value=reports.code_interpreter_id)
app.synth()
