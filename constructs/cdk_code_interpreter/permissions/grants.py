"""Permissions on a code interpreter: the actions, and the ARNs that they really match.

Actions, resource types and ARN forms are those of the service authorization reference:
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrockagentcore.html
(the developer guide's example policy names an ARN that matches neither kind of interpreter).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from .._arguments.limits import known_to_differ
from .._arguments.types import GRANTEE, ROLE, list_of, wrong_kinds
from ._creation import creating_statements, iam_grant

if TYPE_CHECKING:
    from aws_cdk import Duration
    from aws_cdk import aws_iam as iam
    from constructs import Construct, IConstruct

    from ..interpreter_reference import ICodeInterpreterRef
    from .access_role import AccessRole

_SESSION_READ = ("GetCodeInterpreterSession", "ListCodeInterpreterSessions")
_STOP = ("StopCodeInterpreterSession",)
_INVOKE = ("InvokeCodeInterpreter",)


def _actions(*names: str) -> tuple[str, ...]:
    return tuple(f"bedrock-agentcore:{name}" for name in names)


USE_ACTIONS = _actions("StartCodeInterpreterSession", *_INVOKE, *_STOP, *_SESSION_READ)
INVOKE_ACTIONS = _actions(*_INVOKE)
READ_ACTIONS = _actions("GetCodeInterpreter", *_SESSION_READ)
JANITOR_ACTIONS = _actions(*_SESSION_READ, *_STOP)
MANAGE_ACTIONS = _actions(
    "GetCodeInterpreter",
    "DeleteCodeInterpreter",
    "TagResource",
    "UntagResource",
    "ListTagsForResource",
)
ADMINISTER_ACTIONS = (*USE_ACTIONS, *MANAGE_ACTIONS)
# The system interpreter is AWS's: it has sessions, but no resource to read, tag or delete.
_SYSTEM_READ_ACTIONS = _actions(*_SESSION_READ)


class CodeInterpreterGrants:
    """Gives callers and operators what they need on one interpreter, and on nothing else.

    A grantee in the interpreter's own stack gets the interpreter's ARN. A grantee in another
    stack gets the ARN pattern of all its generations: a replacement changes the ARN, and the
    other stack's policy would name the one that is gone. ``*`` stands only in
    `administer`, for actions that know no resource.

    The statements go where the grantee keeps its own: a role's inline policy, or, given an
    `iam.ManagedPolicy`, that policy (for accounts whose rules forbid inline policies).

    There is no resource type for a session: who may use an interpreter may use all its sessions.

    Actions, resource types and ARN forms are those of the service authorization reference:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrockagentcore.html
    """

    def __init__(self, interpreter: ICodeInterpreterRef) -> None:
        """Grant on this interpreter.

        Args:
            interpreter: One of ours, an L2, an import or the system's.
        """
        self._interpreter = interpreter

    def use(self, grantee: iam.IGrantable) -> iam.Grant:
        """Start, invoke, stop, get and list sessions: what an agent needs.

        Code in a session has the execution role's permissions: so, in effect, has the grantee.
        """
        return self._grant(grantee, USE_ACTIONS)

    def invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Run code in sessions that somebody else starts and stops."""
        return self._grant(grantee, INVOKE_ACTIONS)

    def read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Look at the interpreter and its sessions."""
        system = self._interpreter.is_system
        return self._grant(grantee, _SYSTEM_READ_ACTIONS if system else READ_ACTIONS)

    def janitor(self, grantee: iam.IGrantable) -> iam.Grant:
        """Find sessions and stop them, but neither start them nor run code."""
        return self._grant(grantee, JANITOR_ACTIONS)

    def manage(self, grantee: iam.IGrantable) -> iam.Grant:
        """Get, delete and tag the interpreter.

        Creating one is not part of it: ``CreateCodeInterpreter`` and ``ListCodeInterpreters``
        know no resource, and creating needs ``iam:PassRole``: see `administer`.

        Raises:
            ValueError: This is the system interpreter, which nobody manages.
        """
        self._check_managed("manage")
        return self._grant(grantee, MANAGE_ACTIONS)

    def administer(
        self, grantee: iam.IGrantable, *, passed_roles: Sequence[iam.IRole] | None = None
    ) -> iam.Grant:
        """Create interpreters by API beside this one, and use, read and delete them.

        All nine actions of the documented caller policy, and those on tags:
        https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/code-interpreter-resource-session-management.html
        Those that take an interpreter are allowed on the ARN pattern of this one, so created ones
        need a name that it matches: begin it with this one's name up to the last underscore. Create
        and List know no resource. Where this interpreter is in a VPC of this app, creating is
        allowed in its subnets with its security groups only; elsewhere no condition key tells one
        network mode from another.

        Args:
            grantee: Who creates interpreters.
            passed_roles: The execution roles that created interpreters may be given. Default: the
                one of this interpreter, if it has one that is known.

        Raises:
            ValueError: This is the system interpreter, or an argument is of another type.
        """
        path = self._interpreter.node.path
        for problem in wrong_kinds(passed_roles=(passed_roles, list_of(ROLE).or_none)):
            raise ValueError(f"{path}: {problem}")
        self._check_managed("administer")
        own = self._interpreter.execution_role
        if passed_roles is None:
            passed_roles = [] if own is None else [own]
        grant = self._grant(grantee, ADMINISTER_ACTIONS, self._interpreter.prefix_arn)
        for statement in creating_statements(self._interpreter, passed_roles):
            grant = grant.combine(
                iam_grant(grantee, statement.actions, statement.resources, statement.conditions)
            )
        return grant

    def access_role(
        self,
        scope: Construct,
        construct_id: str,
        *,
        trusted: Sequence[str],
        external_id: str,
        max_session_duration: Duration | None = None,
        permissions_boundary: iam.IManagedPolicy | None = None,
        role_name: str | None = None,
    ) -> AccessRole:
        """A role here that callers of other accounts assume to `use` the interpreter.

        Args:
            scope: Where to define it.
            construct_id: Its id in that scope.
            trusted: Who may assume it: account ids, or ARNs of roles and users.
            external_id: What they must give when they do, agreed on with them.
            max_session_duration: How long credentials last at most, 1 to 12 hours. Default: 1
                hour.
            permissions_boundary: The most that the role can ever do. Default: none.
            role_name: Physical name, which callers can know before. Default: CloudFormation's.

        Raises:
            ValueError: Nobody or everybody is trusted, or the external id cannot be one.
        """
        from .access_role import AccessRole

        return AccessRole(
            scope,
            construct_id,
            grants=self,
            trusted=trusted,
            external_id=external_id,
            max_session_duration=max_session_duration,
            permissions_boundary=permissions_boundary,
            role_name=role_name,
        )

    def _grant(
        self, grantee: iam.IGrantable, actions: Sequence[str], arn: str | None = None
    ) -> iam.Grant:
        self._check(grantee)
        grant = iam_grant(grantee, actions, [arn or self._arn_for(grantee)])
        if not grant.success:
            raise ValueError(
                f"{self._interpreter.node.path}: the grantee {type(grantee).__name__} cannot hold "
                "a policy, and a code interpreter takes no resource policy; grant to a role, a "
                "user, a group, a function or a managed policy"
            )
        return grant

    def _check_managed(self, grant: str) -> None:
        """Raise if this is the system interpreter, which nobody manages."""
        if self._interpreter.is_system:
            raise ValueError(
                f"{self._interpreter.node.path}: the system interpreter "
                f"{self._interpreter.code_interpreter_id!r} is AWS's and cannot be managed; "
                f"grant {grant} on an interpreter of your own"
            )

    def _check(self, grantee: iam.IGrantable) -> None:
        """Refuse who can hold no permission, or would never be let in.

        Raises:
            ValueError: The grantee is no such thing, or another account's.
        """
        path = self._interpreter.node.path
        for problem in wrong_kinds(grantee=(grantee, GRANTEE)):
            raise ValueError(f"{path}: {problem}")
        theirs = getattr(grantee.grant_principal, "principal_account", None)  # an import's is none
        ours = self._interpreter.account
        if theirs is not None and known_to_differ(theirs, ours):
            raise ValueError(
                f"{path}: the grantee is in account {theirs}, the interpreter in {ours}, and a "
                "code interpreter takes no resource policy; give callers of other accounts a role "
                "with grants.access_role(...)"
            )

    def _arn_for(self, grantee: iam.IGrantable) -> str:
        if _is_in_stack_of(self._interpreter, grantee):
            return self._interpreter.code_interpreter_arn
        return self._interpreter.prefix_arn


def _is_in_stack_of(interpreter: ICodeInterpreterRef, grantee: iam.IGrantable) -> bool:
    from aws_cdk import Stack

    # A function's statements go to its role, which may live in another stack than the function.
    for holder in (grantee.grant_principal, grantee):
        if hasattr(holder, "node"):
            return Stack.of(cast("IConstruct", holder)) is interpreter.stack
    return False
