"""Rules about what is written down, and who is told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .._documents.values import choices, each, mapping, may_be_false, text
from .model import CheckLevel, Controls, Hit, Proof, Rule, Unseen
from .template import INTERPRETER, Resource, Templates

LOG_GROUP = "AWS::Logs::LogGroup"
_BUCKET = "AWS::S3::Bucket"
_FUNCTION = "AWS::Lambda::Function"
# What calls functions and tells them of an interpreter.
_CALLING = ("Custom::", "AWS::CloudFormation::CustomResource", "AWS::Scheduler::", "AWS::Events::")
_OUR_GROUPS = re.compile(r"bedrock-?agentcore|code-?interpreter", re.IGNORECASE)
_KEY_OF_AWS = re.compile(r"(^|:)alias/aws/")
_OUR_METRICS = re.compile(r"Bedrock-?AgentCore|CodeInterpreter", re.IGNORECASE)


def _unencrypted(templates: Templates) -> Iterator[Hit]:
    for store in _application_log_stores(templates):
        if store.type == LOG_GROUP and _is_no_own_key(store.properties.get("KmsKeyId")):
            yield Hit(store.template, store.logical_id, "Properties/KmsKeyId")
        if store.type == _BUCKET and not _has_key(store):
            yield Hit(store.template, store.logical_id, "Properties/BucketEncryption")


def _may_be_missing(value: object) -> bool:
    return any(choice is None or choice == "" for choice in choices(value))


def _is_no_own_key(value: object) -> bool:
    """Whether no key is named, or one of AWS's, whose policy nobody can narrow."""
    return _may_be_missing(value) or any(
        _KEY_OF_AWS.search(text(choice)) for choice in choices(value)
    )


def _has_key(bucket: Resource) -> bool:
    """Whether a key is named: without one, KMS encrypts with the account's key of AWS."""
    encryption = mapping(bucket.properties.get("BucketEncryption"))
    rules = each(encryption.get("ServerSideEncryptionConfiguration"))
    defaults = [mapping(mapping(rule).get("ServerSideEncryptionByDefault")) for rule in rules]
    return any(
        text(default.get("SSEAlgorithm")).startswith("aws:kms")
        and not _is_no_own_key(default.get("KMSMasterKeyID"))
        for default in defaults
    )


def _application_log_stores(templates: Templates) -> Iterator[Resource]:
    """Where the application logs of interpreters are delivered, as far as the templates show."""
    sources = [
        source
        for source in _interpreter_sources(templates)
        if text(source.properties.get("LogType")) == "APPLICATION_LOGS"
    ]
    for delivery in templates.of_type("AWS::Logs::Delivery"):
        if any(_delivers(templates, delivery, source) for source in sources):
            destinations = templates.targets_of_type(
                delivery.template,
                delivery.properties.get("DeliveryDestinationArn"),
                "AWS::Logs::DeliveryDestination",
            )
            for destination in destinations:
                arn = destination.properties.get("DestinationResourceArn")
                yield from templates.targets_of_type(destination.template, arn, LOG_GROUP, _BUCKET)


def _interpreter_sources(templates: Templates) -> Iterator[Resource]:
    for source in templates.of_type("AWS::Logs::DeliverySource"):
        arn = source.properties.get("ResourceArn")
        kinds = {target.type for target in templates.targets(source.template, arn)}
        drained = any(kind.startswith("Custom::CodeInterpreter") for kind in kinds)
        if INTERPRETER in kinds or drained or ":code-interpreter" in text(arn):
            yield source


def _delivers(templates: Templates, delivery: Resource, source: Resource) -> bool:
    name = delivery.properties.get("DeliverySourceName")
    same_text = text(name) == text(source.properties.get("Name"))
    return same_text or source in templates.targets(delivery.template, name)


def _encrypted(templates: Templates) -> Iterator[Proof]:
    for store in _application_log_stores(templates):
        key = "KmsKeyId" if store.type == LOG_GROUP else "BucketEncryption"
        yield Proof(store, store, f"Properties/{key}")


def _groups(templates: Templates) -> Iterator[Resource]:
    """The log groups of interpreters, and of functions that work on them."""
    stores = set(_application_log_stores(templates))
    functions = set(_functions(templates))
    for group in templates.of_type(LOG_GROUP):
        name = group.properties.get("LogGroupName")
        if (
            _OUR_GROUPS.search(text(name))
            or group in stores
            or functions & templates.targets(group.template, name)
            or any(_logs_to(templates, function, group) for function in functions)
        ):
            yield group


def _logs_to(templates: Templates, function: Resource, group: Resource) -> bool:
    configured = mapping(function.properties.get("LoggingConfig")).get("LogGroup")
    name = text(function.properties.get("FunctionName"))
    said = text(group.properties.get("LogGroupName"))
    return group in templates.targets(function.template, configured) or bool(
        name and said.endswith(f"/{name}")
    )


def _functions(templates: Templates) -> Iterator[Resource]:
    """Functions that name an interpreter, or that something calls which names one."""
    concerned = set(templates.interpreters)
    for template in templates:
        for resource in (Resource(template, logical_id) for logical_id in template.resources):
            if resource.type.startswith(_CALLING):
                named = templates.targets(template, dict(resource.properties))
                if concerned & named or any(_is_drain(each) for each in named):
                    yield from (each for each in named if each.type == _FUNCTION)
    for function in templates.of_type(_FUNCTION):
        if concerned & templates.targets(function.template, dict(function.properties)):
            yield function


def _is_drain(resource: Resource) -> bool:
    return resource.type.startswith("Custom::CodeInterpreter")


def _kept_forever(templates: Templates) -> Iterator[Hit]:
    for group in _groups(templates):
        if _may_be_missing(group.properties.get("RetentionInDays")):
            yield Hit(group.template, group.logical_id, "Properties/RetentionInDays")


def _kept_for_a_time(templates: Templates) -> Iterator[Proof]:
    for group in _groups(templates):
        yield Proof(group, group, "Properties/RetentionInDays")


def _alarms(templates: Templates) -> Iterator[Resource]:
    for alarm in templates.of_type("AWS::CloudWatch::Alarm"):
        ours = any(_OUR_METRICS.search(text(name)) for name in _namespaces(alarm.properties))
        if ours and not _is_on_another(templates, alarm):
            yield alarm


def _is_on_another(templates: Templates, alarm: Resource) -> bool:
    """Whether an alarm is on something else of AgentCore, which has the same namespace."""
    dimensions = list(_values_of("Dimensions", alarm.properties))
    said = json.dumps(dimensions)
    if re.search("code-?interpreter", said, re.IGNORECASE):
        return False
    kinds = {target.type for target in templates.targets(alarm.template, dimensions)}
    if any("CodeInterpreter" in kind for kind in kinds):
        return False
    return bool(re.search(r"runtime|gateway|memory|browser|identity", said, re.IGNORECASE)) or any(
        kind.startswith("AWS::BedrockAgentCore::") for kind in kinds
    )


def _silent_alarms(templates: Templates) -> Iterator[Hit]:
    spoken_for = set(_spoken_for(templates))
    for alarm in _alarms(templates):
        if not _acts(alarm) and alarm not in spoken_for:
            yield Hit(alarm.template, alarm.logical_id, "Properties/AlarmActions")


def _acts(alarm: Resource) -> bool:
    return not may_be_false(alarm.properties.get("ActionsEnabled", True)) and any(
        each(alarm.properties.get("AlarmActions"))
    )


def _spoken_for(templates: Templates) -> Iterator[Resource]:
    """Alarms that a composite alarm with an action is made of."""
    for composite in templates.of_type("AWS::CloudWatch::CompositeAlarm"):
        if _acts(composite):
            yield from templates.targets(composite.template, composite.properties.get("AlarmRule"))


def _acting_alarms(templates: Templates) -> Iterator[Proof]:
    for alarm in _alarms(templates):
        if not _unheard_topics(templates, alarm):
            yield Proof(alarm, alarm, "Properties/AlarmActions")


def _unheard(templates: Templates) -> Iterator[Unseen]:
    for alarm in _alarms(templates):
        for topic in _unheard_topics(templates, alarm):
            yield Unseen(
                alarm, f"no one is seen to subscribe to the topic {topic}: no one may be told"
            )


def _unheard_topics(templates: Templates, alarm: Resource) -> list[str]:
    """Return the topics that an alarm notifies, if no subscription to any of them is seen."""
    topics, heard = [], False
    for action in each(alarm.properties.get("AlarmActions")):
        targets = templates.targets_of_type(alarm.template, action, "AWS::SNS::Topic")
        if not targets and ":sns:" not in text(action):
            heard = True  # a function, an incident: not a topic that needs a subscriber
        for topic in targets:
            heard = heard or _is_subscribed(templates, topic)
            topics.append(topic.logical_id)
        if not targets and ":sns:" in text(action):
            topics.append(text(action))
    return [] if heard else list(dict.fromkeys(topics))


def _is_subscribed(templates: Templates, topic: Resource) -> bool:
    return any(each(topic.properties.get("Subscription"))) or any(
        topic in templates.targets(subscription.template, subscription.properties.get("TopicArn"))
        for subscription in templates.of_type("AWS::SNS::Subscription")
    )


def _namespaces(properties: Mapping[str, Any]) -> Iterator[Any]:
    """Where an alarm's metrics are; those of a query stand in the query."""
    yield from _values_of("Namespace", properties)
    yield from _values_of("Expression", properties)


def _values_of(name: str, value: object) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == name:
                yield item
            yield from _values_of(name, item)
    elif isinstance(value, list):
        for item in value:
            yield from _values_of(name, item)


LOG_RULES = (
    Rule(
        name="LogEncryption",
        meaning="Application logs of an interpreter go where no customer key encrypts them.",
        why=(
            "Application logs hold the executed code and its output, and so whatever data it "
            "worked on. With a key of your own, reading them takes a permission of its own."
        ),
        mend=(
            "Give the log group a KMS key whose policy lets CloudWatch Logs use it "
            "(LogDelivery(encryption_key=...)), the bucket SSE-KMS with a key of yours, or switch "
            "application logs off. What becomes of them in a Firehose stream is not looked at."
        ),
        controls=Controls(
            nist_800_53=("AU-9", "AU-9(3)", "SC-13", "SC-28"),
            config_rules=("cloudwatch-log-group-encrypted",),
        ),
        level=CheckLevel.ERROR,
        check=_unencrypted,
        prove=_encrypted,
        guard_limit=(
            "with application logs in the template, wants a key for every log group that any "
            "delivery there writes to; does not see buckets"
        ),
    ),
    Rule(
        name="LogRetention",
        meaning=(
            "A log group of a code interpreter, or of a function that works on one, keeps its "
            "records for ever."
        ),
        why=(
            "What a session did may be personal or confidential data; kept without an end, it "
            "outlives every reason to keep it, and the bill grows."
        ),
        mend="Set RetentionInDays to what your rules for records say.",
        # Not the Config rule cw-loggroup-retention-period-check (CloudWatch.16): that one wants at
        # least 365 days, and calls a group that never expires compliant.
        controls=Controls(nist_800_53=("SI-12",)),
        level=CheckLevel.ERROR,
        check=_kept_forever,
        prove=_kept_for_a_time,
        guard_limit=(
            "sees templates that have the interpreter, not those with the delivery alone; groups "
            "that a delivery or a function writes to by Fn::GetAtt or Ref, and those that are "
            "named after AgentCore"
        ),
    ),
    Rule(
        name="AlarmActions",
        meaning="An alarm on a code interpreter has no action.",
        why="An alarm without an action changes its color on a page that no one is looking at.",
        mend=(
            "Give the alarm an action, such as an SNS topic, and leave its actions enabled; or "
            "give one to a composite alarm that it is part of."
        ),
        controls=Controls(
            nist_800_53=("AU-6(1)", "IR-6(1)", "SI-4(5)"),
            config_rules=("cloudwatch-alarm-action-check",),
            security_hub=("CloudWatch.15", "CloudWatch.17"),
        ),
        level=CheckLevel.ERROR,
        check=_silent_alarms,
        prove=_acting_alarms,
        unseen=_unheard,
        guard_limit="knows no composite alarms, and takes all of AgentCore's alarms for ours",
    ),
)
