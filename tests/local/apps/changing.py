"""One stack whose interpreter changes one create-only property after the other.

Context: `variant`, one of the keys of VARIANTS; `construct`, ours or the plain L2.
"""

from aws_cdk import App, RemovalPolicy, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam

from cdk_code_interpreter import CodeInterpreter, ExecutionRole, NetworkAccess

app = App()
stack = Stack(app, app.node.get_context("stack_name"))
variant = app.node.get_context("variant")
# The same in every variant, so that only the interpreter changes.
vpc = ec2.Vpc(
    stack,
    "Vpc",
    max_azs=2,
    nat_gateways=0,
    restrict_default_security_group=False,
    subnet_configuration=[
        ec2.SubnetConfiguration(name="isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    ],
)

if app.node.get_context("construct") == "ours":
    network = {
        "sandbox": NetworkAccess.sandbox,
        "public": NetworkAccess.public,
    }.get(
        variant,
        lambda: NetworkAccess.vpc(vpc, security_group_removal_policy=RemovalPolicy.DESTROY),
    )
    role = None
    if variant in ("role", "description"):
        role = ExecutionRole(stack, "OtherRole")
    CodeInterpreter(
        stack,
        "Sandbox",
        network=network(),
        execution_role=role,
        description="described otherwise" if variant == "description" else None,
    )
else:
    factory = agentcore.CodeInterpreterNetworkConfiguration
    agentcore.CodeInterpreterCustom(
        stack,
        "Sandbox",
        network_configuration=factory.using_sandbox_network()
        if variant == "sandbox"
        else factory.using_public_network(),
    )
    iam.ManagedPolicy(
        stack,
        "Marker",
        statements=[iam.PolicyStatement(actions=["s3:ListAllMyBuckets"], resources=["*"])],
    )
app.synth()
