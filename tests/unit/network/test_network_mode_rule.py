"""AWS Config's managed rule."""

from typing import Any

from aws_cdk import Stack

from cdk_code_interpreter import NetworkModeRule


def test_the_rule_is_the_one_that_aws_config_manages(
    stack: Stack, synthesize: Any, resources: Any
) -> None:
    NetworkModeRule(stack, "NetworkMode", config_rule_name="code-interpreters-in-vpc")
    (rule,) = resources(synthesize(stack), "AWS::Config::ConfigRule")
    assert rule["Properties"]["ConfigRuleName"] == "code-interpreters-in-vpc"
    # https://docs.aws.amazon.com/config/latest/developerguide/bedrockagentcore-codeinterpreter-networkmode-check.html
    assert rule["Properties"]["Source"] == {
        "Owner": "AWS",
        "SourceIdentifier": "BEDROCKAGENTCORE_CODEINTERPRETER_NETWORKMODE_CHECK",
    }
    assert "InputParameters" not in rule["Properties"]
