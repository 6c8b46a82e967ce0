"""What the rule packs find in the functions that manage sessions."""

from __future__ import annotations

import cdk_nag
import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs

from cdk_code_interpreter import (
    Canary,
    CodeInterpreter,
    SessionJanitor,
    SessionManager,
    SessionManagerSettings,
    SmokeTest,
)

PACKS = (
    cdk_nag.AwsSolutionsChecks,
    cdk_nag.HIPAASecurityChecks,
    cdk_nag.NIST80053R4Checks,
    cdk_nag.NIST80053R5Checks,
    cdk_nag.PCIDSS321Checks,
    cdk_nag.ServerlessChecks,
)


def build(app: App, **env: str) -> Stack:
    stack = Stack(app, "Analytics", env=env or None)
    settings = SessionManagerSettings(
        vpc=ec2.Vpc.from_vpc_attributes(
            stack,
            "Vpc",
            vpc_id="vpc-1",
            availability_zones=["a", "b"],
            private_subnet_ids=["subnet-1", "subnet-2"],
        ),
        encryption_key=kms.Key(stack, "Key", enable_key_rotation=True),
        dead_letters=True,
        reserved_concurrency=2,
        tracing=True,
    )
    SessionManager.of(stack, settings)
    interpreter = CodeInterpreter(stack, "Sandbox")
    SessionJanitor(stack, "Janitor", interpreter=interpreter)
    SmokeTest(stack, "Works", interpreter=interpreter)
    Canary(stack, "Canary", interpreter=interpreter)
    return stack


@pytest.mark.parametrize("env", [{}, {"account": "111122223333", "region": "eu-west-1"}])
def test_with_every_option_no_pack_finds_anything_but_what_is_acknowledged(new_app, report_of, env):
    build(new_app, **env)
    reports = report_of(new_app, [pack(new_app) for pack in PACKS])
    found = [
        (violation["ruleName"], violation["violatingConstructs"])
        for report in reports.values()
        for violation in report["violations"]
    ]
    assert found == []


def test_what_is_acknowledged_has_a_reason_and_is_used(new_app, report_of):
    build(new_app)
    reports = report_of(new_app, [pack(new_app) for pack in PACKS])
    acknowledged = {
        violation["ruleName"]: violation
        for report in reports.values()
        for violation in report.get("suppressedViolations", [])
    }
    rules = sorted(acknowledged)
    assert rules[0] == "AwsSolutions-IAM5[Resource::*]"
    assert len(rules) == 4
    assert any("network-interface/*" in rule for rule in rules)
    assert any("code-interpreter-custom/Sandbox_" in rule for rule in rules)
    assert "Serverless-SQSRedrivePolicy" in rules
    for each in acknowledged.values():
        assert len(str(each)) > 40


def test_a_queue_of_the_apps_own_is_not_acknowledged_along_with_ours(new_app, report_of):
    stack = build(new_app)
    sqs.Queue(stack, "Other", enforce_ssl=True)
    reports = report_of(new_app, [cdk_nag.ServerlessChecks(new_app)])
    found = [violation["ruleName"] for violation in reports["Serverless"]["violations"]]
    assert found == ["Serverless-SQSRedrivePolicy"]


def test_the_packs_do_look_at_these_functions(new_app, report_of):
    CodeInterpreter(Stack(new_app, "Analytics"), "Sandbox")
    reports = report_of(new_app, [pack(new_app) for pack in PACKS])
    found = {name: len(report["violations"]) for name, report in reports.items()}
    asked_for = {"HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321", "Serverless"}
    assert asked_for <= {name for name, number in found.items() if number}
