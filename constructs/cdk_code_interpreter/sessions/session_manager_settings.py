"""How the functions that manage sessions are run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._arguments.limits import Findings
from .._arguments.types import (
    FLAG,
    GROUP,
    KEY,
    QUEUE,
    REMOVAL_POLICY,
    RETENTION,
    SUBNETS,
    VPC,
    WHOLE_NUMBER,
    list_of,
    wrong_kinds,
)

if TYPE_CHECKING:
    from aws_cdk import RemovalPolicy
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_sqs as sqs
    from constructs import Construct

DEFAULT_MEMORY = 256
DEFAULT_REQUESTS_PER_SECOND = 20


@dataclass(frozen=True, kw_only=True)
class SessionManagerSettings:
    """Options of the functions that the drains, janitors and canaries of one stack share.

    What is left out is lean: functions outside any VPC, encrypted with keys of AWS, without
    reserved concurrency and tracing. The account's quota of requests:
    https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/bedrock-agentcore-limits.html

    Attributes:
        vpc: VPC that the functions run in. It needs a way to ``bedrock-agentcore``,
            ``bedrock-agentcore-control``, ``cloudformation`` and S3 (CloudFormation is answered
            there); `PrivateNetwork` has them. Default: no VPC.
        vpc_subnets: Which of its subnets. Default: the private ones.
        security_groups: Their security groups. Default: a new one that lets HTTPS out.
        encryption_key: Encrypts environment, logs and the queue. The key of another app or an
            imported one must allow CloudWatch Logs to use it; a warning prints the statement.
            Default: keys that AWS owns.
        dead_letter_queue: Gets events that could not be handled. Default: where there are
            schedules, one new queue of the stack; else none.
        dead_letters: Whether the drain's function has a queue too, made new if none is given.
            Default: only if `dead_letter_queue` is given.
        reserved_concurrency: Executions that are set aside for each function, and the most that
            it may have. With 1, drains of one stack run one after the other. Default: none.
        tracing: Whether X-Ray traces the functions. Default: it does not.
        memory_size: Memory of each function in MiB, 128 to 10240; CPU comes with it.
            Default: 256.
        log_retention: How long logs are kept. Default: a month.
        log_removal_policy: What becomes of the logs with the stack. Default: they are deleted.
        requests_per_second: What the drains of one stack send together while there is little to
            do; the account's quota is 30 for each operation, and agents need some of it.
            Default: 20.
    """

    vpc: ec2.IVpc | None = None
    vpc_subnets: ec2.SubnetSelection | None = None
    security_groups: Sequence[ec2.ISecurityGroup] | None = None
    encryption_key: kms.IKey | None = None
    dead_letter_queue: sqs.IQueue | None = None
    dead_letters: bool | None = None
    reserved_concurrency: int | None = None
    tracing: bool = False
    memory_size: int = DEFAULT_MEMORY
    log_retention: logs.RetentionDays | None = None
    log_removal_policy: RemovalPolicy | None = None
    requests_per_second: int = DEFAULT_REQUESTS_PER_SECOND

    def __post_init__(self) -> None:
        # What is left out and what says the default in words are the same settings.
        from aws_cdk import RemovalPolicy
        from aws_cdk import aws_logs as logs

        if self.log_retention is None:
            object.__setattr__(self, "log_retention", logs.RetentionDays.ONE_MONTH)
        if self.log_removal_policy is None:
            object.__setattr__(self, "log_removal_policy", RemovalPolicy.DESTROY)

    def check(self, scope: Construct, construct_id: str) -> None:
        """Refuse what cannot be.

        Args:
            scope: Scope of the construct that takes the settings.
            construct_id: Its id there.

        Raises:
            ValueError: A number is out of its range, or options exclude one another.
        """
        findings = Findings(scope, construct_id)
        for problem in self._wrong_kinds():
            findings.add(problem)
        findings.raise_if_any()
        if self.vpc is None and (self.vpc_subnets or self.security_groups):
            findings.add("vpc_subnets and security_groups need a vpc; pass the vpc they are in")
        if self.dead_letters is False and self.dead_letter_queue is not None:
            findings.add("dead_letters is False but a dead_letter_queue is given; leave one out")
        _check_range(findings, "memory_size", self.memory_size, 128, 10_240)
        _check_range(findings, "requests_per_second", self.requests_per_second, 1, 1_000)
        if self.reserved_concurrency is not None:
            _check_range(findings, "reserved_concurrency", self.reserved_concurrency, 1, 1_000)
        findings.raise_if_any()

    def _wrong_kinds(self) -> list[str]:
        return wrong_kinds(
            vpc=(self.vpc, VPC.or_none),
            vpc_subnets=(self.vpc_subnets, SUBNETS.or_none),
            security_groups=(self.security_groups, list_of(GROUP).or_none),
            encryption_key=(self.encryption_key, KEY.or_none),
            dead_letter_queue=(self.dead_letter_queue, QUEUE.or_none),
            dead_letters=(self.dead_letters, FLAG.or_none),
            reserved_concurrency=(self.reserved_concurrency, WHOLE_NUMBER.or_none),
            tracing=(self.tracing, FLAG),
            memory_size=(self.memory_size, WHOLE_NUMBER),
            requests_per_second=(self.requests_per_second, WHOLE_NUMBER),
            log_retention=(self.log_retention, RETENTION.or_none),
            log_removal_policy=(self.log_removal_policy, REMOVAL_POLICY.or_none),
        )


def _check_range(findings: Findings, argument: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        findings.add(f"{argument} must be {least} to {most}, got {value!r}; choose one of these")
