"""An interpreter in one stack, and the agent that uses it in another.

Context: `description` of the interpreter; a change of it replaces the interpreter.
"""

from pathlib import Path

from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_lambda as lambda_

from cdk_code_interpreter import CodeInterpreter

app = App()
producer = Stack(app, "Platform")
interpreter = CodeInterpreter(producer, "Sandbox", description=app.node.get_context("description"))

consumer = Stack(app, "Product")
agent = lambda_.Function(
    consumer,
    "Agent",
    runtime=lambda_.Runtime.PYTHON_3_14,
    handler="example_agent.handler.lambda_handler",
    code=lambda_.Code.from_asset(
        str(Path(__file__).resolve().parents[3] / "lambda"),
        exclude=["*", "!example_agent", "!example_agent/**", "__pycache__"],
    ),
    environment=dict(interpreter.environment),
)
interpreter.grants.use(agent)
CfnOutput(consumer, "AgentFunctionName", value=agent.function_name)
app.synth()
