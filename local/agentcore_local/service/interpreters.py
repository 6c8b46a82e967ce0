"""Interpreters: their states, names and tags."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agentcore_local.service.backend import Backend
from agentcore_local.service.behavior import ServiceBehavior
from agentcore_local.service.errors import conflict, not_found
from agentcore_local.service.faults import Faults

SYSTEM_IDENTIFIER = "aws.codeinterpreter.v1"
SYSTEM_NAME = "AgentCore Code Interpreter"

_ALPHANUMERIC = string.ascii_letters + string.digits


@dataclass(kw_only=True)
class Interpreter:
    """One code interpreter.

    Attributes:
        id: `NAME-` and ten characters.
        arn: Its ARN.
        params: What it was created with.
        tags: Its tags; the only thing that can change.
        status: One of the service model's statuses.
        created_at: When it was created, in seconds since the epoch.
        last_updated_at: When its state last changed.
        due_at: When it leaves CREATING or DELETING.
        failure_reason: Why it is CREATE_FAILED.
    """

    id: str
    arn: str
    params: Mapping[str, Any]
    tags: dict[str, str] = field(default_factory=dict)
    status: str = "READY"
    created_at: float = 0.0
    last_updated_at: float = 0.0
    due_at: float = 0.0
    failure_reason: str | None = None

    @property
    def name(self) -> str:
        """The name that it was given."""
        return str(self.params["name"])

    @property
    def execution_role_arn(self) -> str | None:
        """The role whose credentials its sessions see."""
        return self.params.get("executionRoleArn")

    @property
    def network_mode(self) -> str:
        """The network mode; recorded, not enforced."""
        return str(self.params["networkConfiguration"]["networkMode"])

    def describe(self) -> dict[str, Any]:
        """All members that the service model's answers are made from."""
        return {
            **{key: value for key, value in self.params.items() if key != "tags"},
            "codeInterpreterId": self.id,
            "codeInterpreterArn": self.arn,
            "status": self.status,
            "createdAt": self.created_at,
            "lastUpdatedAt": self.last_updated_at,
            "failureReason": self.failure_reason,
        }


def system_arn(partition: str, region: str) -> str:
    """The ARN of the interpreter that AWS provides."""
    return f"arn:{partition}:bedrock-agentcore:{region}:aws:code-interpreter/{SYSTEM_IDENTIFIER}"


def custom_arn(partition: str, region: str, account: str, identifier: str) -> str:
    """The ARN of a custom interpreter."""
    return (
        f"arn:{partition}:bedrock-agentcore:{region}:{account}:code-interpreter-custom/{identifier}"
    )


class Interpreters:
    """The interpreters of one account in one region."""

    def __init__(self, backend: Backend, behavior: ServiceBehavior, faults: Faults) -> None:
        self._backend = backend
        self._behavior = behavior
        self._faults = faults
        self._interpreters: dict[str, Interpreter] = {}
        self._system: Interpreter | None = None

    def system(self, partition: str, region: str) -> Interpreter:
        """The interpreter that AWS provides in each region; its network is the sandbox."""
        if self._system is None:
            now = self._backend.now()
            self._system = Interpreter(
                id=SYSTEM_IDENTIFIER,
                arn=system_arn(partition, region),
                params={
                    "name": SYSTEM_NAME,
                    "networkConfiguration": {"networkMode": "SANDBOX"},
                },
                created_at=now,
                last_updated_at=now,
            )
        return self._system

    def all(self) -> list[Interpreter]:
        """Every custom interpreter that Get still answers for."""
        self._settle()
        return list(self._interpreters.values())

    def find(self, identifier: str) -> Interpreter | None:
        """A custom interpreter that Get still answers for, or None."""
        self._settle()
        return self._interpreters.get(identifier)

    def get(self, identifier: str) -> Interpreter:
        """A custom interpreter that Get still answers for.

        Raises:
            ServiceError: There is none with this id.
        """
        interpreter = self.find(identifier)
        if interpreter is None:
            raise not_found(f"CodeInterpreter {identifier} not found")
        return interpreter

    def new_id(self, name: str) -> str:
        """An id for a new interpreter.

        Raises:
            ServiceError: The name is taken.
        """
        if self._behavior.same_name_conflicts:
            for other in self.all():
                if other.name == name and other.status != "DELETED":
                    raise conflict(
                        f"A CodeInterpreter with the name {name} exists already: {other.id} "
                        f"({other.status})"
                    )
        return f"{name}-{''.join(secrets.choice(_ALPHANUMERIC) for _ in range(10))}"

    def add(self, interpreter: Interpreter) -> None:
        """Begin the creation of an interpreter."""
        now = self._backend.now()
        interpreter.status = "CREATING"
        interpreter.created_at = interpreter.last_updated_at = now
        interpreter.due_at = now + self._behavior.create_seconds
        if fault := self._faults.strike("create_fails", "CreateCodeInterpreter", interpreter.id):
            interpreter.failure_reason = str(fault.options.get("reason", "An injected fault"))
        self._interpreters[interpreter.id] = interpreter
        self._settle()

    def begin_deletion(self, interpreter: Interpreter) -> None:
        """Begin the deletion of an interpreter; while DELETING it changes nothing."""
        if interpreter.status in ("DELETING", "DELETED"):
            return
        interpreter.due_at = self._backend.now() + self._behavior.delete_seconds
        self._change(interpreter, "DELETING", self._backend.now())

    def _settle(self) -> None:
        now = self._backend.now()
        for interpreter in list(self._interpreters.values()):
            if interpreter.due_at > now:
                continue
            if interpreter.status == "CREATING":
                self._finish_creation(interpreter)
            elif interpreter.status == "DELETING":
                self._finish_deletion(interpreter)
            if interpreter.status == "DELETED" and interpreter.due_at <= now:
                del self._interpreters[interpreter.id]

    def _finish_creation(self, interpreter: Interpreter) -> None:
        if not self._faults.lasting("create_stays_creating", interpreter.id):
            status = "READY" if interpreter.failure_reason is None else "CREATE_FAILED"
            self._change(interpreter, status, interpreter.due_at)

    def _finish_deletion(self, interpreter: Interpreter) -> None:
        if not self._faults.lasting("delete_stays_deleting", interpreter.id):
            self._change(interpreter, "DELETED", interpreter.due_at)
            interpreter.due_at += self._behavior.deleted_stays_visible_seconds

    def _change(self, interpreter: Interpreter, status: str, at: float) -> None:
        interpreter.status = status
        if self._behavior.last_updated_moves:
            interpreter.last_updated_at = at
