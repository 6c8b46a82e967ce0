"""Calls to MiniStack's services from inside the server, in botocore's own wire formats.

No request leaves the process, and nobody's permissions are asked: CloudFormation acts with the
rights of the account here.
"""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import urlencode

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation.resource_kinds import ResourceFailed


class CallFailed(ResourceFailed):
    """A service refused a call.

    Attributes:
        code: the error code of the service.
    """

    def __init__(self, service: str, code: str, message: str, status: int) -> None:
        super().__init__(f"{message} (Service: {service}, Status Code: {status}, Error: {code})")
        self.code = code


@cache
def _wire(service: str) -> tuple[Any, Any, Any]:
    import botocore.parsers
    import botocore.serialize
    import botocore.session

    model = botocore.session.Session().get_service_model(service)
    protocol = _PROTOCOLS[service]
    serializer = botocore.serialize.create_serializer(protocol, include_validation=False)
    return model, serializer, botocore.parsers.create_parser(protocol)


# The protocols that MiniStack speaks, where botocore prefers newer ones.
_PROTOCOLS = {
    "bedrock-agentcore-control": "rest-json",
    "cloudtrail": "json",
    "cloudwatch": "query",
    "config": "json",
    "ec2": "ec2",
    "logs": "json",
}
_MODULES = {
    "bedrock-agentcore-control": "bedrock_agentcore",
    "cloudtrail": "cloudtrail",
    "cloudwatch": "cloudwatch",
    "config": "config",
    "ec2": "ec2",
    "logs": "cloudwatch_logs",
}


async def call(service: str, operation: str, **parameters: Any) -> dict[str, Any]:
    """Call an operation of a service.

    Args:
        service: the service's name in boto3.
        operation: the operation's name in the service model, such as `CreateFlowLogs`.
        **parameters: the operation's parameters, as boto3 takes them.

    Raises:
        CallFailed: the service refused it.
    """
    model, serializer, parser = _wire(service)
    shape = model.operation_model(operation)
    request = serializer.serialize_to_request(parameters, shape)
    status, headers, body = await _handler(service)(
        request["method"],
        request["url_path"],
        {name.lower(): value for name, value in request["headers"].items()},
        _encoded(request["body"]),
        _listed(request["query_string"]),
    )
    content = body if isinstance(body, bytes) else str(body).encode()
    parsed: dict[str, Any] = parser.parse(
        {"status_code": status, "headers": headers, "body": content}, shape.output_shape
    )
    error = parsed.get("Error")
    if error:
        raise CallFailed(service, error.get("Code", ""), error.get("Message", ""), status)
    return parsed


def _handler(service: str) -> Any:
    return ministack.service_module(_MODULES[service]).handle_request


def _encoded(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return urlencode(body).encode() if isinstance(body, dict) else str(body).encode()


def _listed(query: Any) -> dict[str, list[str]]:
    return {name: [str(value)] for name, value in (query or {}).items()}
