"""One interpreter for each tenant, each with a role of its own, and one dashboard for all.

A permission cannot be limited to a session, so tenants that must not see each other's sessions
need interpreters of their own. What code of one tenant may read is named action by action: the
CDK's `bucket.grant_read` would let it list the whole bucket.
"""

from aws_cdk import App, CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from cdk_code_interpreter import CodeInterpreterDashboard, GovernedCodeInterpreter

TENANTS = ["blue", "green", "red"]

app = App()
stack = Stack(app, "Fleet")
data = s3.Bucket(stack, "Data", enforce_ssl=True, removal_policy=RemovalPolicy.DESTROY)

sandboxes = []
for tenant in TENANTS:
    sandbox = GovernedCodeInterpreter(
        stack, tenant.title(), name_prefix=tenant, tags={"tenant": tenant}, dashboard=False
    )
    iam.ManagedPolicy(
        stack,
        f"{tenant.title()}Data",
        roles=[sandbox.execution_role],
        statements=[
            iam.PolicyStatement(
                actions=["s3:GetObject"], resources=[data.arn_for_objects(f"{tenant}/*")]
            ),
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[data.bucket_arn],
                conditions={"StringLike": {"s3:prefix": f"{tenant}/*"}},
            ),
        ],
    )
    CfnOutput(stack, f"{tenant.title()}InterpreterId", value=sandbox.code_interpreter_id)
    sandboxes.append(sandbox)
CodeInterpreterDashboard(stack, "Dashboard", interpreters=sandboxes)
app.synth()
