"""A CloudFormation to deploy small templates with, and custom resources that follow a script."""

import io
import json
import secrets
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agentcore_local import LocalAws

_PATIENCE_SECONDS = 90


@dataclass
class Stacks:
    """CloudFormation as a test needs it: one call per operation, finished when it returns."""

    aws: LocalAws
    provider_arn: str
    made: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = self.aws.client("cloudformation")

    def name(self) -> str:
        return f"stack-{secrets.token_hex(4)}"

    def create(self, template: dict[str, Any], name: str = "", **options: Any) -> str:
        """Create a stack, whatever becomes of it, and return its id."""
        name = name or self.name()
        stack_id = self.client.create_stack(
            StackName=name, TemplateBody=json.dumps(template), **self._with_capabilities(options)
        )["StackId"]
        self.made.append(stack_id)
        self._settled(stack_id)
        return str(stack_id)

    def update(self, stack: str, template: dict[str, Any], **options: Any) -> str:
        """Update a stack, and return the status that it ends in."""
        self.client.update_stack(
            StackName=stack, TemplateBody=json.dumps(template), **self._with_capabilities(options)
        )
        return self._settled(stack)

    def delete(self, stack: str, **options: Any) -> str:
        """Delete a stack, and return the status that it ends in."""
        self.client.delete_stack(StackName=stack, **options)
        # A stack that is still being made finishes that first.
        self.wait_until(lambda: self.status(stack).startswith("DELETE_"))
        return self._settled(stack)

    def settle(self, stack: str) -> str:
        """Wait until an operation is over, and return the status that it left."""
        return self._settled(stack)

    def as_body(self, template: dict[str, Any]) -> str:
        return json.dumps(template)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + _PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.02)

    def describe(self, stack: str) -> dict[str, Any]:
        described: dict[str, Any] = self.client.describe_stacks(StackName=stack)["Stacks"][0]
        return described

    def status(self, stack: str) -> str:
        return str(self.describe(stack)["StackStatus"])

    def outputs(self, stack: str) -> dict[str, str]:
        outputs = self.describe(stack).get("Outputs", [])
        return {output["OutputKey"]: output["OutputValue"] for output in outputs}

    def resources(self, stack: str) -> dict[str, dict[str, Any]]:
        summaries = self.client.describe_stack_resources(StackName=stack)["StackResources"]
        return {summary["LogicalResourceId"]: summary for summary in summaries}

    def events(self, stack: str, logical_id: str = "") -> list[tuple[str, str, str]]:
        """(logical id, status, reason) of every event, oldest first."""
        pages = self.client.get_paginator("describe_stack_events").paginate(StackName=stack)
        events = [event for page in pages for event in page["StackEvents"]]
        return [
            (
                event["LogicalResourceId"],
                event["ResourceStatus"],
                event.get("ResourceStatusReason", ""),
            )
            for event in reversed(events)
            if not logical_id or event["LogicalResourceId"] == logical_id
        ]

    def statuses(self, stack: str) -> list[str]:
        """The statuses of the stack itself, oldest first."""
        name = self.describe(stack)["StackName"]
        return [status for _, status, _ in self.events(stack, name)]

    def requests(self, stack: str) -> list[dict[str, Any]]:
        """What the stack's custom resources were asked, oldest first."""
        seen = self.aws.admin("GET", "cloudformation/requests")["requests"]
        return [request for request in seen if request["stackId"] == stack]

    def asked(self, stack: str) -> list[tuple[str, str, str | None]]:
        """(request type, logical id, physical id) of those requests."""
        return [
            (request["requestType"], request["logicalId"], request["physicalId"])
            for request in self.requests(stack)
        ]

    def set(self, **settings: Any) -> None:
        self.aws.admin("POST", "cloudformation/settings", settings)

    def custom(
        self, value: str = "1", *, script: dict[str, Any] | None = None, **rest: Any
    ) -> dict[str, Any]:
        """A custom resource whose provider follows a script."""
        depends_on = rest.pop("DependsOn", None)
        properties = {
            "ServiceToken": self.provider_arn,
            "Value": value,
            "Script": json.dumps(script or {}),
            **rest,
        }
        resource = {"Type": "Custom::Scripted", "Properties": properties}
        return {**resource, "DependsOn": depends_on} if depends_on else resource

    def _with_capabilities(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"], **options}

    def _settled(self, stack: str) -> str:
        end = time.monotonic() + _PATIENCE_SECONDS
        while (status := self.status(stack)).endswith("_IN_PROGRESS"):
            assert time.monotonic() < end, f"{stack} is still {status}: {self.events(stack)}"
            time.sleep(0.02)
        return status


@pytest.fixture(scope="session")
def provider_arn(local_aws: LocalAws) -> str:
    role = local_aws.client("iam").create_role(
        RoleName="scripted-provider",
        AssumeRolePolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "lambda.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            }
        ),
    )["Role"]["Arn"]
    return make_function(local_aws, "scripted-provider", role)


def make_function(aws: LocalAws, name: str, role: str) -> str:
    source = Path(__file__).parent / "provider_function.py"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("index.py", source.read_text())
    function = aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="index.handler",
        Role=role,
        Code={"ZipFile": archive.getvalue()},
        Timeout=30,
    )
    return str(function["FunctionArn"])


@pytest.fixture
def stacks(local_aws: LocalAws, provider_arn: str) -> Iterator[Stacks]:
    yield Stacks(local_aws, provider_arn)
    local_aws.admin("DELETE", "cloudformation/settings")
    local_aws.clear_faults()


@pytest.fixture
def make_parameter() -> Callable[..., dict[str, Any]]:
    """An SSM parameter as a resource: the cheapest that CloudFormation can make."""

    def make(value: Any = "1", **rest: Any) -> dict[str, Any]:
        properties = {"Type": "String", "Value": value, **rest.pop("properties", {})}
        return {"Type": "AWS::SSM::Parameter", "Properties": properties, **rest}

    return make
