"""Names that are taken, and buckets that are not empty: what CloudFormation's handlers refuse.

MiniStack's handlers put a second resource in the place of the first one of its name, and delete a
bucket with everything in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation.resource_kinds import Properties, ResourceFailed

Taken = Callable[[str, Properties], bool]


def _stored(service: str, store: str) -> Taken:
    def taken(name: str, _properties: Properties) -> bool:
        return name in getattr(ministack.service_module(service), store)

    return taken


def _arn_stored(service: str, store: str, prefix: str) -> Taken:
    def taken(name: str, _properties: Properties) -> bool:
        region, account = ministack.responses.get_region(), ministack.responses.get_account_id()
        arn = prefix.format(region=region, account=account) + name
        return arn in getattr(ministack.service_module(service), store)

    return taken


def _policy_taken(name: str, properties: Properties) -> bool:
    account = ministack.responses.get_account_id()
    arn = f"arn:aws:iam::{account}:policy{properties.get('Path', '/')}{name}"
    return arn in ministack.iam._policies


def _rule_taken(name: str, properties: Properties) -> bool:
    bus = str(properties.get("EventBusName", "default")).rsplit("/", 1)[-1]
    return ministack.eventbridge._rule_key(name, bus) in ministack.eventbridge._rules


NAMES: Mapping[str, tuple[str, Taken]] = {
    "AWS::CloudWatch::Alarm": ("AlarmName", _stored("cloudwatch", "_alarms")),
    "AWS::CloudWatch::Dashboard": ("DashboardName", _stored("cloudwatch", "_dashboards")),
    "AWS::Events::Rule": ("Name", _rule_taken),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", _policy_taken),
    "AWS::IAM::Role": ("RoleName", _stored("iam", "_roles")),
    "AWS::IAM::User": ("UserName", _stored("iam", "_users")),
    "AWS::KMS::Alias": (
        "AliasName",
        _arn_stored("kms", "_aliases", "arn:aws:kms:{region}:{account}:"),
    ),
    "AWS::Lambda::Function": ("FunctionName", _stored("lambda_svc", "_functions")),
    "AWS::Logs::LogGroup": ("LogGroupName", _stored("cloudwatch_logs", "_log_groups")),
    "AWS::Logs::ResourcePolicy": ("PolicyName", _stored("cloudwatch_logs", "_resource_policies")),
    "AWS::SNS::Topic": (
        "TopicName",
        _arn_stored("sns", "_topics", "arn:aws:sns:{region}:{account}:"),
    ),
    "AWS::SQS::Queue": ("QueueName", _stored("sqs", "_queue_name_to_url")),
    "AWS::Scheduler::ScheduleGroup": ("Name", _stored("scheduler", "_schedule_groups")),
    "AWS::SecretsManager::Secret": ("Name", _stored("secretsmanager", "_secrets")),
}
"""The property that names a resource of a type, and how to tell whether a name is taken."""


def refuse_taken_name(
    resource_type: str, properties: Properties, before: Properties | None = None
) -> None:
    """Check the name that a resource is to get.

    Args:
        resource_type: the resource's type.
        properties: its properties.
        before: the properties that it had; the name that it has already is no conflict.

    Raises:
        ResourceFailed: another resource has that name.
    """
    if resource_type not in NAMES:
        return
    name_property, taken = NAMES[resource_type]
    name = properties.get(name_property)
    if not name or (before or {}).get(name_property) == name:
        return
    if taken(str(name), properties):
        raise ResourceFailed(
            f"Resource of type '{resource_type}' with identifier '{name}' already exists. "
            "(HandlerErrorCode: AlreadyExists)"
        )


def keep_filled_buckets() -> None:
    """Let a stack fail to delete a bucket that still has objects."""
    handlers: Any = ministack.provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
    delete = handlers["delete"]

    def delete_if_empty(physical_id: str, properties: Any) -> Any:
        s3 = ministack.service_module("s3")
        bucket = s3._buckets.get(physical_id)
        if bucket and (bucket["objects"] or s3._bucket_has_versions(physical_id)):
            raise ResourceFailed(
                "The bucket you tried to delete is not empty (Service: S3, Status Code: 409, "
                "HandlerErrorCode: GeneralServiceException)"
            )
        return delete(physical_id, properties)

    handlers["delete"] = delete_if_empty
