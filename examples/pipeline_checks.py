"""A stack that a pipeline lets through only if the checks of this library find no error.

`python examples/pipeline_checks.py` ends with 1 where there is one, and names every finding; a
warning lets the stack through. A level can be changed for each rule, so also to an error. The
same rules run on templates of any tool: `cfn-guard validate -d TEMPLATE -r` with the file that
`cdk_code_interpreter.checks.guard_rules()` names.
"""

from aws_cdk import App, CfnOutput, Stack, Validations
from aws_cdk import aws_sns as sns

from cdk_code_interpreter import CheckLevel, CodeInterpreterChecks, GovernedCodeInterpreter

# Here the sandbox network is a choice, so it is not reported.
LEVELS = {"CodeInterpreter-SandboxNetwork": CheckLevel.OFF}

app = App()
Validations.of(app).add_plugins(CodeInterpreterChecks(app, levels=LEVELS))
stack = Stack(app, "Checked")
sandbox = GovernedCodeInterpreter(
    stack, "Sandbox", alarm_topic=sns.Topic(stack, "OnCall", enforce_ssl=True)
)

CfnOutput(stack, "InterpreterId", value=sandbox.code_interpreter_id)
app.synth()
