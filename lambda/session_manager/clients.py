"""The clients of the functions, made once for each region and kept while the function is warm."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Protocol

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_bedrock_agentcore import BedrockAgentCoreClient
    from mypy_boto3_bedrock_agentcore_control import BedrockAgentCoreControlClient

# Sessions are stopped by this many threads: enough for 20 requests a second of 0.8 s each.
THREADS = 16
# botocore's own retries multiply with ours and know nothing of the deadline: one attempt each.
_ONCE = {"total_max_attempts": 1, "mode": "standard"}
_SHORT = Config(connect_timeout=3, read_timeout=10, max_pool_connections=THREADS, retries=_ONCE)  # type: ignore[arg-type]
# Code runs while the caller waits, so this one reads for longer.
_PATIENT = Config(connect_timeout=3, read_timeout=60, retries=_ONCE)  # type: ignore[arg-type]


@functools.cache
def session_client(region: str | None) -> BedrockAgentCoreClient:
    """A client that lists and stops sessions. `None`: the function's own region."""
    return boto3.client("bedrock-agentcore", region_name=region, config=_SHORT)


@functools.cache
def tool_client(region: str | None) -> BedrockAgentCoreClient:
    """A client that runs code in sessions. `None`: the function's own region."""
    return boto3.client("bedrock-agentcore", region_name=region, config=_PATIENT)


@functools.cache
def control_client(region: str | None) -> BedrockAgentCoreControlClient:
    """A client that lists interpreters. `None`: the function's own region."""
    return boto3.client("bedrock-agentcore-control", region_name=region, config=_SHORT)


class StackClient(Protocol):
    """What is used of CloudFormation's client."""

    def describe_stacks(self, *, StackName: str) -> Any:
        """Describe one stack."""

    def get_template(self, *, StackName: str) -> Any:
        """Get the template that a stack has now."""

    def list_stack_resources(self, *, StackName: str, **more: str) -> Any:
        """List the resources of a stack, a page at a time."""


@functools.cache
def stack_client() -> StackClient:
    """A client that reads the function's own stack."""
    client: StackClient = boto3.client("cloudformation", config=_SHORT)
    return client
