"""The one module that knows MiniStack's private names (apart from its CloudFormation engine).

MiniStack is pinned exactly, because nothing here is a promise of its authors. It reads its
environment when it is imported: `prepare_environment` comes first, everything else imports late.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any
from urllib.parse import parse_qs

from agentcore_local.settings import ROOT_ACCESS_KEY_ID, ROOT_SECRET_ACCESS_KEY, Settings

PINNED = "1.5.33"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class AccessDenied(Exception):
    """A call that its caller may not make, or whose credentials do not hold."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def check_version() -> None:
    """Refuse another MiniStack than the one whose private names are used here.

    Raises:
        RuntimeError: another version of MiniStack is installed.
    """
    installed = version("ministack")
    if installed != PINNED:
        raise RuntimeError(
            f"the local AWS hooks private names of ministack {PINNED}, but {installed} is "
            f"installed; run: pip install ministack=={PINNED}"
        )


def prepare_environment(settings: Settings, port: int) -> None:
    """Set what MiniStack reads from its environment while it is imported.

    The caller's own AWS settings are removed: neither the server nor a Lambda function that it
    starts may see the credentials of whoever typed the command.
    """
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    temporary = settings.temporary_folder
    temporary.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        {
            "AUTH": str(settings.enforce_iam).lower(),
            "GATEWAY_PORT": str(port),
            "MINISTACK_HOST": settings.host,
            "MINISTACK_REGION": settings.region,
            "MINISTACK_ACCOUNT_ID": settings.account,
            "AWS_ACCESS_KEY_ID": ROOT_ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": ROOT_SECRET_ACCESS_KEY,
            "LOG_LEVEL": settings.log_level,
            "LAMBDA_EXECUTOR": "local",
            # No Docker, no listeners beside the one port.
            "DOCKER_HOST": "unix:///nonexistent/docker.sock",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "TMPDIR": str(temporary),
            "S3_DATA_DIR": str(settings.data_folder / "s3"),
            "STATE_DIR": str(settings.data_folder / "state"),
        }
    )


def end_functions() -> None:
    """End the processes that functions run in, and remove their folders."""
    from ministack.core import lambda_runtime

    lambda_runtime.reset()


def application() -> Application:
    """MiniStack's ASGI application, with loopback counted as a secure transport.

    The asset bucket of the CDK's bootstrap denies `aws:SecureTransport = false`. Nothing leaves
    this machine on the way to a loopback port, so such a connection is as good as TLS here, and
    an app needs no change to be deployed.
    """
    check_version()
    from ministack import app as ministack_app
    from ministack.core.iam_evaluator import pin_request_origin

    from agentcore_local import cloudformation

    def pin_secure_origin(source_ip: str, secure_transport: bool) -> None:
        pin_request_origin(source_ip, True)

    ministack_app.pin_request_origin = pin_secure_origin
    cloudformation.install()
    served: Application = ministack_app.app
    return served


def identify(
    *, method: str, raw_path: str, query_string: str, headers: Mapping[str, str], body: bytes
) -> tuple[str, str]:
    """Pin a request for MiniStack's evaluator; return its access key and its caller's ARN.

    Every later call of this module in the same task speaks about this request.

    Raises:
        AccessDenied: the request is not signed, or its credentials do not hold.
    """
    from ministack import app as ministack_app
    from ministack.core import iam_evaluator, responses, router

    query = parse_qs(query_string, keep_blank_values=True)
    received = dict(headers)
    raw_headers = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    access_key = str(router.extract_access_key_id(received, query))
    responses.set_request_account_id(
        ministack_app._request_account_scope(access_key) if access_key else ""
    )
    responses.set_request_region(router.extract_region(received, query))
    iam_evaluator.pin_request_origin("127.0.0.1", True)
    iam_evaluator.pin_signed_request(method, raw_path, query, raw_headers)
    iam_evaluator.pin_signed_body(body)
    if ministack_app.AUTH:
        failure = iam_evaluator.check_credentials(access_key, "bedrock-agentcore")
        if failure is not None:
            raise AccessDenied(failure.code, failure.message)
    return access_key, str(iam_evaluator.request_caller_arn(received, query))


def request_account_and_region() -> tuple[str, str]:
    """The account and region of the request that was identified last in this task."""
    from ministack.core import responses

    return responses.get_account_id(), responses.get_region()


def authorize(
    access_key: str,
    action: str,
    resource_arn: str,
    region: str,
    context: Mapping[str, object],
) -> None:
    """Let MiniStack's evaluator decide one call, when IAM is enforced.

    Raises:
        AccessDenied: the credentials do not hold, or no policy allows the call.
    """
    from ministack import app as ministack_app
    from ministack.core import iam_evaluator

    if not ministack_app.AUTH:
        return
    denied = iam_evaluator.enforce(
        access_key,
        action,
        "bedrock-agentcore",
        region,
        resource_arn=resource_arn,
        service_context=dict(context),
    )
    if denied is None:
        return
    if isinstance(denied, iam_evaluator.AuthError):
        raise AccessDenied(denied.code, denied.message)
    reason = (
        "with an explicit deny in an identity-based policy"
        if denied.decision == "Deny"
        else f"because no identity-based policy allows the {action} action"
    )
    raise AccessDenied(
        "AccessDeniedException",
        f"User: {denied.principal_arn} is not authorized to perform: {action} on resource: "
        f"{resource_arn} {reason}",
    )


@contextmanager
def in_account(account: str, region: str) -> Iterator[None]:
    """Speak to MiniStack's state as a service of this account and region."""
    from ministack.core import responses

    account_token = responses._request_account_id.set(account)
    region_token = responses._request_region.set(region)
    try:
        yield
    finally:
        responses._request_region.reset(region_token)
        responses._request_account_id.reset(account_token)


def role_trust_document(role_arn: str) -> Mapping[str, Any] | None:
    """The trust policy of a role, or None where there is no such role."""
    from ministack.services import iam

    role = iam._roles.get(role_arn.rsplit("/", 1)[-1])
    if role is None:
        return None
    document = role["AssumeRolePolicyDocument"]
    parsed: Mapping[str, Any] = json.loads(document) if isinstance(document, str) else document
    return parsed


def service_may_assume(
    document: Mapping[str, Any],
    *,
    service: str,
    account: str,
    context: Mapping[str, str],
    conditions_required: bool = False,
) -> bool:
    """Whether a trust policy lets a service principal assume the role.

    MiniStack's own trust evaluation lets every service principal through, so the principal is
    matched here, and its evaluator decides the rest: action, conditions and explicit denials.
    Where conditions are required, a statement that allows must name every key of the context.
    """
    from ministack.core import iam_evaluator

    statements = document.get("Statement", [])
    ours = [
        {**statement, "Principal": "*"}
        for statement in ([statements] if isinstance(statements, dict) else statements)
        if _names_service(statement.get("Principal"), service)
        and (not conditions_required or _names_every_key(statement, context))
    ]
    evaluation = iam_evaluator.EvalContext(
        principal_arn=service,
        principal_type="AWSService",
        principal_account=account,
        action="sts:AssumeRole",
        resource_arn="*",
        region="",
        service_context={key.lower(): value for key, value in context.items()},
    )
    return bool(iam_evaluator.evaluate_trust_policy({"Statement": ours}, service, evaluation))


def _names_service(principal: object, service: str) -> bool:
    if principal == "*":
        return True
    named = principal.get("Service", []) if isinstance(principal, dict) else []
    return service in ([named] if isinstance(named, str) else named)


def _names_every_key(statement: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    if statement.get("Effect") == "Deny":
        return True
    operators: Mapping[str, Mapping[str, Any]] = statement.get("Condition") or {}
    named = {key.lower() for tests in operators.values() for key in tests}
    return named >= {key.lower() for key in context}


def issue_role_credentials(
    role_arn: str, *, account: str, session_name: str, expiration: float
) -> tuple[str, str, str]:
    """Give out a session of a role: access key id, secret access key and session token."""
    from ministack.services import sts

    role_name = role_arn.rsplit("/", 1)[-1]
    access_key = f"ASIA{secrets.token_hex(8).upper()}"
    secret_key = secrets.token_urlsafe(30)
    token = hashlib.sha256(secrets.token_bytes(32)).hexdigest()
    sts.register_session(
        access_key,
        {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{role_name}/{session_name}",
            "UserId": f"{role_name}:{session_name}",
            "SecretAccessKey": secret_key,
            "SessionToken": token,
            "Expiration": expiration,
        },
    )
    return access_key, secret_key, token


def put_metric_datum(
    namespace: str,
    name: str,
    *,
    value: float,
    unit: str,
    dimensions: Mapping[str, str],
    timestamp: float,
) -> None:
    """Record one datum in the local CloudWatch, in the account and region of `in_account`."""
    from ministack.services import cloudwatch

    bucket = cloudwatch._metric_bucket((namespace, name, cloudwatch._dims_key(dict(dimensions))))
    bucket.append(
        {
            "Timestamp": timestamp,
            "Value": float(value),
            "Unit": unit,
            "Dimensions": dict(dimensions),
        }
    )


def reset() -> None:
    """Forget every resource of every service."""
    from ministack.app import _reset_all_state

    _reset_all_state()
