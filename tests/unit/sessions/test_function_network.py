"""Session functions in a VPC: by our settings, and behind our back."""

import jsii
import pytest
from aws_cdk import App, Aspects, IAspect, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template
from constructs import IConstruct

from cdk_code_interpreter import CodeInterpreter, SessionManager, SessionManagerSettings

from ..apps import QUICK


@jsii.implements(IAspect)
class IntoTheVpc:
    def visit(self, node: IConstruct) -> None:
        if isinstance(node, lambda_.CfnFunction):
            node.vpc_config = lambda_.CfnFunction.VpcConfigProperty(
                subnet_ids=["subnet-1"], security_group_ids=["sg-1"]
            )


def test_a_function_that_an_aspect_put_into_a_vpc_fails_the_synthesis() -> None:
    app = App(analytics_reporting=False, **QUICK)
    stack = Stack(app, "Analytics")
    CodeInterpreter(stack, "Sandbox")
    Aspects.of(stack).add(IntoTheVpc())
    with pytest.raises(RuntimeError, match=r"SessionManagerSettings\(vpc="):
        app.synth()


def test_what_connects_a_function_is_a_policy_that_goes_after_the_function_has_left() -> None:
    def policies(in_vpc: bool) -> dict[str, str]:
        stack = Stack(App(analytics_reporting=False, **QUICK), "Analytics")
        vpc = ec2.Vpc.from_vpc_attributes(
            stack,
            "Vpc",
            vpc_id="vpc-1",
            availability_zones=["a"],
            private_subnet_ids=["subnet-1"],
        )
        SessionManager.of(stack, SessionManagerSettings(vpc=vpc if in_vpc else None))
        CodeInterpreter(stack, "Sandbox")
        found = Template.from_stack(stack).find_resources("AWS::IAM::ManagedPolicy")
        return {name: str(each["Properties"]["PolicyDocument"]) for name, each in found.items()}

    inside, outside = policies(in_vpc=True), policies(in_vpc=False)
    # The policies that stay lose nothing that a function inside needs.
    assert {name: inside[name] for name in outside} == outside
    (connecting,) = inside.keys() - outside.keys()
    assert "ec2:DeleteNetworkInterface" in inside[connecting]
