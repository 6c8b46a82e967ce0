"""The control plane: interpreters and their tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agentcore_local.service.account import AccountRegion
from agentcore_local.service.backend import Backend, Caller
from agentcore_local.service.behavior import ServiceBehavior
from agentcore_local.service.errors import access_denied, conflict, invalid, not_found
from agentcore_local.service.interpreters import (
    SYSTEM_IDENTIFIER,
    Interpreter,
    custom_arn,
    system_arn,
)
from agentcore_local.service.limits import Limits, check_quota
from agentcore_local.service.paging import page

Params = dict[str, Any]
Operation = Callable[[AccountRegion, Caller, Params], Params]

MOST_TAGS = 50


class ControlPlane:
    """The operations of `bedrock-agentcore-control` that concern code interpreters.

    Each takes parameters that the service model allows, and answers with the members of the
    service model's shape.
    """

    def __init__(self, backend: Backend, limits: Limits, behavior: ServiceBehavior) -> None:
        self._backend = backend
        self._limits = limits
        self._behavior = behavior
        self.operations: Mapping[str, Operation] = {
            "CreateCodeInterpreter": self.create,
            "GetCodeInterpreter": self.get,
            "ListCodeInterpreters": self.list,
            "DeleteCodeInterpreter": self.delete,
            "TagResource": self.tag,
            "UntagResource": self.untag,
            "ListTagsForResource": self.list_tags,
        }

    def create(self, state: AccountRegion, caller: Caller, params: Params) -> Params:
        """CreateCodeInterpreter."""
        _check_network(params["networkConfiguration"])
        self._authorize(caller, "CreateCodeInterpreter", "*", _creation_context(params))
        role = params.get("executionRoleArn")
        if role and (message := self._backend.pass_role_error(caller, role)):
            raise access_denied(message)
        if answer := state.tokens.recall("CreateCodeInterpreter", params):
            return answer
        check_quota(
            len(state.interpreters.all()), self._limits.code_interpreters, "code interpreters"
        )
        identifier = state.interpreters.new_id(params["name"])
        arn = custom_arn(caller.partition, caller.region, caller.account, identifier)
        self._check_role(role, caller.account, arn)
        interpreter = Interpreter(
            id=identifier,
            arn=arn,
            params={key: value for key, value in params.items() if key != "clientToken"},
            tags=dict(params.get("tags", {})),
        )
        state.interpreters.add(interpreter)
        answer = interpreter.describe()
        state.tokens.remember("CreateCodeInterpreter", params, answer)
        return answer

    def get(self, state: AccountRegion, caller: Caller, params: Params) -> Params:
        """GetCodeInterpreter."""
        interpreter = self._authorized(state, caller, "GetCodeInterpreter", params)
        return interpreter.describe()

    def list(self, state: AccountRegion, caller: Caller, params: Params) -> Params:
        """ListCodeInterpreters: custom ones and the one that AWS provides, newest first."""
        self._authorize(caller, "ListCodeInterpreters", "*", {})
        wanted = params.get("type")
        found = [] if wanted == "SYSTEM" else state.interpreters.all()
        if wanted != "CUSTOM":
            found.append(state.interpreters.system(caller.partition, caller.region))
        found.sort(key=_age, reverse=True)
        shown, token = page(found, params, key=_age, scope=f"interpreters {wanted}")
        summaries = [interpreter.describe() for interpreter in shown]
        return {"codeInterpreterSummaries": summaries, "nextToken": token}

    def delete(self, state: AccountRegion, caller: Caller, params: Params) -> Params:
        """DeleteCodeInterpreter."""
        identifier = params["codeInterpreterId"]
        self._authorize_identifier(state, caller, "DeleteCodeInterpreter", identifier)
        if answer := state.tokens.recall("DeleteCodeInterpreter", params):
            return answer
        if identifier == SYSTEM_IDENTIFIER:
            message = "The code interpreter that AWS provides cannot be deleted"
            raise invalid(message, fields=[("codeInterpreterId", message)])
        interpreter = state.interpreters.get(identifier)
        self._check_deletable(state, interpreter)
        state.interpreters.begin_deletion(interpreter)
        answer = interpreter.describe()
        state.tokens.remember("DeleteCodeInterpreter", params, answer)
        return answer

    def tag(self, state: AccountRegion, caller: Caller, params: Params) -> Params:
        """TagResource."""
        interpreter = self._tagged(state, caller, "TagResource", params, params["tags"])
        tags = interpreter.tags | params["tags"]
        if sum(not key.startswith("aws:") for key in tags) > MOST_TAGS:
            message = f"A resource has {MOST_TAGS} tags at most"
            raise invalid(message, fields=[("tags", message)])
        interpreter.tags = tags
        return {}

    def untag(self, state: AccountRegion, caller: Caller, params: Params) -> Params:
        """UntagResource."""
        keys = params["tagKeys"]
        interpreter = self._tagged(state, caller, "UntagResource", params, dict.fromkeys(keys))
        interpreter.tags = {k: v for k, v in interpreter.tags.items() if k not in keys}
        return {}

    def list_tags(self, state: AccountRegion, caller: Caller, params: Params) -> Params:
        """ListTagsForResource."""
        return {"tags": self._tagged(state, caller, "ListTagsForResource", params, {}).tags}

    def _tagged(
        self,
        state: AccountRegion,
        caller: Caller,
        action: str,
        params: Params,
        tags: Mapping[str, str | None],
    ) -> Interpreter:
        arn = params["resourceArn"]
        identifier = arn.rsplit("/", 1)[-1]
        interpreter = state.interpreters.find(identifier)
        context = _resource_tags(interpreter) | _request_tags(tags)
        self._authorize(caller, action, arn, context)
        if interpreter is None or interpreter.arn != arn:
            raise not_found(f"Resource {arn} not found")
        return interpreter

    def _authorized(
        self, state: AccountRegion, caller: Caller, action: str, params: Params
    ) -> Interpreter:
        identifier = params["codeInterpreterId"]
        self._authorize_identifier(state, caller, action, identifier)
        if identifier == SYSTEM_IDENTIFIER:
            return state.interpreters.system(caller.partition, caller.region)
        return state.interpreters.get(identifier)

    def _authorize_identifier(
        self, state: AccountRegion, caller: Caller, action: str, identifier: str
    ) -> None:
        """Authorize on the ARN of an id, whether or not there is such an interpreter."""
        if identifier == SYSTEM_IDENTIFIER:
            arn = system_arn(caller.partition, caller.region)
        else:
            arn = custom_arn(caller.partition, caller.region, caller.account, identifier)
        context = _resource_tags(state.interpreters.find(identifier))
        self._authorize(caller, action, arn, context)

    def _authorize(
        self, caller: Caller, action: str, arn: str, context: Mapping[str, object]
    ) -> None:
        denial = self._backend.authorize(caller, f"bedrock-agentcore:{action}", arn, context)
        if denial is not None:
            raise access_denied(denial)

    def _check_role(self, role: str | None, account: str, arn: str) -> None:
        if role is None:
            return
        reason = self._backend.role_trust_error(role, source_account=account, source_arn=arn)
        if reason is not None:
            message = f"CodeInterpreter role validation failed for {role}: {reason}"
            raise invalid(message, fields=[("executionRoleArn", message)])

    def _check_deletable(self, state: AccountRegion, interpreter: Interpreter) -> None:
        if interpreter.status == "DELETED":
            raise not_found(f"CodeInterpreter {interpreter.id} not found")
        if interpreter.status == "CREATING":
            raise conflict(f"CodeInterpreter {interpreter.id} is CREATING")
        ready = state.sessions.of(interpreter, "READY")
        if not ready:
            return
        if self._behavior.delete_with_ready_sessions_conflicts:
            raise conflict(
                f"CodeInterpreter {interpreter.id} has {len(ready)} active session(s); stop them "
                "before you delete it"
            )
        for session in ready:
            state.sessions.end(session, self._backend.now())


def _age(interpreter: Interpreter) -> tuple[float, str]:
    return interpreter.created_at, interpreter.id


def _check_network(network: Mapping[str, Any]) -> None:
    mode, has_vpc = network["networkMode"], "vpcConfig" in network
    if (mode == "VPC") != has_vpc:
        message = (
            "vpcConfig is required for the network mode VPC"
            if mode == "VPC"
            else f"vpcConfig is for the network mode VPC only, got {mode}"
        )
        raise invalid(message, fields=[("networkConfiguration.vpcConfig", message)])


def _creation_context(params: Params) -> dict[str, object]:
    vpc = params["networkConfiguration"].get("vpcConfig", {})
    context: dict[str, object] = {}
    if vpc:
        context["bedrock-agentcore:subnets"] = list(vpc["subnets"])
        context["bedrock-agentcore:securityGroups"] = list(vpc["securityGroups"])
    return context | _request_tags(params.get("tags", {}))


def _request_tags(tags: Mapping[str, str | None]) -> dict[str, object]:
    context: dict[str, object] = {
        f"aws:RequestTag/{key}": value for key, value in tags.items() if value is not None
    }
    if tags:
        context["aws:TagKeys"] = list(tags)
    return context


def _resource_tags(interpreter: Interpreter | None) -> dict[str, object]:
    if interpreter is None:
        return {}
    return {f"aws:ResourceTag/{key}": value for key, value in interpreter.tags.items()}
