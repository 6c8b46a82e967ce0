"""The storm's world: one stack in a local AWS, its agents, and what must be true of both."""

from __future__ import annotations

import contextlib
import functools
import json
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from agentcore_local import LocalAws

STACK = "Storm"
NOTHING_TO_DO = "nothing to do"
PATIENCE_SECONDS = 120
SESSION_SECONDS = 28_800
NO_AGE_SECONDS = 0.001
RETAINED_ROLE = "ServiceRole"
INTERPRETER = "AWS::BedrockAgentCore::CodeInterpreterCustom"
_CAPABILITIES = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_PASSING = {"ThrottlingException", "InternalServerException", "AccessDeniedException"}
_NOBODY = "arn:aws:lambda:us-east-1:{account}:function:nobody"


@dataclass
class World:
    """One stack that is deployed, changed and destroyed, and everything around it."""

    aws: LocalAws
    templates: list[dict[str, Any]]
    sessions: dict[str, str] = field(default_factory=dict)
    """Sessions that nothing but the end of their interpreters may end, with these."""

    began: dict[str, float] = field(default_factory=dict)
    """When sessions began, by the time of the local AWS."""

    bystander: tuple[str, str] = ("", "")
    """An interpreter outside the stack, and its session."""

    tally: Counter[str] = field(default_factory=Counter)
    """How often what was done."""

    _agents: dict[str, Any] = field(default_factory=dict)
    _faults: dict[str, str] = field(default_factory=dict)
    """The id of each fault that is on."""

    def __post_init__(self) -> None:
        # Making a client takes longer than most calls.
        self.client = functools.cache(self.aws.client)
        self.stacks = self.client("cloudformation")
        self.control = self.client("bedrock-agentcore-control")
        self.functions = self.client("lambda")
        self.schedules = self.client("scheduler")

    def begin(self) -> None:
        """Forget everything, and put the functions' code where the templates look for it."""
        self.aws.reset()
        self.tally["stacks' lives"] += 1
        self.calm()
        self.sessions.clear()
        self.began.clear()
        self._agents.clear()
        bucket = f"cdk-hnb659fds-assets-{self.aws.account}-{self.aws.region}"
        storage = self.client("s3")
        storage.create_bucket(Bucket=bucket)
        assets = {key: path for each in self.templates for path, key in each["assets"].items()}
        for key, path in assets.items():
            storage.put_object(Bucket=bucket, Key=key, Body=_zipped(Path(path)))
        self._add_bystander()

    def calm(self) -> None:
        """End every fault."""
        self.aws.clear_faults()
        self._faults.clear()
        self.aws.admin("DELETE", "cloudformation/settings")
        self.aws.admin("POST", "cloudformation/settings", {"retry_delays": [0.1, 0.1]})

    def inject(self, fault: str, **options: Any) -> None:
        """Begin a fault, anew if it is on: two of a kind would outlast a drain's patience."""
        if fault in self._faults:
            self.aws.admin("DELETE", "faults", {"id": self._faults[fault]})
        self._faults[fault] = self.aws.inject(fault, **options)
        self.tally["faults"] += 1

    # What is done to it

    def deploy(self, index: int, *, broken: bool = False, by_cli: bool = False) -> str:
        """Create or update the stack, and return the status that it ends in.

        NOTHING_TO_DO if the stack is like that already; the CLI does not tell.
        """
        if by_cli:
            self._cdk("deploy", index, "--require-approval", "never")
            self.tally["deployments by the CDK CLI"] += 1
            return self.status()
        self.tally["deployments that fail on purpose" if broken else "deployments"] += 1
        body = json.loads(json.dumps(self.templates[index]["template"]))
        if broken:
            body["Resources"]["Broken"] = self._broken(list(body["Resources"]))
        parameters = {
            "StackName": STACK,
            "TemplateBody": json.dumps(body),
            "Capabilities": _CAPABILITIES,
        }
        if self.status() == "":
            self.stacks.create_stack(**parameters)
        else:
            try:
                self.stacks.update_stack(**parameters)
            except ClientError as error:
                if "No updates are to be performed" not in str(error):
                    raise
                return NOTHING_TO_DO
        return self._settled()

    def destroy(self, *, by_cli: bool = False) -> str:
        """Delete the stack, and return the status that it ends in; empty if it is gone."""
        self.tally["destructions"] += 1
        if by_cli:
            self._cdk("destroy", 0, "--force")
            return self.status()
        self.stacks.delete_stack(StackName=STACK)
        return self._settled()

    def open_sessions(self, agent: int, identifier: str, count: int) -> None:
        """Let an agent start sessions with its own credentials, as far as it is let."""
        data = self._as_agent(agent)
        for _ in range(count):
            try:
                session = data.start_code_interpreter_session(
                    codeInterpreterIdentifier=identifier,
                    sessionTimeoutSeconds=SESSION_SECONDS,
                    name=f"agent-{agent}",
                )["sessionId"]
            except BotoCoreError:
                continue  # there may be a session that nobody knows of
            except ClientError as error:
                if error.response["Error"]["Code"] not in _PASSING:
                    raise
                continue
            self.sessions[session] = identifier
            self.began[session] = self.now()
            self.tally["sessions"] += 1

    def certain(self, interpreters: set[str]) -> set[str]:
        """The sessions of these interpreters that nothing may have ended."""
        return {session for session, owner in self.sessions.items() if owner in interpreters}

    def over_age(self, minutes: int) -> set[str]:
        """The sessions that are older than this."""
        latest = self.now() - minutes * 60
        return {session for session in self.sessions if self.began[session] < latest}

    def tick(self, *, over_age: bool) -> list[dict[str, Any]]:
        """Let every janitor of the stack look once, as its schedule would make it.

        Args:
            over_age: let no session be young enough for their policy.
        """
        results = []
        if over_age:  # the service dates its answers to the second
            self.aws.admin("POST", "clock", {"advance_seconds": 2})
        for summary in self.schedules.list_schedules()["Schedules"]:
            target = self.schedules.get_schedule(
                Name=summary["Name"], GroupName=summary["GroupName"]
            )["Target"]
            now = datetime.fromtimestamp(self.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            event = json.loads(target["Input"].replace("<aws.scheduler.scheduled-time>", now))
            if over_age:
                event["policy"]["max_age_seconds"] = NO_AGE_SECONDS
            answer = self.functions.invoke(FunctionName=target["Arn"], Payload=json.dumps(event))
            results.append(json.load(answer["Payload"]))
            self.tally["janitors' looks"] += 1
        return results

    def now(self) -> float:
        """The time of the local AWS."""
        return float(self.aws.admin("GET", "status")["now"])

    def advance(self, minutes: int) -> None:
        """Move the time forward."""
        self.aws.admin("POST", "clock", {"advance_seconds": minutes * 60})

    # What can be seen of it

    def status(self) -> str:
        """The stack's status, empty if there is none."""
        try:
            [stack] = self.stacks.describe_stacks(StackName=STACK)["Stacks"]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            return ""
        return str(stack["StackStatus"])

    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        [stack] = self.stacks.describe_stacks(StackName=STACK)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}

    def interpreters(self) -> set[str]:
        """The ids of all custom interpreters but the bystander."""
        listed = self.control.list_code_interpreters(type="CUSTOM", maxResults=100)
        found = {each["codeInterpreterId"] for each in listed["codeInterpreterSummaries"]}
        return found - {self.bystander[0]}

    def resources(self) -> list[dict[str, Any]]:
        """What the stack says that it has."""
        if self.status() == "":
            return []
        found = self.stacks.describe_stack_resources(StackName=STACK)["StackResources"]
        return [each for each in found if not each["ResourceStatus"].startswith("DELETE_")]

    def owned(self) -> dict[str, str]:
        """The ids of the stack's interpreters by logical id."""
        return {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for each in self.resources()
            if each["ResourceType"] == INTERPRETER
        }

    def take_away(self, interpreters: set[str]) -> None:
        """Remove what a stack left on purpose, as who wanted it to be left would some day.

        Its name is taken as long as it is there, so the stack could not be deployed again.
        """
        data = self.client("bedrock-agentcore")

        def stop_all() -> bool:
            left = [each for each in self.ready().items() if each[1] in interpreters]
            for session, identifier in left:
                with contextlib.suppress(BotoCoreError, ClientError):  # faults do not spare us
                    data.stop_code_interpreter_session(
                        codeInterpreterIdentifier=identifier, sessionId=session
                    )
            return not left

        wait_until(stop_all)
        for identifier in interpreters:
            self.control.delete_code_interpreter(codeInterpreterId=identifier)
        wait_until(lambda: not interpreters & self.interpreters())
        self._take_roles_away()

    def _take_roles_away(self) -> None:
        roles = self.client("iam")
        there = {each["PhysicalResourceId"] for each in self.resources()}
        for role in roles.list_roles()["Roles"]:
            if RETAINED_ROLE in role["RoleName"] and role["RoleName"] not in there:
                roles.delete_role(RoleName=role["RoleName"])

    def ready(self) -> dict[str, str]:
        """The READY sessions of the account with their interpreters."""
        return {
            each["sessionId"]: each["codeInterpreterIdentifier"]
            for each in self.aws.admin("GET", "sessions")["sessions"]
            if each["status"] == "READY"
        }

    def requests(self) -> list[dict[str, Any]]:
        """What custom resources were asked, and how often each was delivered and answered."""
        seen: list[dict[str, Any]] = self.aws.admin("GET", "cloudformation/requests")["requests"]
        return seen

    def failures(self) -> list[str]:
        """Why resources of the stack failed, for a message."""
        events = self.stacks.describe_stack_events(StackName=STACK)["StackEvents"]
        return [
            f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason', '')}"
            for each in events
            if each["ResourceStatus"].endswith("_FAILED")
        ]

    def leftovers(self) -> dict[str, list[str]]:
        """What there is of the kinds that the stack makes and the stack does not have, by kind."""
        client = self.client
        roles = client("iam").list_roles()["Roles"]
        policies = client("iam").list_policies(Scope="Local")["Policies"]
        functions = self.functions.list_functions()["Functions"]
        groups = self.schedules.list_schedule_groups()["ScheduleGroups"]
        log_groups = client("logs").describe_log_groups()["logGroups"]
        secrets = client("secretsmanager").list_secrets()["SecretList"]
        found = {
            "interpreters": sorted(self.interpreters()),
            "roles": [each["RoleName"] for each in roles],
            "policies": [each["Arn"] for each in policies],
            "functions": [each["FunctionName"] for each in functions],
            "log groups": [each["logGroupName"] for each in log_groups],
            "schedules": [each["Name"] for each in self.schedules.list_schedules()["Schedules"]],
            "schedule groups": [each["Name"] for each in groups if each["Name"] != "default"],
            "queues": client("sqs").list_queues().get("QueueUrls", []),
            "secrets": [each["ARN"] for each in secrets],
        }
        has = {each["PhysicalResourceId"] for each in self.resources()}
        left = {kind: sorted(set(names) - has) for kind, names in found.items()}
        return {kind: names for kind, names in left.items() if names}

    # Inside

    def _add_bystander(self) -> None:
        identifier = self.control.create_code_interpreter(
            name="bystander", networkConfiguration={"networkMode": "SANDBOX"}
        )["codeInterpreterId"]
        wait_until(
            lambda: (
                self.control.get_code_interpreter(codeInterpreterId=identifier)["status"] == "READY"
            )
        )
        session = self.client("bedrock-agentcore").start_code_interpreter_session(
            codeInterpreterIdentifier=identifier, sessionTimeoutSeconds=SESSION_SECONDS
        )["sessionId"]
        self.bystander = identifier, session

    def _as_agent(self, number: int) -> Any:
        role = self.outputs()[f"AgentRole{number}"]
        if role not in self._agents:
            credentials = self.client("sts").assume_role(
                RoleArn=role, RoleSessionName=f"agent-{number}"
            )["Credentials"]
            self._agents[role] = self.aws.client(
                "bedrock-agentcore",
                aws_access_key_id=credentials["AccessKeyId"],
                aws_secret_access_key=credentials["SecretAccessKey"],
                aws_session_token=credentials["SessionToken"],
                config=Config(retries={"total_max_attempts": 1}),
            )
        return self._agents[role]

    def _broken(self, others: list[str]) -> dict[str, Any]:
        """A resource that fails when everything else was done."""
        return {
            "Type": "Custom::Broken",
            "Properties": {"ServiceToken": _NOBODY.format(account=self.aws.account)},
            "DependsOn": others,
        }

    def _cdk(self, command: str, index: int, *flags: str) -> None:
        assembly = self.templates[index]["assembly"]
        self.aws.cdk(command, "--app", assembly, *flags, cwd=Path(assembly), check=False)

    def _settled(self) -> str:
        wait_until(lambda: not self.status().endswith("_IN_PROGRESS"))
        return self.status()


def wait_until(condition: Any) -> None:
    """Wait for something that will happen."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def _zipped(folder: Path) -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in _files(folder):
            archive.write(file, file.relative_to(folder))
    return content.getvalue()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())
