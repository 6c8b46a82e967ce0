"""AWS Config's own rule on the network of code interpreters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_config as config

if TYPE_CHECKING:
    from constructs import Construct

from .._arguments.types import TEXT, check_kinds


class NetworkModeRule(config.ManagedRule):
    """Reports every custom code interpreter of the account that is not in VPC mode.

    The managed rule ``bedrockagentcore-codeinterpreter-networkmode-check``, which Security Hub's
    control BedrockAgentCore.7 uses too. It judges what is deployed, whoever deployed it, and
    calls both PUBLIC and SANDBOX non-compliant. Once per account and region is enough; the
    account must record configuration, and not every region has the rule:
    https://docs.aws.amazon.com/config/latest/developerguide/bedrockagentcore-codeinterpreter-networkmode-check.html
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, config_rule_name: str | None = None
    ) -> None:
        """Define the rule.

        Args:
            scope: Where to define it.
            construct_id: Its id in that scope.
            config_rule_name: Physical name. Default: CloudFormation chooses one.

        Raises:
            ValueError: The name is no text.
        """
        check_kinds(scope, construct_id, config_rule_name=(config_rule_name, TEXT.or_none))
        super().__init__(
            scope,
            construct_id,
            identifier="BEDROCKAGENTCORE_CODEINTERPRETER_NETWORKMODE_CHECK",
            config_rule_name=config_rule_name,
            description="Code interpreters run in VPC mode",
        )
