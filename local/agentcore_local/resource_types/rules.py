"""EventBridge rules reach a function only if the function's own policy lets them.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
"""

from __future__ import annotations

import contextvars
import logging
from typing import Any

from agentcore_local import _ministack_cloudformation as ministack

logger = logging.getLogger(__name__)

_SERVICE = "events.amazonaws.com"
_rule: contextvars.ContextVar[str] = contextvars.ContextVar("agentcore_local_rule", default="")


def install() -> None:
    """Check the function's policy before a rule's event is handed over."""
    invoke = ministack.eventbridge._invoke_target
    dispatch = ministack.eventbridge._dispatch_to_lambda

    def invoke_for_rule(target: Any, event: Any, rule: Any, view: Any = None) -> Any:
        is_rule = event.get("Source") != "aws.scheduler"
        token = _rule.set(rule.get("Arn", "") if is_rule else "")
        try:
            return invoke(target, event, rule, view)
        finally:
            _rule.reset(token)

    def dispatch_if_allowed(arn: str, payload: Any) -> Any:
        rule = _rule.get()
        if rule and not _function_allows(arn, rule):
            logger.warning("rule %s has no permission to invoke %s", rule, arn)
            return None
        return dispatch(arn, payload)

    ministack.eventbridge._invoke_target = invoke_for_rule
    ministack.eventbridge._dispatch_to_lambda = dispatch_if_allowed


def _function_allows(function_arn: str, rule_arn: str) -> bool:
    found = ministack.functions.function_policy_for_arn(function_arn)
    if found is None:
        return False
    account = ministack.responses.get_account_id()
    context = ministack.iam_evaluator.EvalContext(
        principal_arn=_SERVICE,
        principal_type="AWSService",
        principal_account="",
        action="lambda:InvokeFunction",
        resource_arn=function_arn,
        region=ministack.responses.get_region(),
        service_context={"aws:sourcearn": rule_arn, "aws:sourceaccount": account},
    )
    decision = ministack.iam_evaluator.evaluate_resource_policy(found[0], context, service=_SERVICE)
    return bool(decision.decision == "Allow")
