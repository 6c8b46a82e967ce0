"""An agent in AgentCore's own runtime that uses an interpreter.

Context: `image`, the URI of the agent's container image.
"""

from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_bedrockagentcore as agentcore

from cdk_code_interpreter import CodeInterpreter

IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/agent:1"

app = App()
stack = Stack(app, "AgentRuntime")
sandbox = CodeInterpreter(stack, "Sandbox")
runtime = agentcore.Runtime(
    stack,
    "Agent",
    agent_runtime_artifact=agentcore.AgentRuntimeArtifact.from_image_uri(
        app.node.try_get_context("image") or IMAGE
    ),
    environment_variables=sandbox.environment,
)
sandbox.grants.use(runtime)

CfnOutput(stack, "InterpreterId", value=sandbox.code_interpreter_id)
app.synth()
