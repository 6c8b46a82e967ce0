"""Custom resources backed by a function: the request, its delivery, and the one answer.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html and the pages below
it have the protocol; https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html says how
the function gets its event: at least once, and again if it ends with an error.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import Any

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation.custom_resource_answers import Answer, InvalidAnswer
from agentcore_local.cloudformation.custom_resource_requests import Request, requests
from agentcore_local.cloudformation.delivery import deliver
from agentcore_local.cloudformation.events import ResourceAddress
from agentcore_local.cloudformation.resource_kinds import (
    Existing,
    Properties,
    Provisioned,
    ResourceFailed,
)

logger = logging.getLogger(__name__)

_LONGEST_SERVICE_TIMEOUT = 3600
_TOKEN_MAY_NOT_CHANGE = "Modifying service token is not allowed."


class CustomResources:
    """`AWS::CloudFormation::CustomResource` and every `Custom::` type."""

    async def create(self, address: ResourceAddress, properties: Properties) -> Provisioned:
        """Send a Create and wait for its answer."""
        # What AWS calls a resource whose provider never answered: its Delete carries this.
        nameless = f"{address.stack_name}-{address.logical_id}-{secrets.token_hex(6).upper()}"
        answer = await self._ask(
            "Create", address, properties, physical_id=None, unanswered_id=nameless
        )
        return Provisioned(physical_id=answer.physical_id, attributes=answer.data)

    async def update(
        self, address: ResourceAddress, existing: Existing, properties: Properties
    ) -> Provisioned:
        """Send an Update and wait for its answer."""
        if existing.properties.get("ServiceToken") != properties.get("ServiceToken"):
            raise ResourceFailed(_TOKEN_MAY_NOT_CHANGE)
        answer = await self._ask(
            "Update",
            address,
            properties,
            physical_id=existing.physical_id,
            old_properties=existing.properties,
            unanswered_id=existing.physical_id,
        )
        return Provisioned(physical_id=answer.physical_id, attributes=answer.data)

    async def delete(
        self, address: ResourceAddress, physical_id: str, properties: Properties
    ) -> None:
        """Send a Delete and wait for its answer."""
        await self._ask(
            "Delete", address, properties, physical_id=physical_id, unanswered_id=physical_id
        )

    async def _ask(
        self,
        request_type: str,
        address: ResourceAddress,
        properties: Properties,
        *,
        physical_id: str | None,
        unanswered_id: str,
        old_properties: Properties | None = None,
    ) -> Answer:
        function, configuration = _function_of(properties)
        timeout = _service_timeout(properties)
        request = requests.open(address, request_type, physical_id)
        event = _event(request, address, properties, old_properties)
        deliver(function, configuration, event, request)
        try:
            body = await asyncio.wait_for(request.answered, timeout)
        except TimeoutError:
            reason = (
                "CloudFormation did not receive a response from your Custom Resource. Please "
                f"check your logs for requestId [{request.request_id}]. If you are using the "
                "Python cfn-response module, you may need to update your Lambda function code "
                "so that CloudFormation can attach the updated version."
            )
            raise self._failure(request, reason, unanswered_id) from None
        try:
            answer = Answer.parse(body, request.identity(address))
        except InvalidAnswer as invalid:
            raise self._failure(request, str(invalid), unanswered_id) from None
        if not answer.succeeded:
            reason = (
                "Received response status [FAILED] from custom resource. Message returned: "
                f"{answer.reason} (RequestId: {request.request_id})"
            )
            raise self._failure(request, reason, answer.physical_id)
        request.outcome = "SUCCESS"
        return answer

    @staticmethod
    def _failure(request: Request, reason: str, physical_id: str) -> ResourceFailed:
        request.outcome = reason
        return ResourceFailed(reason, physical_id=physical_id, changed=True)


def _function_of(properties: Properties) -> tuple[Any, Any]:
    token = properties.get("ServiceToken")
    if not isinstance(token, str) or ":lambda:" not in token:
        raise ResourceFailed(
            "Invalid Service Token: this CloudFormation reaches custom resources through Lambda "
            f"functions only, got {token!r}; give the ARN of a function"
        )
    if token.split(":")[3] != ministack.responses.get_region():
        raise ResourceFailed(
            f"Invalid Service Token: {token} must be in the stack's region "
            f"{ministack.responses.get_region()}"
        )
    function, configuration, _name = ministack.functions._get_func_record_for_ref(token)
    if function is None or configuration is None:
        raise ResourceFailed(
            f"Function not found: {token} (Service: AWSLambda; Status Code: 404; Error Code: "
            "ResourceNotFoundException)"
        )
    return function, configuration


def _service_timeout(properties: Properties) -> int:
    value = properties.get("ServiceTimeout", _LONGEST_SERVICE_TIMEOUT)
    try:
        seconds = int(str(value))
    except ValueError:
        seconds = 0
    if not 1 <= seconds <= _LONGEST_SERVICE_TIMEOUT:
        raise ResourceFailed(
            f"ServiceTimeout must be an integer between 1 and {_LONGEST_SERVICE_TIMEOUT}, "
            f"got {value!r}"
        )
    return seconds


def _event(
    request: Request,
    address: ResourceAddress,
    properties: Properties,
    old_properties: Properties | None,
) -> dict[str, Any]:
    on_the_wire = ministack.custom_resource._normalise_resource_properties
    event = {
        "RequestType": request.request_type,
        "ServiceToken": properties["ServiceToken"],
        "ResponseURL": ministack.custom_resource._response_url(request.token),
        "StackId": address.stack_id,
        "RequestId": request.request_id,
        "LogicalResourceId": address.logical_id,
        "ResourceType": address.resource_type,
        "ResourceProperties": on_the_wire(properties),
    }
    if request.physical_id is not None:
        event["PhysicalResourceId"] = request.physical_id
    if old_properties is not None:
        event["OldResourceProperties"] = on_the_wire(old_properties)
    return event
