"""Prints the names of interpreters of every kind, for the golden file of test_naming.py."""

import json

from aws_cdk import App, NestedStack, Stack, Stage
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager

from cdk_code_interpreter import CodeInterpreter, ExecutionRole, NetworkAccess

app = App(analytics_reporting=False)
stack = Stack(app, "Analytics")
isolated = ec2.SubnetConfiguration(name="isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
vpc = ec2.Vpc(stack, "Vpc", max_azs=2, nat_gateways=0, subnet_configuration=[isolated])
role = iam.Role(
    stack,
    "Role",
    path="/agents/",
    assumed_by=iam.ServicePrincipal("bedrock-agentcore.amazonaws.com"),
)
secret = secretsmanager.Secret(stack, "Certificate")
imported = iam.Role.from_role_arn(stack, "Imported", "arn:aws:iam::111122223333:role/sandbox")
stage = Stage(app, "Beta")
options = {
    "plain": (stack, {}),
    "described": (stack, {"description": "Runs code that agents write: ünïcode \U0001f40d"}),
    "public": (stack, {"network": NetworkAccess.public()}),
    "vpc": (stack, {"network": NetworkAccess.vpc(vpc)}),
    "no_role": (stack, {"execution_role": ExecutionRole.none()}),
    "own_role": (stack, {"execution_role": role}),
    "imported_role": (stack, {"execution_role": imported}),
    "certificates": (stack, {"certificates": [secret]}),
    "prefixed": (stack, {"name_prefix": "sandbox"}),
    "revised": (stack, {"name_revision": 2}),
    "nested": (NestedStack(stack, "Nested"), {}),
    "in-a-stage": (Stack(stage, "Analytics"), {}),
}
names = {}
for construct_id, (scope, arguments) in options.items():
    interpreter = CodeInterpreter(scope, construct_id, drain_on_delete=False, **arguments)
    names[construct_id] = interpreter.stack.resolve(interpreter.code_interpreter_name)
print(json.dumps(names, indent=2))
