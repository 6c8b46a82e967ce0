"""Who CloudFormation and the VPC's side act as in this AWS."""

from __future__ import annotations

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.service.backend import Caller
from agentcore_local.settings import ROOT_ACCESS_KEY_ID


def account_caller() -> Caller:
    """The root of the account at hand.

    On AWS a deployment acts as its own role: what that role lacks is not noticed here.
    """
    account = ministack.responses.get_account_id()
    return Caller(
        access_key_id=ROOT_ACCESS_KEY_ID,
        account=account,
        region=ministack.responses.get_region(),
        arn=f"arn:aws:iam::{account}:root",
    )
