"""The pack for cdk-nag."""

from __future__ import annotations

from collections.abc import Mapping

import jsii
from aws_cdk import (
    CfnResource,
    IPolicyValidationContext,
    PolicyValidationPluginReport,
    PolicyViolatingResource,
    PolicyViolation,
)
from cdk_nag import NagPack
from constructs import IConstruct

from .acknowledged import BareAcknowledgments
from .catalog import RULES, find, levels_with
from .model import PACK_NAME, CheckLevel, Finding
from .template import read_templates


class CodeInterpreterChecks(NagPack):
    """A cdk-nag pack for Amazon Bedrock AgentCore code interpreters, of this library or not.

    Register it beside the other packs::

        Validations.of(app).add_plugins(CodeInterpreterChecks(app))

    Other packs look at constructs; this one reads the templates that were written, so it also sees
    L1s, property overrides, included templates, nested stacks and references between stacks.

    A finding is acknowledged on the construct or one above it, under ``CodeInterpreter::`` and the
    id that the report prints::

        Validations.of(construct).acknowledge(
            Acknowledgment(id="CodeInterpreter::CodeInterpreter-SandboxNetwork", reason="...")
        )

    The bare id works as in cdk-nag's own packs; such a finding then leaves the report without a
    record, so prefer the form above.

    Warnings are reported and do not fail the synthesis. Each rule names the published controls
    that it serves, such as those of Security Hub:
    https://docs.aws.amazon.com/securityhub/latest/userguide/bedrockagentcore-controls.html

    Args:
        scope: The app, as cdk-nag's own packs take it. Default: none; this pack does not need it.
        levels: Levels that differ from the rules' own, by rule id, such as
            ``{"CodeInterpreter-SandboxNetwork": CheckLevel.ERROR}``. Default: each rule's own.
        verbose: Whether descriptions say why a rule exists, beside what it means. Default: yes.

    Raises:
        ValueError: `levels` names a rule that does not exist.
    """

    def __init__(
        self,
        scope: IConstruct | None = None,
        *,
        levels: Mapping[str, CheckLevel] | None = None,
        verbose: bool = True,
    ) -> None:
        self._levels = levels_with(levels or {})
        self._verbose = verbose
        super().__init__(scope, verbose=verbose)

    @property
    @jsii.member(jsii_name="name")
    def name(self) -> str:
        """The name before the ``::`` of an acknowledgment."""
        return PACK_NAME

    @property
    @jsii.member(jsii_name="ruleIds")
    def rule_ids(self) -> list[str]:
        """The ids of the rules that are run."""
        off = CheckLevel.OFF
        return [rule.rule_id for rule in RULES if self._levels[rule.rule_id] is not off]

    @jsii.member(jsii_name="validate")
    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        """Check the templates of an app; the CDK calls this after it has written them."""
        bare = BareAcknowledgments(context.app_construct)
        findings = [
            finding
            for finding in find(read_templates(context.template_paths), self._levels)
            if not bare.cover(finding)
        ]
        return PolicyValidationPluginReport(
            success=all(finding.level is not CheckLevel.ERROR for finding in findings),
            violations=self._violations(findings),
        )

    @jsii.member(jsii_name="validateScope")
    def validate_scope(self, scope: IConstruct) -> PolicyValidationPluginReport:
        """Not offered: there is no template before synthesis.

        Raises:
            ValueError: Always, with the ways to run the pack.
        """
        raise ValueError(
            f"{PACK_NAME} checks templates, which {scope.node.path or 'an app'} has after its "
            "synthesis only: register the pack with Validations.of(app).add_plugins(...) and call "
            "app.synth(), or give template files to cdk_code_interpreter.checks.find"
        )

    @jsii.member(jsii_name="checkResource")
    def _check_resource(self, node: CfnResource) -> None:
        """Nothing is checked construct by construct."""

    def _violations(self, findings: list[Finding]) -> list[PolicyViolation]:
        grouped: dict[str, list[Finding]] = {}
        for finding in findings:
            grouped.setdefault(finding.finding_id, []).append(finding)
        return [self._violation(name, group) for name, group in grouped.items()]

    def _violation(self, name: str, findings: list[Finding]) -> PolicyViolation:
        rule = findings[0].rule
        return PolicyViolation(
            rule_name=name,
            description=f"{rule.meaning} {rule.why}" if self._verbose else rule.meaning,
            fix=rule.mend,
            severity=findings[0].level.value,
            rule_metadata=rule.controls.as_metadata(),
            violating_resources=[
                PolicyViolatingResource(
                    resource_logical_id=finding.hit.logical_id,
                    template_path=finding.hit.template.path,
                    locations=[finding.hit.location],
                )
                for finding in findings
            ],
        )
