"""Interpreters that this library did not create: by ARN, from an L2, the system's own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import jsii
from aws_cdk import Duration, Fn, Stack
from constructs import Construct, Node

from .._arguments.limits import Findings, check_session_timeout, is_token
from .._arguments.types import (
    DURATION,
    GROUP,
    INTERPRETER,
    ROLE,
    TEXT,
    Kind,
    check_kinds,
    list_of,
    wrong_kinds,
)
from .._cdk.construct_tree import Component, path_of, stack_of
from .._cdk.durations import minutes
from .._cdk.stacks import facts_of, partition
from ..interface import ICodeInterpreter

if TYPE_CHECKING:
    from aws_cdk import aws_bedrockagentcore as agentcore
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_iam as iam

SYSTEM_CODE_INTERPRETER_ID = "aws.codeinterpreter.v1"
# The service's own default for a session's time to live.
DEFAULT_SESSION_TIMEOUT_MINUTES = 15

# https://docs.aws.amazon.com/bedrock-agentcore-control/latest/APIReference/API_GetCodeInterpreter.html
_ARN = re.compile(
    r"arn:aws(-[^:]+)?:bedrock-agentcore:[a-z0-9-]+:([0-9]{12}:code-interpreter-custom/"
    r"[a-zA-Z][a-zA-Z0-9_]{0,47}-[a-zA-Z0-9]{10}|aws:code-interpreter/aws\.codeinterpreter\.v1)"
)


# What CDK gives for a parameter until its CLI has looked it up, after which it synthesizes again:
# https://docs.aws.amazon.com/cdk/v2/guide/get-ssm-val.html
_NOT_LOOKED_UP = "dummy-value-for-"
_PLACEHOLDER_ID = "placeholder-0123456789"

# A colon inside a token's text is not a separator.
_COLON = re.compile(r":(?![^\[\]]*\]\})")

_TOKEN = re.compile(r"\$\{Token\[[^\]]*\]\}")
_EXAMPLES = (
    "arn:aws:bedrock-agentcore:us-east-1:111122223333:code-interpreter-custom/name-ABCDEFGHIJ",
    f"arn:aws:bedrock-agentcore:us-east-1:aws:code-interpreter/{SYSTEM_CODE_INTERPRETER_ID}",
)


def _can_be_arn(arn: str) -> bool:
    """Whether an ARN is an interpreter's, as far as it is known by now."""
    parts = _COLON.split(arn, maxsplit=5)
    if _TOKEN.search(arn) and len(parts) < 6:
        return True
    return any(
        _ARN.fullmatch(
            ":".join(
                known if _TOKEN.search(part) else part
                for part, known in zip(parts, example.split(":"), strict=False)
            )
        )
        for example in _EXAMPLES
    )


def _arn_parts(arn: str) -> Sequence[str]:
    parts = _COLON.split(arn, maxsplit=5)
    return parts if len(parts) == 6 else Fn.split(":", arn, 6)


def _after_slash(resource: str) -> str:
    kind, slash, rest = resource.partition("/")
    return rest if slash and not is_token(kind) else Fn.split("/", resource, 2)[1]


class ImportedCodeInterpreter(Component, ICodeInterpreter, metaclass=jsii.JSIIAbstractClass):
    """An interpreter that exists already; see `CodeInterpreter.from_code_interpreter_arn`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code_interpreter_arn: str,
        execution_role: iam.IRole | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        session_timeout: Duration | None = None,
    ) -> None:
        """Define the import.

        Args:
            scope: Where to define it.
            construct_id: Its id in that scope.
            code_interpreter_arn: The ARN; a token is taken as it is. While the CDK CLI has not
                looked up a parameter yet (``ssm.StringParameter.value_from_lookup``), an ARN of
                this account and region stands in; nothing is deployed with it.
            execution_role: Its role, if anything here is to add permissions to it. Default: not
                known, and not needed.
            security_groups: Its groups, if it is in a VPC and `connections` is used. Default: not
                known.
            session_timeout: What callers find in `environment`. Default: 15 minutes.

        Raises:
            ValueError: The ARN is written out and is not a code interpreter's.
        """
        check_kinds(
            scope,
            construct_id,
            code_interpreter_arn=(code_interpreter_arn, TEXT),
            execution_role=(execution_role, ROLE.or_none),
            security_groups=(security_groups, list_of(GROUP).or_none),
            session_timeout=(session_timeout, DURATION.or_none),
        )
        findings = Findings(scope, construct_id)
        if code_interpreter_arn.startswith(_NOT_LOOKED_UP):
            code_interpreter_arn = custom_arn(stack_of(scope), _PLACEHOLDER_ID)
        if not _can_be_arn(code_interpreter_arn):
            findings.add(
                f"code_interpreter_arn is not the ARN of a code interpreter: "
                f"{_TOKEN.sub('...', code_interpreter_arn)!r}; it looks like "
                "arn:aws:bedrock-agentcore:REGION:ACCOUNT:code-interpreter-custom/NAME-ABCDEFGHIJ "
                "(see `aws bedrock-agentcore-control list-code-interpreters`)"
            )
        check_session_timeout(findings, session_timeout)
        findings.raise_if_any()
        super().__init__(scope, construct_id)
        self._arn = code_interpreter_arn
        self._parts = _arn_parts(code_interpreter_arn)
        self._role = execution_role
        self._groups = security_groups
        self._session_timeout = session_timeout or minutes(DEFAULT_SESSION_TIMEOUT_MINUTES)

    @property
    def stack(self) -> Stack:
        """The stack that the import is defined in."""
        return stack_of(self)

    @property
    def account(self) -> str:
        """The account in the ARN; for the system interpreter, the stack's."""
        return facts_of(self.stack).account if self.is_system else self._parts[4]

    @property
    def region(self) -> str:
        """The region in the ARN."""
        return self._parts[3]

    @property
    def code_interpreter_id(self) -> str:
        """The id, taken from the ARN."""
        return _after_slash(self._parts[5])

    @property
    def code_interpreter_arn(self) -> str:
        """The ARN as it was given."""
        return self._arn

    @property
    def prefix_arn(self) -> str:
        """The ARN: other generations of an import are not ours to know."""
        return self._arn

    @property
    def code_interpreter_name(self) -> str | None:
        """The name, which the id begins with; `None` if the ARN is a token."""
        if self.is_system or is_token(self._arn):
            return None
        return self.code_interpreter_id.rpartition("-")[0]

    @property
    def session_timeout(self) -> Duration:
        """How long a session should live."""
        return self._session_timeout

    @property
    def execution_role(self) -> iam.IRole | None:
        """The role that the import was given, if any."""
        return self._role

    @property
    def connections(self) -> ec2.Connections:
        """The security groups that the import was given."""
        if not self._groups:
            raise ValueError(
                f"{path_of(self)}: the security groups of this imported interpreter are not "
                "known; if it is in a VPC, pass security_groups to the import"
            )
        from aws_cdk import aws_ec2 as ec2

        return ec2.Connections(security_groups=list(self._groups))

    @property
    def is_system(self) -> bool:
        """Whether the ARN is the system interpreter's."""
        return self._arn.endswith(f":aws:code-interpreter/{SYSTEM_CODE_INTERPRETER_ID}")


class SystemCodeInterpreter(ImportedCodeInterpreter):
    """The interpreter that AWS keeps ready in each region; it needs no deployment.

    It has no execution role and no VPC, and everybody in the account shares its sessions.
    https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/code-interpreter-resource-management.html
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, session_timeout: Duration | None = None
    ) -> None:
        """Refer to the system interpreter of the stack's partition and region.

        Args:
            scope: Where to define the import.
            construct_id: Its id in that scope.
            session_timeout: What callers find in `environment`. Default: 15 minutes.

        Raises:
            ValueError: The session timeout is not 1 second to 8 hours.
        """
        self._own_region = facts_of(stack_of(scope)).region
        super().__init__(
            scope,
            construct_id,
            code_interpreter_arn=f"arn:{partition()}:bedrock-agentcore:{self._own_region}"
            f":aws:code-interpreter/{SYSTEM_CODE_INTERPRETER_ID}",
            session_timeout=session_timeout,
        )

    @property
    def region(self) -> str:
        """The stack's region."""
        return self._own_region

    @property
    def code_interpreter_id(self) -> str:
        """``aws.codeinterpreter.v1``."""
        return SYSTEM_CODE_INTERPRETER_ID


_L2 = Kind(
    "an L2, bedrockagentcore.CodeInterpreterCustom; pass an interpreter of this library as it is, "
    "and an ARN to CodeInterpreter.from_code_interpreter_arn",
    lambda value: hasattr(type(value), "code_interpreter_arn") and not INTERPRETER.accepts(value),
)


class CodeInterpreterFromL2(ICodeInterpreter):
    """An L2 interpreter of the same app; see `CodeInterpreter.from_l2`."""

    def __init__(
        self, l2: agentcore.ICodeInterpreterCustom, *, session_timeout: Duration | None = None
    ) -> None:
        """Look at an L2 as an `ICodeInterpreter`.

        Args:
            l2: The interpreter.
            session_timeout: What callers find in `environment`. Default: 15 minutes.

        Raises:
            ValueError: This is no L2, or the session timeout is not 1 second to 8 hours.
        """
        problems = wrong_kinds(l2=(l2, _L2), session_timeout=(session_timeout, DURATION.or_none))
        if problems:
            raise ValueError(f"CodeInterpreter.from_l2: {'; '.join(problems)}")
        if l2.node.scope is not None:
            findings = Findings(cast("Construct", l2.node.scope), l2.node.id)
            check_session_timeout(findings, session_timeout)
            findings.raise_if_any()
        self._l2 = l2
        self._session_timeout = session_timeout or minutes(DEFAULT_SESSION_TIMEOUT_MINUTES)

    @property
    def node(self) -> Node:
        """The L2's place in the tree."""
        return self._l2.node

    @property
    def stack(self) -> Stack:
        """The L2's stack."""
        return self._l2.stack

    @property
    def account(self) -> str:
        """The account of the L2, for an imported one that of its ARN."""
        if self.code_interpreter_name is None:  # an imported L2's `env` is its stack's
            return _arn_parts(self.code_interpreter_arn)[4]
        return self.stack.account

    @property
    def region(self) -> str:
        """The region of the L2, for an imported one that of its ARN."""
        if self.code_interpreter_name is None:
            return _arn_parts(self.code_interpreter_arn)[3]
        return self.stack.region

    @property
    def code_interpreter_id(self) -> str:
        """The L2's id."""
        return self._l2.code_interpreter_id

    @property
    def code_interpreter_arn(self) -> str:
        """The L2's ARN."""
        return self._l2.code_interpreter_arn

    @property
    def prefix_arn(self) -> str:
        """``{name}-*``, or the ARN of an L2 that was itself imported.

        The L2's automatic name is known when the app is synthesized, and is the same in every
        generation.
        """
        name = self.code_interpreter_name
        if name is None:
            return self.code_interpreter_arn
        return custom_arn(self.stack, f"{name}-*")

    @property
    def code_interpreter_name(self) -> str | None:
        """The L2's name, automatic or not; `None` for an imported L2."""
        from aws_cdk import aws_bedrockagentcore as agentcore

        if isinstance(self._l2, agentcore.CodeInterpreterCustom):
            return self._l2.code_interpreter_custom_name
        return None

    @property
    def session_timeout(self) -> Duration:
        """How long a session should live."""
        return self._session_timeout

    @property
    def execution_role(self) -> iam.IRole | None:
        """The L2's role."""
        return self._l2.execution_role

    @property
    def connections(self) -> ec2.Connections:
        """The L2's security groups."""
        return connections_of(self._l2, self.node.path)


def custom_arn(stack: Stack, resource_name: str) -> str:
    """The ARN, or ARN pattern, of a custom interpreter of this stack's account and region."""
    return f"{facts_of(stack).arn_root}:code-interpreter-custom/{resource_name}"


def connections_of(l2: agentcore.ICodeInterpreterCustom, path: str) -> ec2.Connections:
    """The security groups of an L2, or an error in our words."""
    try:
        return l2.connections
    except RuntimeError as error:
        raise ValueError(
            f"{path}: this interpreter has no security groups, because it is not in a "
            "VPC; give it network=NetworkAccess.vpc(...)"
        ) from error
