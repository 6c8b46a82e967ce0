"""`LocalAws`: a local AWS as a context manager, for tests, notebooks and scripts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from agentcore_local.server_process import start_server, stop_server, without_aws_settings
from agentcore_local.settings import (
    ADMIN_PATH,
    DEFAULT_ACCOUNT,
    DEFAULT_REGION,
    ROOT_ACCESS_KEY_ID,
    ROOT_SECRET_ACCESS_KEY,
    Settings,
)


class LocalAws:
    """A local AWS of its own, on a free loopback port, for as long as the `with` block lasts.

    It is MiniStack with the code interpreter that it lacks. It runs the code that sessions are
    given on this machine, as the user who started it: see the README for what that means.

    Args:
        enforce_iam: whether IAM policies decide each call, as on AWS.
        account: the account id, 12 digits.
        region: the region of requests that name none.
        port: the loopback port; 0 picks a free one.
        data_folder: where the server keeps its files; a temporary folder, removed at the end,
            when it is not given.
        limits: the service's limits that differ from AWS's, by name, such as
            `{"active_sessions": 5}`.
        behavior: answers to what AWS does not document, by name, such as
            `{"delete_with_ready_sessions_conflicts": False}`.
        log_level: how much the server's log says; the log is `server.log` in the data folder.

    Raises:
        ValueError: an option is wrong.
        RuntimeError: the server did not start; the message holds the end of its log.
    """

    def __init__(
        self,
        *,
        enforce_iam: bool = True,
        account: str = DEFAULT_ACCOUNT,
        region: str = DEFAULT_REGION,
        port: int = 0,
        data_folder: Path | None = None,
        limits: Mapping[str, Any] | None = None,
        behavior: Mapping[str, Any] | None = None,
        log_level: str = "WARNING",
    ) -> None:
        self._temporary_folder = data_folder is None
        self.settings = Settings(
            # Short, because a kernel's socket lies below it and such paths have 107 characters.
            data_folder=data_folder or Path(tempfile.mkdtemp(prefix="acl-")),
            port=port,
            account=account,
            region=region,
            enforce_iam=enforce_iam,
            limits=limits or {},
            behavior=behavior or {},
            log_level=log_level,
        )
        self._process: subprocess.Popen[str] | None = None
        self._port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def account(self) -> str:
        """The account id."""
        return self.settings.account

    @property
    def region(self) -> str:
        """The default region."""
        return self.settings.region

    @property
    def endpoint_url(self) -> str:
        """The URL of every service.

        Raises:
            RuntimeError: the local AWS was not started yet.
        """
        if not self._port:
            self._running()
        return f"http://{self.settings.host}:{self._port}"

    @property
    def log_file(self) -> Path:
        """The server's log."""
        return self.settings.data_folder / "server.log"

    @property
    def pid(self) -> int:
        """The server's process id.

        Raises:
            RuntimeError: the local AWS is not running.
        """
        return self._running().pid

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs in its environment to talk to this AWS.

        Endpoint, root credentials, region, and a PATH on which the `node`, `cdk`, `aws` and
        `deno` of this Python environment come first.
        """
        return environment_for(self.settings, self.endpoint_url)

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            RuntimeError: it did not start, the message holds the end of its log; or it runs.
        """
        if self._process is not None:
            raise RuntimeError(f"the local AWS runs already, at {self.endpoint_url}")
        self.settings.data_folder.mkdir(parents=True, exist_ok=True)
        try:
            with self.log_file.open("a") as log:
                self._process, self._port = start_server(self.settings, log=log, ends_with_us=True)
        except RuntimeError as error:
            end_of_log = self.log_file.read_text()[-4000:]
            self.stop()
            raise RuntimeError(f"{error}\n{end_of_log}") from None

    def stop(self) -> None:
        """Stop the server and everything that it started."""
        process, self._process = self._process, None
        if process is not None:
            stop_server(process.pid)
            process.wait()
            if process.stdin is not None:
                process.stdin.close()
        if self._temporary_folder:
            shutil.rmtree(self.settings.data_folder, ignore_errors=True)

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client of this AWS.

        Args:
            service: the service's name in boto3, such as `bedrock-agentcore`.
            **options: passed to boto3; credentials and region may be overridden.
        """
        return client_for(self.settings, self.endpoint_url, service, **options)

    def run(
        self, command: Sequence[str], *, cwd: Path | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command against this AWS and return what it printed.

        Args:
            command: the program and its arguments.
            cwd: the folder to run it in; the present one when it is not given.
            check: whether a non-zero exit is an error.

        Raises:
            RuntimeError: the command failed; the message holds its output.
        """
        finished = subprocess.run(
            command,
            cwd=cwd,
            env={**without_aws_settings(os.environ), **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and finished.returncode:
            raise RuntimeError(
                f"`{' '.join(command)}` ended with {finished.returncode}\n"
                f"{finished.stdout}\n{finished.stderr}"
            )
        return finished

    def cdk(
        self,
        *arguments: str,
        cwd: Path | None = None,
        app: str | None = None,
        context: Mapping[str, str] | None = None,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run the CDK CLI against this AWS, as `cdk(*arguments)` on the command line.

        Args:
            *arguments: such as `"deploy", "--require-approval", "never"`.
            cwd: the folder to run it in; the present one when it is not given.
            app: the command that synthesizes the app; the one in the folder's `cdk.json` when it
                is not given.
            context: the app's context, over that of `cdk.json`.
            check: whether a non-zero exit is an error.

        Raises:
            RuntimeError: the CLI failed; the message holds its output.
        """
        command = ["cdk", *arguments, "--no-notices", "--ci", "--no-color"]
        if app is not None:
            command += ["--app", app]
        for name, value in (context or {}).items():
            command += ["--context", f"{name}={value}"]
        return self.run(command, cwd=cwd, check=check)

    def bootstrap(self) -> None:
        """Bootstrap this account and region for the CDK.

        Raises:
            RuntimeError: the CLI failed; the message holds its output.
        """
        self.cdk(
            "bootstrap",
            f"aws://{self.account}/{self.region}",
            cwd=self.settings.data_folder,
        )

    def admin(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call the server's own administration.

        Args:
            method: the HTTP method.
            path: the path below the administration's prefix, such as `status`.
            body: the request's JSON.

        Raises:
            ValueError: the server refused the request; the message says why.
        """
        request = urllib.request.Request(
            f"{self.endpoint_url}{ADMIN_PATH}/{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise ValueError(error.read().decode()) from None

    def inject(self, fault: str, **options: Any) -> str:
        """Let a fault happen until it is cleared or used up.

        Args:
            fault: the fault's name, such as `throttle`.
            **options: what the fault applies to, such as `operation`, `count` or `seed`.

        Returns:
            The fault's id.

        Raises:
            ValueError: there is no such fault, or an option is wrong.
        """
        answer = self.admin("POST", "faults", {"fault": fault, **options})
        return str(answer["id"])

    def clear_faults(self) -> None:
        """End every fault."""
        self.admin("DELETE", "faults")

    def reset(self) -> None:
        """Stop every session, forget every resource, and go back to the present time."""
        self.admin("POST", "reset")

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise RuntimeError("the local AWS is not running; use it in a `with` block")
        return self._process


def client_for(settings: Settings, endpoint_url: str, service: str, **options: Any) -> Any:
    """A boto3 client of a local AWS."""
    import boto3

    arguments = {
        "endpoint_url": endpoint_url,
        "region_name": settings.region,
        "aws_access_key_id": ROOT_ACCESS_KEY_ID,
        "aws_secret_access_key": ROOT_SECRET_ACCESS_KEY,
        **options,
    }
    make_client: Any = boto3.session.Session().client
    return make_client(service, **arguments)


def environment_for(settings: Settings, endpoint_url: str) -> dict[str, str]:
    """The environment variables that point a command at a local AWS."""
    scripts = sysconfig.get_path("scripts")
    rest = [part for part in os.environ.get("PATH", "").split(os.pathsep) if part != scripts]
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": ROOT_ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": ROOT_SECRET_ACCESS_KEY,
        "AWS_REGION": settings.region,
        "AWS_DEFAULT_REGION": settings.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "NO_PROXY": "127.0.0.1,localhost",
        "PATH": os.pathsep.join([scripts, *rest]),
    }
