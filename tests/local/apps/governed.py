"""A governed interpreter: lean, or strict in a private network of its own.

Context: `profile`, lean or strict.
"""

from aws_cdk import App, CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from cdk_code_interpreter import ComplianceProfile, GovernedCodeInterpreter, PrivateNetwork

app = App()
stack = Stack(app, "Governed")
buckets = {
    name: s3.Bucket(stack, name, removal_policy=RemovalPolicy.DESTROY, auto_delete_objects=False)
    for name in ("Data", "Other")
}
profile = ComplianceProfile.lean()
if app.node.get_context("profile") == "strict":
    key = kms.Key(stack, "Key", enable_key_rotation=True, removal_policy=RemovalPolicy.DESTROY)
    network = PrivateNetwork(
        stack, "Network", allowed_buckets=[buckets["Data"]], encryption_key=key
    )
    profile = ComplianceProfile.strict(vpc=network, key=key)

sandbox = GovernedCodeInterpreter(
    stack,
    "Sandbox",
    profile=profile,
    application_logs=True,
    smoke_test_commands=["echo ready"],
)
assert sandbox.execution_role is not None
sandbox.execution_role.add_managed_policy(
    iam.ManagedPolicy(
        stack,
        "SandboxData",
        statements=[
            iam.PolicyStatement(
                actions=["s3:GetObject", "s3:PutObject"],
                resources=[buckets["Data"].arn_for_objects("*")],
            )
        ],
    )
)
partner = sandbox.grants.access_role(
    stack, "Partner", trusted=["999988887777"], external_id="agreed-with-partner"
)
CfnOutput(stack, "PartnerRole", value=partner.role_arn)
CfnOutput(stack, "Interpreter", value=sandbox.code_interpreter_id)
for name, bucket in buckets.items():
    CfnOutput(stack, f"{name}Bucket", value=bucket.bucket_name)
app.synth()
