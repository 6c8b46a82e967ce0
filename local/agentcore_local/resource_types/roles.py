"""What a role lets a service do, decided by MiniStack's evaluator."""

from __future__ import annotations

from collections.abc import Mapping

from agentcore_local import _ministack
from agentcore_local import _ministack_cloudformation as ministack


def service_may_assume(role_arn: str, service: str, context: Mapping[str, str]) -> bool:
    """Whether a role's trust policy lets a service assume it.

    Args:
        role_arn: the role.
        service: the service principal, such as `lambda.amazonaws.com`.
        context: the condition keys that the service brings, such as `aws:SourceAccount`.
    """
    document = _ministack.role_trust_document(role_arn)
    if document is None:
        return False
    return _ministack.service_may_assume(
        document,
        service=service,
        account=ministack.responses.get_account_id(),
        context=dict(context),
    )


def role_allows(role_arn: str, action: str, resource_arn: str) -> bool:
    """Whether a role's policies and its permissions boundary allow an action."""
    evaluator = ministack.iam_evaluator
    name, account = role_arn.rsplit("/", 1)[-1], role_arn.split(":")[4]
    context = evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{account}:assumed-role/{name}/service",
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource_arn,
        region=ministack.responses.get_region(),
    )
    policies = evaluator._gather_role_policies(name, account)
    limits = evaluator._permissions_boundary(ministack.iam._roles, name, account)
    return bool(evaluator.evaluate(context, policies, *limits).decision == "Allow")
