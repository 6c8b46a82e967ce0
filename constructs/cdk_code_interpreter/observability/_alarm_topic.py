"""One topic for the alarms of a stack, where none is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_sns as sns

from .._cdk.construct_tree import child_of, path_of, stack_of
from .._cdk.key_policies import alarms_key_statement, use_key

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct

_ID = "CodeInterpreterAlarmTopic"


def alarm_topic_of(scope: Construct, key: kms.IKey | None) -> sns.Topic:
    """The topic of the stack that something is in, made when it is first asked for.

    Args:
        scope: Anything in the stack.
        key: Encrypts it. `None`: not encrypted with a key of yours; the key that AWS manages for
            SNS cannot be used by alarms.

    Raises:
        ValueError: The stack's topic has another key.
    """
    stack = stack_of(scope)
    existing = child_of(stack, _ID)
    if isinstance(existing, _AlarmTopic):
        if existing.key is not key:
            raise ValueError(
                f"{path_of(scope)}: the stack's alarm topic {path_of(existing)} has another key; "
                "use one profile for all interpreters of a stack, or pass alarm_topic="
            )
        return existing
    return _AlarmTopic(stack, _ID, key)


class _AlarmTopic(sns.Topic):
    def __init__(self, scope: Construct, construct_id: str, key: kms.IKey | None) -> None:
        super().__init__(
            scope,
            construct_id,
            display_name="Code interpreter alarms",
            master_key=key,
            enforce_ssl=True,
        )
        self.key = key
        if key is not None:
            use_key(self, key, alarms_key_statement(stack_of(self)))
