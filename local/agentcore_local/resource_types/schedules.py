"""`AWS::Scheduler::Schedule`: a role that the scheduler can use, and changes in place.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html#setting-up-execution-role and
https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation.resource_kinds import ResourceFailed
from agentcore_local.resource_types.roles import role_allows, service_may_assume

logger = logging.getLogger(__name__)

TYPE = "AWS::Scheduler::Schedule"
_SERVICE = "scheduler.amazonaws.com"
_TICK_SECONDS = 1  # MiniStack looks for due schedules every ten
_CREATE_ONLY = ("Name", "GroupName")
_SETTINGS = (
    "Description",
    "EndDate",
    "KmsKeyArn",
    "ScheduleExpressionTimezone",
    "StartDate",
    "State",
)
_ACTIONS = {"lambda": "lambda:InvokeFunction", "sqs": "sqs:SendMessage", "sns": "sns:Publish"}


def install() -> None:
    """Check roles where schedules are made and fired, and update schedules in place."""
    provisioners = ministack.provisioners
    handlers = provisioners._RESOURCE_HANDLERS[TYPE]
    handlers.update(create=_create, update=_update, update_with_logical_id=True)
    provisioners._REPLACING_PROPERTIES[TYPE] = _CREATE_ONLY
    ministack.scheduler._SCHEDULE_TICK_INTERVAL = _TICK_SECONDS
    _guard_creation()
    _guard_firing()


def _create(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
    name = properties.get("Name") or ministack.provisioners._physical_name(
        stack_name, logical_id, max_len=64
    )
    _accepted(ministack.scheduler._create_schedule(name, _body(properties)))
    return name, {"Arn": _arn(name, properties)}


def _update(
    physical_id: str,
    old: dict[str, Any],
    new: dict[str, Any],
    stack_name: str,
    logical_id: str | None = None,
) -> Any:
    _accepted(ministack.scheduler._update_schedule(physical_id, _body(new)))
    return physical_id, {"Arn": _arn(physical_id, new)}


def _body(properties: Mapping[str, Any]) -> dict[str, Any]:
    required = ("ScheduleExpression", "FlexibleTimeWindow", "Target")
    return {
        "GroupName": properties.get("GroupName", "default"),
        **{name: properties[name] for name in (*required, *_SETTINGS) if name in properties},
    }


def _arn(name: str, properties: Mapping[str, Any]) -> str:
    return str(ministack.scheduler._schedule_arn(properties.get("GroupName", "default"), name))


def _accepted(answer: tuple[int, Any, bytes]) -> None:
    status, _headers, body = answer
    if status >= 300:
        raise ResourceFailed(json.loads(body).get("Message") or body.decode())


def _guard_creation() -> None:
    create, update = ministack.scheduler._create_schedule, ministack.scheduler._update_schedule

    def guarded(operation: Any) -> Any:
        def call(name: str, body: dict[str, Any]) -> Any:
            role = (body.get("Target") or {}).get("RoleArn")
            if role and not _may_assume(role, body.get("GroupName", "default")):
                return ministack.scheduler._error(
                    400,
                    "ValidationException",
                    "The execution role you provide must allow AWS EventBridge Scheduler to "
                    "assume the role.",
                )
            return operation(name, body)

        return call

    ministack.scheduler._create_schedule = guarded(create)
    ministack.scheduler._update_schedule = guarded(update)


def _guard_firing() -> None:
    invoke = ministack.eventbridge._invoke_target

    def invoke_as_allowed(target: Any, event: Any, rule: Any, view: Any = None) -> Any:
        if event.get("Source") == "aws.scheduler" and not _may_fire(target, rule):
            logger.warning("schedule %s may not reach its target", rule.get("Arn"))
            return None
        return invoke(target, event, rule, view)

    ministack.eventbridge._invoke_target = invoke_as_allowed


def _may_fire(target: Mapping[str, Any], schedule: Mapping[str, Any]) -> bool:
    role, arn = target.get("RoleArn", ""), target.get("Arn", "")
    if not _may_assume(role, schedule.get("GroupName", "default")):
        return False
    action = _ACTIONS.get(arn.split(":")[2])
    return action is None or role_allows(role, action, arn)


def _may_assume(role: str, group: str) -> bool:
    return service_may_assume(
        role,
        _SERVICE,
        {
            "aws:SourceAccount": ministack.responses.get_account_id(),
            "aws:SourceArn": ministack.scheduler._group_arn(group),
        },
    )
