"""What the code interpreter service needs of the AWS around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from agentcore_local.service.http import HttpRequest


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who makes a request, and in which account and region it counts.

    Attributes:
        access_key_id: The access key that signed the request.
        account: The account of the caller, twelve digits.
        region: The region of the credential scope.
        arn: The ARN of the user, role session or root.
        partition: The partition of the region.
    """

    access_key_id: str
    account: str
    region: str
    arn: str
    partition: str = "aws"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Temporary credentials of an execution role.

    Attributes:
        access_key_id: The access key.
        secret_access_key: The secret key.
        session_token: The session token.
        expiration: When they expire, in seconds since the epoch.
    """

    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration: float


class Backend(Protocol):
    """The AWS around the service: who calls, what roles allow, where metrics go, what time it is.

    Every method is synchronous and quick: it is called on the event loop, and by CloudFormation's
    resource handlers from whatever thread they run in.
    """

    @property
    def endpoint_url(self) -> str:
        """The URL under which code in a session reaches this AWS, without a trailing slash."""
        ...

    def now(self) -> float:
        """The present time in seconds since the epoch; tests may move it forward."""
        ...

    def identify(self, request: HttpRequest) -> Caller:
        """Tell who signed a request.

        Raises:
            ServiceError: The request is not signed, or with an unknown or expired key.
        """
        ...

    def authorize(
        self, caller: Caller, action: str, resource_arn: str, context: Mapping[str, object]
    ) -> str | None:
        """Decide whether a caller may do something.

        Args:
            caller: Who calls.
            action: The IAM action, such as `bedrock-agentcore:InvokeCodeInterpreter`.
            resource_arn: The ARN that the service authorization reference names for the action,
                or `*` where the action supports no resource.
            context: Condition keys of the request (`aws:ResourceTag/team`,
                `bedrock-agentcore:subnets`, ...); a multivalued key has a list.

        Returns:
            The message of the denial, or None if the call is allowed.
        """
        ...

    def pass_role_error(self, caller: Caller, role_arn: str) -> str | None:
        """Tell why the caller may not pass a role to `bedrock-agentcore.amazonaws.com`, or None."""
        ...

    def role_trust_error(
        self, role_arn: str, *, source_account: str, source_arn: str
    ) -> str | None:
        """Tell why `bedrock-agentcore.amazonaws.com` may not assume a role, or None if it may.

        Args:
            role_arn: The execution role.
            source_account: The value of `aws:SourceAccount` when the service assumes the role.
            source_arn: The value of `aws:SourceArn`: the interpreter's ARN.
        """
        ...

    def assume_execution_role(
        self, role_arn: str, *, source_account: str, source_arn: str, session_name: str
    ) -> Credentials:
        """Get credentials of an execution role for one session.

        Raises:
            ServiceError: The role is gone, or no longer trusts the service.
        """
        ...

    def put_metric(
        self,
        *,
        account: str,
        region: str,
        namespace: str,
        name: str,
        value: float,
        unit: str,
        dimensions: Mapping[str, str],
        timestamp: float,
    ) -> None:
        """Record one data point in CloudWatch, as the service itself does (no caller, no IAM)."""
        ...
