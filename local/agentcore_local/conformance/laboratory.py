"""What the questions use: interpreters, sessions, roles and functions, all under one prefix."""

from __future__ import annotations

import io
import itertools
import json
import time
import uuid
import zipfile
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from agentcore_local.conformance.targets import Target

# Should a cleanup never come, sessions end by themselves after this time.
SESSION_SECONDS = 300
ROLE_PATH = "/cdk-code-interpreter-conformance/"
_PATIENCE_SECONDS = 120
# What AWS answers while a new role has not spread yet.
SPREADING = {
    "AccessDenied",
    "AccessDeniedException",
    "InvalidParameterValueException",
    "ValidationException",
}


class NotReadyError(RuntimeError):
    """An interpreter was accepted, and did not become READY."""


class Laboratory:
    """Makes what a question needs. Everything is named after the prefix, and removed by it.

    Args:
        target: The AWS that is asked.
        prefix: What all names begin with: letters and digits, unique to this run.
    """

    def __init__(self, target: Target, prefix: str) -> None:
        self.target = target
        self.prefix = prefix
        self.control = target.client("bedrock-agentcore-control")
        self.data = target.client("bedrock-agentcore")
        self._numbers = itertools.count(1)
        self._shared: str | None = None

    def name(self, label: str) -> str:
        """A name that nothing else has."""
        return f"{self.prefix}_{label}_{next(self._numbers)}"

    def shared_interpreter(self) -> str:
        """The id of an interpreter for all questions that leave it as it is."""
        if self._shared is None:
            self._shared = self.interpreter("shared")
        return self._shared

    def interpreter(self, label: str, *, name: str = "", role_arn: str = "") -> str:
        """Create an interpreter in the sandbox, and wait until it is READY.

        Raises:
            ClientError: The service refused.
            NotReadyError: It did not become READY.
        """
        identifier: str = self.control.create_code_interpreter(
            name=name or self.name(label),
            networkConfiguration={"networkMode": "SANDBOX"},
            **({"executionRoleArn": role_arn} if role_arn else {}),
        )["codeInterpreterId"]
        wait_until(lambda: self.status(identifier) != "CREATING", f"{identifier} is CREATING")
        if self.status(identifier) != "READY":
            described = self.control.get_code_interpreter(codeInterpreterId=identifier)
            raise NotReadyError(
                f"{identifier} is {described['status']}: {described.get('failureReason')}"
            )
        return identifier

    def status(self, identifier: str) -> str:
        """The status of an interpreter, or `gone`."""
        return status_of(self.control, identifier)

    def session(self, interpreter: str, label: str = "conformance") -> str:
        """Start a session that ends by itself soon."""
        return str(
            self.data.start_code_interpreter_session(
                codeInterpreterIdentifier=interpreter,
                name=label,
                sessionTimeoutSeconds=SESSION_SECONDS,
            )["sessionId"]
        )

    def stop(self, interpreter: str, session: str) -> None:
        """Stop a session, with a token that was never used before."""
        self.data.stop_code_interpreter_session(
            codeInterpreterIdentifier=interpreter, sessionId=session, clientToken=str(uuid.uuid4())
        )

    def run(self, interpreter: str, session: str, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool, and return its last result."""
        answer = self.data.invoke_code_interpreter(
            codeInterpreterIdentifier=interpreter,
            sessionId=session,
            name=tool,
            arguments=arguments,
        )
        return results_of(answer)[-1]

    def role(
        self,
        label: str,
        *,
        service: str | None = None,
        condition: dict[str, Any] | None = None,
        statements: list[dict[str, Any]] | None = None,
        managed_policies: tuple[str, ...] = (),
    ) -> str:
        """Create a role, for a service or for this account, and return its ARN."""
        iam = self.target.client("iam")
        root = f"arn:{self.target.partition}:iam::{self.target.account}:root"
        name = self.name(label)
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": service} if service else {"AWS": root},
            "Action": "sts:AssumeRole",
            **({"Condition": condition} if condition else {}),
        }
        arn: str = iam.create_role(
            Path=ROLE_PATH,
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )["Role"]["Arn"]
        if statements:
            policy = {"Version": "2012-10-17", "Statement": statements}
            iam.put_role_policy(
                RoleName=name, PolicyName="conformance", PolicyDocument=json.dumps(policy)
            )
        for policy_arn in managed_policies:
            iam.attach_role_policy(RoleName=name, PolicyArn=policy_arn)
        return arn

    def data_client_as(self, role_arn: str) -> Any:
        """A client of the data plane with a role's credentials, without retries."""
        sts = self.target.client("sts")
        credentials = self.patiently(
            lambda: sts.assume_role(RoleArn=role_arn, RoleSessionName="conformance")
        )["Credentials"]
        return self.target.client_of("bedrock-agentcore", credentials)

    def python_function(self, runtime: str, code: str) -> Any:
        """Run a Lambda function of a runtime once, and return what it returned."""
        functions = self.target.client("lambda")
        role = self.role("function", service="lambda.amazonaws.com")
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            zipped.writestr("index.py", code)
        name = self.name("function")
        self.patiently(
            lambda: functions.create_function(
                FunctionName=name,
                Runtime=runtime,
                Role=role,
                Handler="index.handler",
                Code={"ZipFile": archive.getvalue()},
                Timeout=30,
            )
        )
        wait_until(
            lambda: functions.get_function(FunctionName=name)["Configuration"]["State"] == "Active",
            f"the function {name} is not active",
        )
        answer = functions.invoke(FunctionName=name)
        return json.load(answer["Payload"])

    def patiently(self, call: Callable[[], Any]) -> Any:
        """Make a call again and again while it fails as it does for what is too new."""
        end = time.monotonic() + (_PATIENCE_SECONDS if self.target.live else 0)
        while True:
            try:
                return call()
            except (ClientError, NotReadyError) as error:
                spreading = isinstance(error, NotReadyError) or error_of(error) in SPREADING
                if not spreading or time.monotonic() >= end:
                    raise
            time.sleep(5)


def wait_until(condition: Callable[[], bool], otherwise: str) -> None:
    """Wait for what happens within two minutes.

    Raises:
        RuntimeError: It did not happen.
    """
    end = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if time.monotonic() >= end:
            raise RuntimeError(f"waited for {_PATIENCE_SECONDS} seconds: {otherwise}")
        time.sleep(0.2)


def status_of(control: Any, identifier: str) -> str:
    """The status of an interpreter, or `gone`."""
    try:
        return str(control.get_code_interpreter(codeInterpreterId=identifier)["status"])
    except ClientError as error:
        if error_of(error) == "ResourceNotFoundException":
            return "gone"
        raise


def error_of(error: ClientError) -> str:
    """The code of an error that AWS answered with."""
    return str(error.response["Error"]["Code"])


def outcome_of(call: Callable[[], Any]) -> tuple[str, str]:
    """What a call that may be refused answers: `ok` or the error's code, and the message."""
    try:
        call()
    except ClientError as error:
        return error_of(error), str(error.response["Error"]["Message"])
    except NotReadyError as error:
        return "accepted, but not READY", str(error)
    return "ok", ""


def results_of(answer: Any) -> list[dict[str, Any]]:
    """The results in an answer of Invoke."""
    return [event["result"] for event in answer["stream"]]
