"""How strictly a governed interpreter is set up."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from aws_cdk import Annotations, Aws, RemovalPolicy, Stack
from aws_cdk import aws_logs as logs

from ._arguments.types import KEY, REMOVAL_POLICY, RETENTION, SUBNETS, VPC, Kind, wrong_kinds
from ._cdk.key_policies import key_statements
from .network.network_access import NetworkAccess
from .network.private_network import PrivateNetwork
from .sessions.session_manager_settings import SessionManagerSettings

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms
    from constructs import Construct

_NETWORK_OR_VPC = Kind(
    "a PrivateNetwork, or a VPC (import one with ec2.Vpc.from_lookup)",
    lambda value: isinstance(value, PrivateNetwork) or VPC.accepts(value),
)
_MUST_REACH = (
    "the functions that manage sessions run in a VPC that was given, and must reach from there: "
    "com.amazonaws.REGION.bedrock-agentcore, com.amazonaws.REGION.bedrock-agentcore-control and "
    "com.amazonaws.REGION.cloudformation (interface endpoints with private DNS names, or a NAT "
    "gateway), and S3 for the bucket cloudformation-custom-resource-response-REGION, REGION "
    "without its hyphens (a gateway endpoint whose policy allows s3:PutObject there, or a NAT "
    "gateway). Without it the first custom resource waits for an hour and the deployment fails. "
    "Define endpoints of the same stack with the VPC (vpc.add_interface_endpoint), so that they "
    "outlive the functions. PrivateNetwork has all of this"
)


@dataclass(frozen=True, kw_only=True)
class ComplianceProfile:
    """What `GovernedCodeInterpreter` sets up beside the interpreter, and how.

    Make one with `lean` or `strict`. What Security Hub asks of a code interpreter:
    https://docs.aws.amazon.com/securityhub/latest/userguide/bedrockagentcore-controls.html

    Attributes:
        network: Network of the interpreter where it is given none.
        session_settings: How the functions that manage sessions are run.
        encryption_key: Encrypts log groups and the alarm topic. `None`: keys of AWS.
        log_retention: How long logs are kept. Default: a month.
        log_removal_policy: What happens to logs with the stack. Default: they are deleted.
        given_vpc: The VPC of somebody else that all of this runs in. `None`: it runs in none.
    """

    network: NetworkAccess
    session_settings: SessionManagerSettings
    encryption_key: kms.IKey | None = None
    log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH
    log_removal_policy: RemovalPolicy = RemovalPolicy.DESTROY
    given_vpc: ec2.IVpc | None = None

    @staticmethod
    def lean(*, log_removal_policy: RemovalPolicy = RemovalPolicy.DESTROY) -> ComplianceProfile:
        """The default: no VPC and no key. Alarms, dashboard and metrics cost a little all the same.

        Sandbox network, and everything encrypted with keys of AWS. Security Hub control
        BedrockAgentCore.7 fails for it, and so do rules that ask for a VPC, customer keys,
        reserved concurrency or tracing; the compliance guide lists them.

        Args:
            log_removal_policy: What happens to logs with the stack. Default: they are deleted.

        Raises:
            ValueError: An argument is of a wrong kind.
        """
        _check_kinds("lean", log_removal_policy=(log_removal_policy, REMOVAL_POLICY))
        return ComplianceProfile(
            network=NetworkAccess.sandbox(),
            session_settings=SessionManagerSettings(log_removal_policy=log_removal_policy),
            log_removal_policy=log_removal_policy,
        )

    @staticmethod
    def strict(
        *,
        vpc: ec2.IVpc | PrivateNetwork,
        key: kms.IKey,
        subnets: ec2.SubnetSelection | None = None,
        reserved_concurrency: int = 2,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        log_removal_policy: RemovalPolicy = RemovalPolicy.DESTROY,
    ) -> ComplianceProfile:
        """Everything that the rule packs of cdk-nag, checkov and Security Hub ask for.

        The interpreter in VPC mode; the functions that manage sessions in the VPC too, with
        reserved concurrency, a dead letter queue and tracing; environment, queue, logs and alarm
        topic encrypted with your key.

        Args:
            vpc: A `PrivateNetwork`, or a VPC of yours. The latter adds a warning with an id that
                lists what must be reached from it.
            key: Encrypts what is kept. Its policy is extended where it can be; for an imported
                key a warning prints what it must say (see `key_policy_statements`).
            subnets: Subnets of a VPC of yours, for interpreter and functions. Default: the
                private ones.
            reserved_concurrency: Executions set aside for each of up to three functions, out of
                the account's. Default: 2.
            log_retention: How long logs are kept. Default: a year.
            log_removal_policy: What happens to logs with the stack. Default: they are deleted.

        Raises:
            ValueError: There is no VPC or key, or `subnets` was given with a `PrivateNetwork`,
                which has its own.
        """
        _check_kinds(
            "strict",
            vpc=(vpc, _NETWORK_OR_VPC),
            key=(key, KEY),
            subnets=(subnets, SUBNETS.or_none),
            log_retention=(log_retention, RETENTION),
            log_removal_policy=(log_removal_policy, REMOVAL_POLICY),
        )
        if isinstance(vpc, PrivateNetwork):
            if subnets is not None:
                raise ValueError(
                    "ComplianceProfile.strict: subnets are chosen by the PrivateNetwork "
                    f"{vpc.node.path}; leave them out, or pass vpc=network.vpc"
                )
            network, settings, given = vpc.network_access(), vpc.session_manager_settings(), None
        else:
            network = NetworkAccess.vpc(vpc, subnets=subnets)
            settings, given = SessionManagerSettings(vpc=vpc, vpc_subnets=subnets), vpc
        return ComplianceProfile(
            network=network,
            session_settings=dataclasses.replace(
                settings,
                encryption_key=key,
                dead_letters=True,
                reserved_concurrency=reserved_concurrency,
                tracing=True,
                log_retention=log_retention,
                log_removal_policy=log_removal_policy,
            ),
            encryption_key=key,
            log_retention=log_retention,
            log_removal_policy=log_removal_policy,
            given_vpc=given,
        )

    @staticmethod
    def key_policy_statements(stack: Stack | None = None) -> list[iam.PolicyStatement]:
        """What a key's policy must say, beside what lets the account's own roles use it.

        For a key that is imported here, and so cannot be changed: add these where it is defined.

        Args:
            stack: A stack of the account and region that the key is used in. Default: the
                account and region of the stack that the statements end up in.
        """
        here = SimpleNamespace(partition=Aws.PARTITION, region=Aws.REGION, account=Aws.ACCOUNT_ID)
        return key_statements(stack or cast("Stack", here))

    def warn(self, scope: Construct) -> None:
        """Say what has to be true of what was given, since it cannot be seen from here.

        Args:
            scope: The construct that uses the profile.
        """
        if self.given_vpc is not None:
            Annotations.of(scope).add_warning_v2("cdk-code-interpreter:vpcMustReach", _MUST_REACH)


def _check_kinds(profile: str, **arguments: tuple[object, Kind]) -> None:
    problems = wrong_kinds(**arguments)
    if problems:
        raise ValueError(f"ComplianceProfile.{profile}: {'; '.join(problems)}")
