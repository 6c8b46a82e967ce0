"""An interpreter that reaches one bucket and nothing else, under the strict profile."""

from aws_cdk import App, CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from cdk_code_interpreter import ComplianceProfile, GovernedCodeInterpreter, PrivateNetwork

app = App()
# The network outlives its interpreters: the service's network interfaces may hold it for 8 hours.
foundation = Stack(app, "Foundation")
key = kms.Key(foundation, "Key", enable_key_rotation=True, removal_policy=RemovalPolicy.DESTROY)
data = s3.Bucket(
    foundation,
    "Data",
    encryption=s3.BucketEncryption.S3_MANAGED,
    enforce_ssl=True,
    removal_policy=RemovalPolicy.DESTROY,
)
network = PrivateNetwork(foundation, "Network", allowed_buckets=[data], encryption_key=key)

workloads = Stack(app, "Private")
sandbox = GovernedCodeInterpreter(
    workloads, "Sandbox", profile=ComplianceProfile.strict(vpc=network, key=key)
)
iam.ManagedPolicy(
    workloads,
    "ReadData",
    roles=[sandbox.execution_role],
    statements=[
        iam.PolicyStatement(actions=["s3:GetObject"], resources=[data.arn_for_objects("*")]),
        iam.PolicyStatement(actions=["s3:ListBucket"], resources=[data.bucket_arn]),
    ],
)

CfnOutput(workloads, "InterpreterId", value=sandbox.code_interpreter_id)
app.synth()
