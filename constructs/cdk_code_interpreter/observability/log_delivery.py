"""Vended logs and traces of a code interpreter.

https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/observability-configure.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from aws_cdk import Annotations, CfnTag, RemovalPolicy, Stack, Stage, Token
from aws_cdk import aws_logs as logs
from constructs import Construct

from .._arguments.limits import Findings, is_token, known_to_differ
from .._arguments.types import (
    BUCKET,
    FLAG,
    INTERPRETER,
    KEY,
    REMOVAL_POLICY,
    RETENTION,
    check_kinds,
)
from .._cdk.construct_tree import Component, path_of, stack_of
from .._cdk.key_policies import logs_key_statement, use_key
from .._cdk.stacks import facts_of, incarnation_of, partition
from .._replacements import generation_in, name_across_replacements

if TYPE_CHECKING:
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from constructs import IDependable

    from .._cdk.stacks import StackFacts
    from ..interface import ICodeInterpreter

GROUP_PREFIX = "/aws/vendedlogs/bedrock-agentcore/code-interpreter"
# Names of sources and destinations have 60 characters: this, two pieces of ten, three hyphens
# and the type's short name.
_LONGEST_LABEL = 24
_DIGEST_LENGTH = 10


class _LogType(enum.Enum):
    """What the service delivers, with a short name for names."""

    USAGE_LOGS = "usage"
    APPLICATION_LOGS = "application"
    TRACES = "traces"


class LogDelivery(Component):
    """Delivers what the service knows about an interpreter's sessions.

    - Usage logs: one record per session and second, with the processor and memory that it used.
    - Application logs: every request and response, and so the code that was run and its output.
    - Traces: spans of starting, invoking, stopping and expiring, in X-Ray.

    The account needs, once and not from here: for CloudWatch Logs a resource policy that lets
    ``delivery.logs.amazonaws.com`` write below ``/aws/vendedlogs/`` (CloudWatch makes it when a
    deployer with ``logs:PutResourcePolicy`` creates the first delivery); for traces CloudWatch
    Transaction Search
    (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Transaction-Search.html).
    There are quotas of ten and five such policies in an account, so no stack should own one.

    The log groups stay when the interpreter is replaced, with what was logged before.
    """

    usage_log_group: logs.ILogGroup | None
    """Where the usage logs are; `None` if they are in a bucket, or not delivered."""
    application_log_group: logs.ILogGroup | None
    """Where the application logs are; `None` if they are in a bucket, or not delivered."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        interpreter: ICodeInterpreter,
        usage_logs: bool = True,
        application_logs: bool = False,
        traces: bool = False,
        bucket: s3.IBucket | None = None,
        encryption_key: kms.IKey | None = None,
        retention: logs.RetentionDays | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.DESTROY,
    ) -> None:
        """Define the deliveries.

        Args:
            scope: Where to define them.
            construct_id: Their id in that scope.
            interpreter: The interpreter; not the system's, which is no resource of the account.
            usage_logs: Whether to deliver usage logs. Default: they are.
            application_logs: Whether to deliver code and output. Adds a warning without an
                `encryption_key`. Default: they are not.
            traces: Whether to deliver traces to X-Ray. Default: they are not.
            bucket: Where logs go instead of to log groups. Default: to a log group for each type.
            encryption_key: Encrypts the log groups. Default: a key of CloudWatch's own.
            retention: How long log groups keep records. Default: a month.
            removal_policy: What becomes of the log groups with the stack. Default: they are
                deleted.

        Raises:
            ValueError: Nothing is delivered, or what another delivery delivers already; the
                interpreter is the system's or is in another account or region; or options are for
                log groups where there are none.
        """
        check_kinds(
            scope,
            construct_id,
            interpreter=(interpreter, INTERPRETER),
            usage_logs=(usage_logs, FLAG),
            application_logs=(application_logs, FLAG),
            traces=(traces, FLAG),
            bucket=(bucket, BUCKET.or_none),
            encryption_key=(encryption_key, KEY.or_none),
            retention=(retention, RETENTION.or_none),
            removal_policy=(removal_policy, REMOVAL_POLICY),
        )
        wanted = {
            _LogType.USAGE_LOGS: usage_logs,
            _LogType.APPLICATION_LOGS: application_logs,
            _LogType.TRACES: traces,
        }
        stack = stack_of(scope)
        facts = facts_of(stack)
        findings = Findings(scope, construct_id)
        _check_interpreter(findings, facts, interpreter)
        delivered = _delivered_in(stack, interpreter)
        _check_others(findings, wanted, delivered, interpreter)
        _check_options(findings, wanted, bucket, encryption_key, retention)
        findings.raise_if_any()
        super().__init__(scope, construct_id)
        self._stack = stack
        self._names = _Names(
            stack, interpreter, _digest([*facts.identity, *facts.path_below(self)])
        )
        self._bucket = bucket
        self._bucket_policy: IDependable | None = None
        self._group_options: dict[str, Any] = {
            "encryption_key": encryption_key,
            "retention": retention or logs.RetentionDays.ONE_MONTH,
            "removal_policy": removal_policy,
        }
        self._prepare(facts, application_logs=application_logs)
        groups = {
            each: self._deliver(each, interpreter) for each, chosen in wanted.items() if chosen
        }
        delivered.update(dict.fromkeys(groups, path_of(self)))
        self.usage_log_group = groups.get(_LogType.USAGE_LOGS)
        self.application_log_group = groups.get(_LogType.APPLICATION_LOGS)

    def _prepare(self, facts: StackFacts, *, application_logs: bool) -> None:
        key = self._group_options["encryption_key"]
        if key is not None:
            use_key(self, key, logs_key_statement(self._stack))
        if self._bucket is not None:
            self._bucket_policy = _let_write(self, self._bucket, facts)
        if application_logs and key is None and self._bucket is None:
            Annotations.of(self).add_warning_v2(
                "cdk-code-interpreter:applicationLogsWithoutKey",
                "application logs hold the code that is run and its output, and whoever may read "
                "log groups can read them; pass encryption_key= to decide who can",
            )

    def _deliver(self, log_type: _LogType, interpreter: ICodeInterpreter) -> logs.ILogGroup | None:
        kind = log_type.value.capitalize()
        group, target = self._target(kind, log_type)
        destination = logs.CfnDeliveryDestination(
            self,
            f"{kind}Destination",
            name=self._names.destination(log_type, target),
            **target,
        )
        generation = generation_in(self._stack, interpreter)
        source = logs.CfnDeliverySource(
            self,
            f"{kind}Source",
            name=self._names.source(log_type),
            log_type=log_type.name,
            resource_arn=interpreter.undrained_code_interpreter_arn,
            # The name cannot say it: what is left of its 60 characters is the id's own.
            tags=None
            if generation is None
            else [CfnTag(key="CodeInterpreterName", value=generation)],
        )
        delivery = logs.CfnDelivery(
            self,
            f"{kind}Delivery",
            # By reference: both are there before it, and are deleted after it.
            delivery_source_name=source.ref,
            delivery_destination_arn=destination.attr_arn,
        )
        if self._bucket_policy is not None:
            delivery.node.add_dependency(self._bucket_policy)
        return group

    def _target(
        self, kind: str, log_type: _LogType
    ) -> tuple[logs.ILogGroup | None, dict[str, Any]]:
        """Where a type goes: the group that is made for it, and the destination's properties."""
        if log_type is _LogType.TRACES:
            return None, {"delivery_destination_type": "XRAY"}
        if self._bucket is not None:
            return None, {
                "delivery_destination_type": "S3",
                "destination_resource_arn": self._bucket.bucket_arn,
                "output_format": "json",
            }
        group = logs.LogGroup(
            self, f"{kind}Group", log_group_name=self._names.group(log_type), **self._group_options
        )
        return group, {
            "delivery_destination_type": "CWL",
            "destination_resource_arn": group.log_group_arn,
            "output_format": "json",
        }


class _Names:
    """Names that let CloudFormation replace what has to be replaced, and keep the rest.

    All of a source's properties can be updated but its name; a source cannot be given another
    interpreter, though, so its name has a piece of the interpreter's id. The others have a piece
    of the stack's id.
    """

    def __init__(self, stack: Stack, interpreter: ICodeInterpreter, digest: str) -> None:
        name = name_across_replacements(interpreter)
        label = "interpreter" if is_token(name) else name[:_LONGEST_LABEL].strip("_-")
        self._stack = stack
        self._stem = f"{label}-{digest}"
        # NAME-0a1B2c3D4e, and no hyphen in the name.
        parts = {"Fn::Split": ["-", interpreter.undrained_code_interpreter_id]}
        self._interpreter_piece = Token.as_string({"Fn::Select": [1, parts]})
        # A group that outlives its stack is not in the way of the next one.
        self._stack_piece = incarnation_of(stack)

    def group(self, log_type: _LogType) -> str:
        return f"{GROUP_PREFIX}/{log_type.name}/{self._stem}-{self._stack_piece}"

    def source(self, log_type: _LogType) -> str:
        return f"{self._stem}-{log_type.value}-{self._interpreter_piece}"

    def destination(self, log_type: _LogType, target: dict[str, Any]) -> str:
        """A name that changes with the destination's other properties: all are create-only."""
        # The group is made for it, and has the same name and place.
        known = target["delivery_destination_type"] == "CWL"
        kind = _digest("CWL" if known else self._stack.resolve(target))[:4]
        return f"{self._stem}-{log_type.value[:5]}-{kind}-{self._stack_piece}"


def _digest(value: Any) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:_DIGEST_LENGTH]


def _let_write(scope: Construct, bucket: s3.IBucket, facts: StackFacts) -> IDependable | None:
    """Let the delivery service write to the bucket, or say which statement is missing."""
    statement = _delivery_statement(
        facts,
        ["s3:PutObject"],
        [bucket.arn_for_objects(f"AWSLogs/{facts.account}/*")],
        {"s3:x-amz-acl": "bucket-owner-full-control"},
    )
    if bucket.encryption_key is not None:
        encrypt = ["kms:Decrypt", "kms:GenerateDataKey*"]
        use_key(scope, bucket.encryption_key, _delivery_statement(facts, encrypt, ["*"], {}))
    result = bucket.add_to_resource_policy(statement)
    if not result.statement_added:
        written = json.dumps(Stack.of(scope).resolve(statement.to_statement_json()))
        Annotations.of(scope).add_warning_v2(
            "cdk-code-interpreter:bucketPolicy",
            "the bucket's policy cannot be changed from here, and without this statement in it no "
            f"log is delivered: {written}",
        )
    return result.policy_dependable


def _delivery_statement(
    facts: StackFacts, actions: Sequence[str], resources: Sequence[str], equals: Mapping[str, str]
) -> iam.PolicyStatement:
    """Let the delivery service do something for this account's deliveries.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-S3.html
    """
    from aws_cdk import aws_iam as iam

    return iam.PolicyStatement(
        sid="CodeInterpreterLogDelivery",
        principals=[iam.ServicePrincipal("delivery.logs.amazonaws.com")],
        actions=list(actions),
        resources=list(resources),
        conditions={
            "StringEquals": {**equals, "aws:SourceAccount": facts.account},
            "ArnLike": {
                "aws:SourceArn": f"arn:{partition()}:logs:{facts.region}:{facts.account}"
                ":delivery-source:*"
            },
        },
    )


def _check_interpreter(
    findings: Findings, facts: StackFacts, interpreter: ICodeInterpreter
) -> None:
    if interpreter.is_system:
        findings.add(
            "the system interpreter is no resource of this account, and delivers no logs; leave "
            "this out, or use an interpreter of your own"
        )
        return
    for what, theirs, ours in (
        ("region", interpreter.region, facts.region),
        ("account", interpreter.account, facts.account),
    ):
        if known_to_differ(theirs, ours):
            findings.add(
                f"the interpreter's {what} is {theirs}, this stack's is {ours}; logs are "
                f"delivered by a stack of the interpreter's own {what}"
            )


# For each app or stage: what is delivered of an interpreter, and by which construct.
_DELIVERED: MutableMapping[Stage, dict[str, dict[_LogType, str]]] = WeakKeyDictionary()


def _delivered_in(stack: Stack, interpreter: ICodeInterpreter) -> dict[_LogType, str]:
    """What is delivered of an interpreter by now, in this app or stage."""
    stage = Stage.of(stack)
    if stage is None:  # a stack without an app
        return {}
    # Two imports of one ARN, or two handles of one L2, are one interpreter.
    known = _DELIVERED.setdefault(stage, {})
    return known.setdefault(interpreter.undrained_code_interpreter_arn, {})


def _check_others(
    findings: Findings,
    wanted: Mapping[_LogType, bool],
    delivered: Mapping[_LogType, str],
    interpreter: ICodeInterpreter,
) -> None:
    """Refuse a second source of a type, which CloudWatch Logs is reported to refuse.

    https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2513
    """
    for log_type, path in delivered.items():
        if wanted[log_type]:
            findings.add(
                f"{log_type.name} of {path_of(interpreter)} are delivered by {path} already, and "
                "others report that CloudWatch Logs refuses a second source of a type for one "
                "resource; leave the type out here, or there"
            )


def _check_options(
    findings: Findings,
    wanted: dict[_LogType, bool],
    bucket: s3.IBucket | None,
    encryption_key: kms.IKey | None,
    retention: logs.RetentionDays | None,
) -> None:
    if not any(wanted.values()):
        findings.add(
            "nothing is delivered: usage_logs, application_logs and traces are all off; switch one "
            "on, or leave this out"
        )
    has_groups = bucket is None and (
        wanted[_LogType.USAGE_LOGS] or wanted[_LogType.APPLICATION_LOGS]
    )
    if not has_groups and (encryption_key is not None or retention is not None):
        why = "logs go to a bucket" if bucket is not None else "only traces are delivered"
        findings.add(
            f"encryption_key and retention are for log groups, but {why}; leave them out (a "
            "bucket has a key and lifecycle rules of its own)"
        )
