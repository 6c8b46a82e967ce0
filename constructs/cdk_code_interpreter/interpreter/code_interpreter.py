"""The code interpreter itself."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import jsii
from aws_cdk import Annotations, CfnDeletionPolicy, CfnResource, Duration, RemovalPolicy, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

from .._arguments.limits import (
    MAX_CERTIFICATES,
    Findings,
    check_count,
    check_description,
    check_removal_policy,
    check_session_timeout,
    check_tags,
    is_token,
    known_to_differ,
    tag_problems,
)
from .._arguments.types import (
    DURATION,
    FLAG,
    NUMBER,
    REMOVAL_POLICY,
    ROLE,
    SECRET,
    TAGS,
    TEXT,
    Kind,
    check_kinds,
    class_named,
    list_of,
)
from .._cdk.construct_tree import (
    Component,
    child_of,
    node_of,
    path_of,
    remember,
    resource_of,
    stack_of,
)
from .._cdk.durations import minutes
from .._cdk.stack_validation import check_late
from .._cdk.stacks import facts_of
from .._replacements import refer_weakly
from ..checks.app_checks import TemplateChecks
from ..interface import ICodeInterpreter
from ..interpreter_reference import OWNER_TAG
from ..network._subnet_checks import routes_to_the_internet
from ..network.network_access import NETWORK, NetworkAccess
from ..permissions._role_trust import ExecutionRoleCheck, required_statement
from ..permissions._role_users import use_role
from ..permissions.execution_role import ExecutionRole, NoExecutionRole
from ._argument_checks import check_drain, check_names
from ._create_only import create_only_properties
from ._launches import LAUNCHES_WARNING, is_launched
from ._names_taken import names_taken
from ._naming import fixed_names_of, revised_name, stem_of
from .imported import (
    DEFAULT_SESSION_TIMEOUT_MINUTES,
    CodeInterpreterFromL2,
    ImportedCodeInterpreter,
    connections_of,
    custom_arn,
)

if TYPE_CHECKING:
    from aws_cdk import aws_secretsmanager as secretsmanager

    from ..sessions.session_drain import OnDrainFailure, SessionDrain

_ROLE_OR_NO_ROLE = Kind(
    ROLE.words,
    lambda value: isinstance(value, NoExecutionRole) or ROLE.accepts(value),
    is_optional=True,
)
_ON_DRAIN_FAILURE = class_named("OnDrainFailure")
_FIXED_NAME_WARNING = (
    "code_interpreter_name is fixed: any change but one of tags replaces the interpreter, and the "
    "replacement fails because the name is taken until the old one is deleted; leave it out, or "
    "change it together with the other property"
)


@jsii.implements(iam.IGrantable, ec2.IConnectable)
class CodeInterpreter(Component, ICodeInterpreter, metaclass=jsii.JSIIAbstractClass):
    """A custom code interpreter with safe defaults.

    Around the L2 (`resource`): the sandbox network, a role whose trust is scoped to this
    interpreter, a name that CloudFormation can replace, and a drain that stops all sessions
    before the interpreter is deleted or replaced.

    https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/code-interpreter-tool.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name_prefix: str | None = None,
        code_interpreter_name: str | None = None,
        name_revision: int | None = None,
        description: str | None = None,
        network: NetworkAccess | None = None,
        execution_role: iam.IRole | NoExecutionRole | None = None,
        certificates: Sequence[secretsmanager.ISecret] | None = None,
        tags: Mapping[str, str] | None = None,
        session_timeout: Duration | None = None,
        drain_on_delete: bool = True,
        on_drain_failure: OnDrainFailure | None = None,
        drain_timeout: Duration | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.DESTROY,
    ) -> None:
        """Define a code interpreter.

        Args:
            scope: Where to define it.
            construct_id: Its id in that scope.
            name_prefix: Beginning of its name, at most 28 letters, digits and underscores.
                Default: made from the construct's ids.
            code_interpreter_name: The whole name, used exactly; adds a warning, since a change of
                any property but the tags then ends in a conflict. Default: generated, and
                different whenever such a property is.
            name_revision: Any number; another one forces a replacement, for a change that cannot
                be seen when the app is synthesized (an imported role made anew under the same
                name, a property set by a raw override). Default: none.
            description: 1 to 4096 characters. Default: none.
            network: What code in a session can reach. Default: the sandbox.
            execution_role: The role whose credentials the code has. A role of your own must trust
                the service on this account's behalf only, which is checked.
                `ExecutionRole.none()`: no role. Default: a new role without any permission.
            certificates: Secrets with root certificates (PEM) that all sessions trust, 1 to 10.
                The service reads them as the caller, so grant the deployer, and those who start
                sessions, ``secretsmanager:GetSecretValue``. Default: public authorities only.
            tags: At most 49: one more, `cdk-code-interpreter:stack`, proves to janitors and kill
                switches which stack the interpreter belongs to. Default: those that the app sets.
            session_timeout: How long a session should live, 1 second to 8 hours. The service has
                no such setting: callers find it in `environment`. Default: 15 minutes.
            drain_on_delete: Stop all sessions before the interpreter is deleted or replaced, as
                the service asks for. Default: they are stopped.
            on_drain_failure: What happens if sessions cannot be stopped in time. Default: the
                deletion goes on.
            drain_timeout: How long to try to stop them, 1 to 14 minutes. Default: 14 minutes.
            removal_policy: What happens to an interpreter that is no longer in the stack. A
                retained one is not drained, and keeps the role and the group made here. It keeps
                its name too: before the same stack is deployed again, delete it, or choose another
                `name_revision`. `RETAIN_ON_UPDATE_OR_DELETE` keeps nothing of a deployment that
                failed at once. Default: it is deleted.

        Raises:
            ValueError: Arguments are outside the service's limits, or exclude one another.
        """
        check_kinds(
            scope,
            construct_id,
            name_prefix=(name_prefix, TEXT.or_none),
            code_interpreter_name=(code_interpreter_name, TEXT.or_none),
            name_revision=(name_revision, NUMBER.or_none),
            description=(description, TEXT.or_none),
            network=(network, NETWORK.or_none),
            execution_role=(execution_role, _ROLE_OR_NO_ROLE),
            certificates=(certificates, list_of(SECRET).or_none),
            tags=(tags, TAGS.or_none),
            session_timeout=(session_timeout, DURATION.or_none),
            drain_on_delete=(drain_on_delete, FLAG),
            on_drain_failure=(on_drain_failure, _ON_DRAIN_FAILURE.or_none),
            drain_timeout=(drain_timeout, DURATION.or_none),
            removal_policy=(removal_policy, REMOVAL_POLICY),
        )
        network = network or NetworkAccess.sandbox()
        findings = Findings(scope, construct_id)
        check_names(findings, code_interpreter_name, name_prefix, name_revision)
        fixed_names = fixed_names_of(stack_of(scope))
        if code_interpreter_name in fixed_names:
            findings.add(
                f"code_interpreter_name {code_interpreter_name!r} is that of "
                f"{fixed_names[code_interpreter_name]}, and names are unique in an account; leave "
                "it out, or choose another"
            )
        check_description(findings, description)
        check_tags(findings, tags)
        check_session_timeout(findings, session_timeout)
        if certificates is not None:
            check_count(findings, "certificates", certificates, MAX_CERTIFICATES)
        check_removal_policy(findings, removal_policy)
        drained = drain_on_delete and removal_policy is RemovalPolicy.DESTROY
        check_drain(findings, drained, on_drain_failure, drain_timeout)
        network._check(findings)
        findings.raise_if_any()

        super().__init__(scope, construct_id)
        self._stack = stack_of(scope)
        self._session_timeout = session_timeout
        self._drain: SessionDrain | None = None
        self._properties: Mapping[str, Any] = {}
        self._stem = stem_of(scope, construct_id, name_prefix=name_prefix)
        self._fixed_name = code_interpreter_name
        if code_interpreter_name is not None:
            fixed_names[code_interpreter_name] = path_of(self)
        self._name = code_interpreter_name or revised_name(self._stem, self._create_only_properties)
        self._name_revision = name_revision
        self._certificates = list(certificates or [])
        self._network = network._bind(self, retained=removal_policy is not RemovalPolicy.DESTROY)
        self._role = self._role_from(execution_role, removal_policy)

        # A child named `Default` adds nothing to logical ids: moving from a plain L2 keeps them.
        self.resource = agentcore.CodeInterpreterCustom(
            self,
            "Default",
            code_interpreter_custom_name=self._name,
            description=description,
            execution_role=self._role or _no_role(self),
            network_configuration=self._network.configuration,
            # A name does not prove whose an interpreter is: a template may be launched twice.
            tags={**(tags or {}), OWNER_TAG: self._stack.stack_id},
        )
        self._finish(removal_policy)
        self._check_written()
        if drained:
            self._add_drain(on_drain_failure, drain_timeout)
        check_late(self._stack, self._late_problems)

    @staticmethod
    def from_code_interpreter_id(
        scope: Construct,
        construct_id: str,
        code_interpreter_id: str,
        *,
        execution_role: iam.IRole | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        session_timeout: Duration | None = None,
    ) -> ICodeInterpreter:
        """Refer to an interpreter that exists already in the stack's account and Region.

        Args:
            scope: Where to define the import.
            construct_id: Its id in that scope.
            code_interpreter_id: Its id, such as ``reports-0123456789``.
            execution_role: Its role, if anything here is to add permissions to it. Default: not
                known, and not needed.
            security_groups: Its groups, if `connections` is used. Default: not known.
            session_timeout: What callers find in `environment`. Default: 15 minutes.

        Raises:
            ValueError: The id is written out and is not a custom code interpreter's.
        """
        check_kinds(scope, construct_id, code_interpreter_id=(code_interpreter_id, TEXT))
        findings = Findings(scope, construct_id)
        if not is_token(code_interpreter_id) and not _CUSTOM_ID.fullmatch(code_interpreter_id):
            findings.add(
                "code_interpreter_id must be the id of a custom code interpreter, its name and "
                f"ten more characters such as reports-0123456789, got {code_interpreter_id!r}; "
                "take an ARN with from_code_interpreter_arn, and the system's interpreter with "
                "SystemCodeInterpreter"
            )
        findings.raise_if_any()
        return ImportedCodeInterpreter(
            scope,
            construct_id,
            code_interpreter_arn=custom_arn(stack_of(scope), code_interpreter_id),
            execution_role=execution_role,
            security_groups=security_groups,
            session_timeout=session_timeout,
        )

    @staticmethod
    def from_code_interpreter_arn(
        scope: Construct,
        construct_id: str,
        code_interpreter_arn: str,
        *,
        execution_role: iam.IRole | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        session_timeout: Duration | None = None,
    ) -> ICodeInterpreter:
        """Refer to an interpreter that exists already.

        Args:
            scope: Where to define the import.
            construct_id: Its id in that scope.
            code_interpreter_arn: Its ARN; account and region of its metrics are taken from it.
            execution_role: Its role, if anything here is to add permissions to it. Default: not
                known, and not needed.
            security_groups: Its groups, if `connections` is used. Default: not known.
            session_timeout: What callers find in `environment`. Default: 15 minutes.

        Raises:
            ValueError: The ARN is written out and is not a code interpreter's.
        """
        return ImportedCodeInterpreter(
            scope,
            construct_id,
            code_interpreter_arn=code_interpreter_arn,
            execution_role=execution_role,
            security_groups=security_groups,
            session_timeout=session_timeout,
        )

    @staticmethod
    def from_l2(
        l2: agentcore.ICodeInterpreterCustom, *, session_timeout: Duration | None = None
    ) -> ICodeInterpreter:
        """Use an L2 interpreter of this app wherever an `ICodeInterpreter` is taken.

        The L2 stays as it is: its references across stacks are as strong as the app says, and
        its automatic name does not change with its properties.

        Args:
            l2: The interpreter.
            session_timeout: What callers find in `environment`. Default: 15 minutes.
        """
        return CodeInterpreterFromL2(l2, session_timeout=session_timeout)

    @property
    def stack(self) -> Stack:
        """The stack that the interpreter is defined in."""
        return self._stack

    @property
    def owner(self) -> Stack:
        """The stack, whose id is a tag of the interpreter."""
        return self._stack

    @property
    def account(self) -> str:
        """The stack's account."""
        return facts_of(self._stack).account

    @property
    def region(self) -> str:
        """The stack's region."""
        return facts_of(self._stack).region

    @property
    def drain(self) -> SessionDrain | None:
        """What stops the sessions before the interpreter is deleted; `None` if nothing does."""
        return self._drain

    @property
    def code_interpreter_id(self) -> str:
        """The id, from the drain's answer where there is a drain."""
        drain = self._drain
        return self.undrained_code_interpreter_id if drain is None else drain.code_interpreter_id

    @property
    def code_interpreter_arn(self) -> str:
        """The ARN, from the drain's answer where there is a drain."""
        drain = self._drain
        return self.undrained_code_interpreter_arn if drain is None else drain.code_interpreter_arn

    @functools.cached_property
    def undrained_code_interpreter_id(self) -> str:
        """The id as CloudFormation knows it."""
        return self.resource.code_interpreter_id

    @functools.cached_property
    def undrained_code_interpreter_arn(self) -> str:
        """The ARN as CloudFormation knows it."""
        return self.resource.code_interpreter_arn

    @property
    def prefix_arn(self) -> str:
        """``{name without revision}_*``, for a fixed name ``{name}-*``.

        A name holds no hyphen, so neither lets an interpreter of another name in.
        """
        return custom_arn(
            self._stack, f"{self._fixed_name}-*" if self._fixed_name else f"{self._stem}_*"
        )

    @property
    def code_interpreter_name(self) -> str:
        """The name, known when the app is synthesized."""
        return self._name

    @property
    def session_timeout(self) -> Duration:
        """How long a session should live."""
        return self._session_timeout or minutes(DEFAULT_SESSION_TIMEOUT_MINUTES)

    @property
    def subnets(self) -> Sequence[ec2.ISubnet]:
        """The subnets of an interpreter in a VPC; none: it is in none."""
        return self._network.subnets

    @property
    def execution_role(self) -> iam.IRole | None:
        """The role whose credentials code in a session has; `None` with `ExecutionRole.none()`."""
        return self._role

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The execution role, so that ``bucket.grant_read(interpreter)`` is understood."""
        if self._role is None:
            raise ValueError(
                f"{path_of(self)}: nothing can be granted to an interpreter without a role; "
                "leave out execution_role=ExecutionRole.none()"
            )
        return self._role.grant_principal

    @property
    def connections(self) -> ec2.Connections:
        """The security groups of an interpreter in a VPC."""
        return connections_of(self.resource, path_of(self))

    @property
    def _possible_arns(self) -> list[str]:
        """ARNs of two generations, as examples; an id is the name and ten more characters."""
        generations = (("01234567", "Abcdefghi1"), ("89abcdef", "2jKLMNOPQR"))
        return [
            custom_arn(self._stack, f"{self._fixed_name or f'{self._stem}_{revision}'}-{end}")
            for revision, end in generations
        ]

    def _role_from(
        self, given: iam.IRole | NoExecutionRole | None, removal_policy: RemovalPolicy
    ) -> iam.IRole | None:
        if isinstance(given, NoExecutionRole):
            return None
        if given is None:
            # The id that the L2 gives the role it makes: moving from an L2 keeps the role.
            role = ExecutionRole(self, _OWN_ROLE, trusted_arns=[self.prefix_arn])
            self._check_trust(role)
            if removal_policy is not RemovalPolicy.DESTROY:
                role.apply_removal_policy(removal_policy)
            return role
        return self._supplied(given)

    def _supplied(self, given: iam.IRole) -> iam.IRole:
        self._check_account(given)
        if isinstance(given, ExecutionRole):
            given.trust_interpreter(self.prefix_arn)
        self._check_trust(given)
        return given

    def _check_account(self, role: iam.IRole) -> None:
        theirs, ours = role.env.account, self.account
        if known_to_differ(theirs, ours):
            raise ValueError(
                f"{path_of(self)}: execution role {path_of(role)} is in account {theirs}, the "
                f"interpreter in {ours}, and a role cannot be passed to another account; use a "
                "role of the interpreter's account"
            )

    def _check_trust(self, role: iam.IRole) -> None:
        resource = resource_of(role)
        if isinstance(resource, iam.CfnRole):
            check = ExecutionRoleCheck(self, resource, self.prefix_arn, self._possible_arns)
            node_of(self).add_validation(check)
            return
        Annotations.of(self).add_warning_v2(
            "cdk-code-interpreter:uncheckedExecutionRole",
            f"the trust policy of execution role {path_of(role)} cannot be seen from here; make "
            f"sure that it says: {required_statement(self._stack, self.prefix_arn)}",
        )

    def _finish(self, removal_policy: RemovalPolicy) -> None:
        resource = self._cfn_resource = cast(
            "agentcore.CfnCodeInterpreterCustom", resource_of(self.resource)
        )
        remember(self.resource, self, "Default")
        remember(resource, self.resource, "Resource")
        if self._certificates:
            kind = agentcore.CfnCodeInterpreterCustom
            resource.certificates = [
                kind.CertificateProperty(
                    certificate_location=kind.CertificateLocationProperty(
                        secret_arn=secret.secret_arn
                    )
                )
                for secret in self._certificates
            ]
        if self._role is None and resource.execution_role_arn == _NO_ROLE_ARN:
            resource.execution_role_arn = None
        else:
            self._take_injected_role()
        if removal_policy is not RemovalPolicy.DESTROY:
            resource.apply_removal_policy(removal_policy)
        refer_weakly(resource, self._stack)
        if self._fixed_name:
            Annotations.of(self).add_warning_v2(
                "cdk-code-interpreter:fixedName", _FIXED_NAME_WARNING
            )
        if is_launched(self._stack):
            Annotations.of(self).add_warning_v2("cdk-code-interpreter:launches", LAUNCHES_WARNING)

    def _check_written(self) -> None:
        """Have judged in the templates what can be seen nowhere else."""
        path = path_of(self)
        if self._network.is_vpc:
            check = routes_to_the_internet(path, self._cfn_resource)
            TemplateChecks.add(self, f"{path}: subnets", check)
        if self._fixed_name is not None:
            taken = names_taken(path, self._cfn_resource, self._fixed_name)
            TemplateChecks.add(self, f"{path}: name", taken)
        if self._role is not None:
            use_role(self._role, path, in_vpc=self._network.is_vpc)

    def _take_injected_role(self) -> None:
        """Treat a role that a property injector put in like one that is given."""
        role = self.resource.execution_role
        if role is self._role:
            return
        if self._role is not None and child_of(self, _OWN_ROLE) is self._role:
            node_of(self).try_remove_child(_OWN_ROLE)
        self._role = None if role is None else self._supplied(role)

    def _add_drain(self, on_failure: OnDrainFailure | None, timeout: Duration | None) -> None:
        from ..sessions.session_drain import OnDrainFailure, SessionDrain

        self._drain = SessionDrain(
            self,
            "Drain",
            interpreter=self,
            on_failure=on_failure or OnDrainFailure.CONTINUE,
            timeout=timeout,
        )

    def _create_only_properties(self) -> Mapping[str, Any]:
        # Of single properties the getters cannot give a token in place of a structure.
        self._properties = self._cfn_resource._cfn_properties
        return create_only_properties(
            self._cfn_resource,
            self._properties,
            self.undrained_code_interpreter_id,
            revision=self._name_revision,
            role=self._role,
            certificates=self._certificates,
            network=self._network.behind_references(),
        )

    def _late_problems(self) -> Iterator[str]:
        # By then they have been read, unless the name is fixed, or another one took its place.
        properties = self._properties or self._cfn_resource._cfn_properties
        for problem in tag_problems(properties.get("tags") or {}):
            yield f"{path_of(self)}: as the app tags the interpreter, {problem}"
        name = properties.get("name")
        if name != self._name:
            yield (
                f"{path_of(self)}: an aspect or a property injector changed the interpreter's name "
                f"to {name!r}; its trust policy, grants, drain and metrics go by the name that it "
                "was made with, so they would be another interpreter's: pass name_prefix= or "
                "code_interpreter_name=, and leave this one out there"
            )
        drain = None if self._drain is None else resource_of(self._drain)
        # RemovalPolicies.of(stack).retain() keeps the drain, and the role, as well.
        if drain is not None and _is_retained(self._cfn_resource) and not _is_retained(drain):
            yield (
                f"{path_of(self)}: a removal policy of its resource retains the interpreter, but "
                "its drain would stop its sessions and its role would be deleted; pass "
                "removal_policy=RemovalPolicy.RETAIN instead, which keeps all of it"
            )


_OWN_ROLE = "ServiceRole"
# https://docs.aws.amazon.com/bedrock-agentcore-control/latest/APIReference/API_CodeInterpreterSummary.html
_CUSTOM_ID = re.compile(r"[a-zA-Z][a-zA-Z0-9_]{0,47}-[a-zA-Z0-9]{10}")


def _is_retained(resource: IConstruct) -> bool:
    return isinstance(resource, CfnResource) and resource.cfn_options.deletion_policy not in (
        None,
        CfnDeletionPolicy.DELETE,
    )


_NO_ROLE_ARN = "arn:aws:iam::000000000000:role/no-execution-role"


def _no_role(scope: Construct) -> iam.IRole:
    # Given no role, the L2 makes one. This is taken out of the template again.
    return iam.Role.from_role_arn(scope, "NoExecutionRole", _NO_ROLE_ARN, mutable=False)
