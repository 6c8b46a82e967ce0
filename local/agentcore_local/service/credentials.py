"""How code in a session reads its execution role's credentials.

The real service answers at the instance metadata address of each session's own machine. Here the
AWS SDKs' protocol for containers is used: they ask a loopback URL, with a token that only the
session knows, and renew by themselves.
https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import dataclass, field

from agentcore_local.service.account import AccountRegion
from agentcore_local.service.backend import Backend, Credentials
from agentcore_local.service.errors import ServiceError
from agentcore_local.service.http import HttpRequest, HttpResponse
from agentcore_local.service.protocol import timestamp
from agentcore_local.service.sessions import Session

PREFIX = "/_code-interpreter/credentials/"

RENEWED_SECONDS_BEFORE = 600


@dataclass
class _Access:
    session: Session
    account: str
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    credentials: Credentials | None = None


class SessionCredentials:
    """Hands out the execution roles' credentials to the sessions of their interpreters."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._access: dict[str, _Access] = {}

    def grant(self, state: AccountRegion, session: Session) -> tuple[str, str] | None:
        """The URL and the token for a session; None if its interpreter has no role."""
        if session.interpreter.execution_role_arn is None:
            return None
        access = self._access[session.id] = _Access(session, state.account)
        return f"{self._backend.endpoint_url}{PREFIX}{session.id}", access.token

    def revoke(self, session: Session) -> None:
        """Give a session no more credentials."""
        self._access.pop(session.id, None)

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Answer an SDK's request for credentials."""
        access = self._access.get(request.path.removeprefix(PREFIX))
        given = request.headers.get("authorization", "")
        if access is None or not hmac.compare_digest(access.token, given):
            return _json(403, {"code": "AccessDenied", "message": "No session with this token"})
        try:
            credentials = self._current(access)
        except ServiceError as error:
            return _json(400, {"code": error.code, "message": error.message})
        return _json(
            200,
            {
                "RoleArn": access.session.interpreter.execution_role_arn,
                "AccessKeyId": credentials.access_key_id,
                "SecretAccessKey": credentials.secret_access_key,
                "Token": credentials.session_token,
                "Expiration": timestamp(credentials.expiration),
            },
        )

    def _current(self, access: _Access) -> Credentials:
        known = access.credentials
        if known and known.expiration - RENEWED_SECONDS_BEFORE > self._backend.now():
            return known
        interpreter = access.session.interpreter
        assert interpreter.execution_role_arn is not None
        access.credentials = self._backend.assume_execution_role(
            interpreter.execution_role_arn,
            source_account=access.account,
            source_arn=interpreter.arn,
            session_name=f"BedrockAgentCore-{access.session.id}",
        )
        return access.credentials


def _json(status: int, content: dict[str, object]) -> HttpResponse:
    return HttpResponse(
        status=status,
        headers={"content-type": "application/json"},
        body=json.dumps(content).encode(),
    )
