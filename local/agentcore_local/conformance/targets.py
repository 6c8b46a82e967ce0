"""The AWS that is asked: a local one, or an account of the user's."""

from __future__ import annotations

import os
import subprocess
import sysconfig
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agentcore_local.local_aws import LocalAws

_POLL_SECONDS = 60


class Target(ABC):
    """An AWS that can be asked.

    Attributes:
        description: What it is, for people.
        account: Its account id.
        region: The region that is asked.
        partition: Such as `aws`.
        live: Whether it costs money.
    """

    description: str
    account: str
    region: str
    partition: str
    live: bool

    def __init__(self) -> None:
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """A boto3 client with the caller's credentials, made once: making one takes a while."""
        if service not in self._clients:
            self._clients[service] = self._new_client(service)
        return self._clients[service]

    @abstractmethod
    def _new_client(self, service: str) -> Any: ...

    @abstractmethod
    def client_of(self, service: str, credentials: dict[str, Any]) -> Any:
        """A boto3 client with the credentials that STS gave out."""

    @abstractmethod
    def cdk(self, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run the CDK CLI against it."""

    @abstractmethod
    def prepare_cdk(self) -> None:
        """Make sure that the CDK can deploy.

        Raises:
            RuntimeError: It cannot; the message says what to do.
        """

    @abstractmethod
    def wait_for(self, found: Callable[[], bool], minutes: float) -> bool:
        """Wait for something that takes the service minutes; whether it came about."""


class LocalTarget(Target):
    """A local AWS, whose clock can be moved.

    Args:
        aws: The local AWS, running.
    """

    def __init__(self, aws: LocalAws) -> None:
        super().__init__()
        self._aws = aws
        self.description = "a local AWS"
        self.account, self.region, self.partition = aws.account, aws.region, "aws"
        self.live = False

    def _new_client(self, service: str) -> Any:
        return self._aws.client(service)

    def client_of(self, service: str, credentials: dict[str, Any]) -> Any:
        """A boto3 client with the credentials that STS gave out."""
        return self._aws.client(service, **_as_options(credentials))

    def cdk(self, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run the CDK CLI against it."""
        return self._aws.cdk(*arguments, cwd=folder)

    def prepare_cdk(self) -> None:
        """Bootstrap it."""
        self._aws.bootstrap()

    def wait_for(self, found: Callable[[], bool], minutes: float) -> bool:
        """Move the clock instead of waiting."""
        for _ in range(3):
            if found():
                return True
            self._aws.admin("POST", "clock", {"advance_seconds": 60})
        return found()


class AccountTarget(Target):
    """An account of the user's, by a profile of the AWS CLI's configuration.

    Args:
        profile: The profile's name.
        region: The region; the profile's own when it is not given.

    Raises:
        ValueError: There is no such profile, or no region, or its credentials do not hold.
    """

    def __init__(self, profile: str, region: str | None = None) -> None:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError

        super().__init__()

        try:
            self._session = boto3.session.Session(profile_name=profile, region_name=region)
        except BotoCoreError as error:
            raise ValueError(f"the profile {profile!r} cannot be used: {error}") from None
        if not self._session.region_name:
            raise ValueError(f"the profile {profile!r} has no region; give one with --region")
        self._profile = profile
        self.region = self._session.region_name
        try:
            identity = self.client("sts").get_caller_identity()
        except (BotoCoreError, ClientError) as error:
            raise ValueError(f"the profile {profile!r} cannot sign in: {error}") from None
        self.account = identity["Account"]
        self.partition = identity["Arn"].split(":")[1]
        self.description = f"account {self.account} as {identity['Arn']}"
        self.live = True

    def _new_client(self, service: str) -> Any:
        make_client: Any = self._session.client
        return make_client(service)

    def client_of(self, service: str, credentials: dict[str, Any]) -> Any:
        """A boto3 client with the credentials that STS gave out."""
        make_client: Any = self._session.client
        return make_client(service, **_as_options(credentials))

    def cdk(self, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run the CDK CLI with the profile.

        Raises:
            RuntimeError: It failed; the message holds its output.
        """
        scripts = sysconfig.get_path("scripts")
        environment = {
            **os.environ,
            "AWS_PROFILE": self._profile,
            "AWS_REGION": self.region,
            "PATH": os.pathsep.join([scripts, os.environ.get("PATH", "")]),
        }
        finished = subprocess.run(
            ["cdk", *arguments, "--no-notices", "--ci", "--no-color"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode:
            raise RuntimeError(f"cdk {arguments[0]} failed: {finished.stdout}{finished.stderr}")
        return finished

    def prepare_cdk(self) -> None:
        """Look for the CDK's bootstrap; an account of somebody's is not bootstrapped unasked."""
        from botocore.exceptions import ClientError

        try:
            self.client("ssm").get_parameter(Name="/cdk-bootstrap/hnb659fds/version")
        except ClientError as error:
            raise RuntimeError(
                f"account {self.account} is not bootstrapped for the CDK in {self.region}, or "
                f"this cannot be seen ({error}); run `cdk bootstrap aws://{self.account}/"
                f"{self.region}`, or leave the deployment out with --skip-deployment"
            ) from None

    def wait_for(self, found: Callable[[], bool], minutes: float) -> bool:
        """Look once a minute."""
        end = time.monotonic() + minutes * 60
        while not found():
            if time.monotonic() >= end:
                return False
            time.sleep(min(_POLL_SECONDS, max(0.0, end - time.monotonic())))
        return True


def _as_options(credentials: dict[str, Any]) -> dict[str, str]:
    return {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }
