"""MiniStack as the AWS around the code interpreter: IAM, STS and CloudWatch."""

from __future__ import annotations

from collections.abc import Mapping

from agentcore_local import _ministack
from agentcore_local.clock import Clock
from agentcore_local.service.backend import Caller, Credentials
from agentcore_local.service.errors import ServiceError, access_denied
from agentcore_local.service.http import HttpRequest

SERVICE_PRINCIPAL = "bedrock-agentcore.amazonaws.com"
_CREDENTIALS_LIFETIME_SECONDS = 3600


class MiniStackBackend:
    """Lets the code interpreter service use MiniStack's IAM, STS and CloudWatch.

    Args:
        endpoint_url: the URL under which code in a session reaches this AWS.
        clock: the time of this AWS.
        trust_needs_conditions: whether the service refuses a role that trusts it without
            `aws:SourceAccount` and `aws:SourceArn`.
    """

    def __init__(
        self, *, endpoint_url: str, clock: Clock, trust_needs_conditions: bool = True
    ) -> None:
        self._endpoint_url = endpoint_url
        self._trust_needs_conditions = trust_needs_conditions
        self._clock = clock

    @property
    def endpoint_url(self) -> str:
        """The URL under which code in a session reaches this AWS."""
        return self._endpoint_url

    def now(self) -> float:
        """The present time in seconds since the epoch."""
        return self._clock.now()

    def identify(self, request: HttpRequest) -> Caller:
        """Tell who signed a request.

        Raises:
            ServiceError: the request is not signed, or its credentials do not hold.
        """
        try:
            access_key, arn = _ministack.identify(
                method=request.method,
                raw_path=request.path,
                query_string=request.query_string,
                headers=request.headers,
                body=request.body,
            )
        except _ministack.AccessDenied as denied:
            raise ServiceError(denied.code, 403, denied.message) from None
        account, region = _ministack.request_account_and_region()
        return Caller(access_key_id=access_key, account=account, region=region, arn=arn)

    def authorize(
        self, caller: Caller, action: str, resource_arn: str, context: Mapping[str, object]
    ) -> str | None:
        """Let MiniStack's evaluator decide one call; the message of a denial, or None."""
        try:
            _ministack.authorize(caller.access_key_id, action, resource_arn, caller.region, context)
        except _ministack.AccessDenied as denied:
            return denied.message
        return None

    def pass_role_error(self, caller: Caller, role_arn: str) -> str | None:
        """Tell why the caller may not pass a role to the service, or None if it may."""
        return self.authorize(
            caller, "iam:PassRole", role_arn, {"iam:PassedToService": SERVICE_PRINCIPAL}
        )

    def role_trust_error(
        self, role_arn: str, *, source_account: str, source_arn: str
    ) -> str | None:
        """Tell why the service may not assume a role, or None if it may."""
        role_account = role_arn.split(":")[4]
        with _ministack.in_account(role_account, source_arn.split(":")[3]):
            document = _ministack.role_trust_document(role_arn)
        if document is None:
            return f"the role {role_arn} does not exist"
        if _ministack.service_may_assume(
            document,
            service=SERVICE_PRINCIPAL,
            account=source_account,
            context={"aws:SourceAccount": source_account, "aws:SourceArn": source_arn},
            conditions_required=self._trust_needs_conditions,
        ):
            return None
        return (
            f"the trust policy of {role_arn} does not let {SERVICE_PRINCIPAL} assume it "
            f"with aws:SourceAccount {source_account} and aws:SourceArn {source_arn}"
        )

    def assume_execution_role(
        self, role_arn: str, *, source_account: str, source_arn: str, session_name: str
    ) -> Credentials:
        """Get credentials of an execution role for one session.

        Raises:
            ServiceError: the role is gone, or no longer trusts the service.
        """
        problem = self.role_trust_error(
            role_arn, source_account=source_account, source_arn=source_arn
        )
        if problem is not None:
            raise access_denied(problem)
        # Real time: MiniStack's credentials do not know our clock.
        expiration = Clock().now() + _CREDENTIALS_LIFETIME_SECONDS
        access_key, secret_key, token = _ministack.issue_role_credentials(
            role_arn,
            account=role_arn.split(":")[4],
            session_name=session_name,
            expiration=expiration,
        )
        return Credentials(
            access_key_id=access_key,
            secret_access_key=secret_key,
            session_token=token,
            expiration=expiration,
        )

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
        """Record one datum in the local CloudWatch."""
        with _ministack.in_account(account, region):
            _ministack.put_metric_datum(
                namespace,
                name,
                value=value,
                unit=unit,
                dimensions=dimensions,
                timestamp=timestamp,
            )
