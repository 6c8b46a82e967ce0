"""The smallest honest example: an interpreter, an agent that uses it, and a bucket it may read.

`make deploy` deploys it to the account of your credentials, `make demo` into a local AWS.
"""

from aws_cdk import App, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk_code_interpreter import CodeInterpreter


class ExampleStack(Stack):
    """A code interpreter and the agent that runs code in it."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        interpreter = CodeInterpreter(
            self, "Sandbox", description="Runs the code that the example agent writes"
        )

        data = s3.Bucket(self, "Data", enforce_ssl=True, removal_policy=RemovalPolicy.DESTROY)
        data.grant_read(interpreter)

        agent = lambda_.Function(
            self,
            "Agent",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            handler="example_agent.handler.lambda_handler",
            code=lambda_.Code.from_asset(
                "lambda", exclude=["*", "!example_agent", "!example_agent/**", "__pycache__"]
            ),
            environment=dict(interpreter.environment),
            timeout=Duration.minutes(15),
            log_group=logs.LogGroup(
                self,
                "AgentLogs",
                retention=logs.RetentionDays.ONE_WEEK,
                removal_policy=RemovalPolicy.DESTROY,
            ),
        )
        interpreter.grants.use(agent)

        CfnOutput(self, "AgentFunctionName", value=agent.function_name)
        CfnOutput(self, "InterpreterId", value=interpreter.code_interpreter_id)
        CfnOutput(self, "BucketName", value=data.bucket_name)


if __name__ == "__main__":
    app = App()
    ExampleStack(app, "CodeInterpreterExample")
    app.synth()
