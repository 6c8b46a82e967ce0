"""The one module that knows the private state of MiniStack's CloudWatch, and what feeds it.

Typed as Any on purpose: MiniStack ships no types, and its private names promise none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from importlib import import_module
from typing import Any

from agentcore_local import _ministack

_NAMES = {
    "cloudwatch": (
        "_alarms",
        "_calc_stats",
        "_cbor_metric_data_result",
        "_cbor_ok",
        "_composite_alarms",
        "_dims_key",
        "_dispatch_alarm_actions",
        "_error",
        "_evaluate_alarm",
        "_evaluate_parent_alarms",
        "_get_metric_data",
        "_json_ok",
        "_metrics",
        "_parse_ts",
        "_put_metric_alarm",
        "_record_history",
        "_stat_value",
        "_ts_iso",
        "_xml",
    ),
    "cloudformation.provisioners": ("_cw_metric_alarm_record",),
    "kms": ("key_policy_for_arn",),
    "sns": ("_topic_by_arn_any_scope", "topic_policy_allows"),
}
_CLOUDWATCH = "cloudwatch.amazonaws.com"

logger = logging.getLogger(__name__)


def checked_service(name: str, private_names: Iterable[str]) -> Any:
    """A service of MiniStack, which must have these private names.

    Raises:
        RuntimeError: It has not.
    """
    module = import_module(f"ministack.services.{name}")
    missing = sorted(each for each in private_names if not hasattr(module, each))
    if missing:
        raise RuntimeError(
            f"the local AWS hooks private names of ministack {_ministack.PINNED}, and "
            f"{module.__name__} has no {', '.join(missing)}; run: pip install "
            f"ministack=={_ministack.PINNED}"
        )
    return module


cloudwatch: Any = checked_service("cloudwatch", _NAMES["cloudwatch"])
_provisioners: Any = checked_service(
    "cloudformation.provisioners", _NAMES["cloudformation.provisioners"]
)
_kms: Any = checked_service("kms", _NAMES["kms"])
_sns: Any = checked_service("sns", _NAMES["sns"])

Alarm = MutableMapping[str, Any]
Answer = tuple[int, Mapping[str, str], bytes]


def take_over_alarms() -> None:
    """Stop MiniStack's own evaluation of alarms."""
    cloudwatch._evaluate_alarm = lambda alarm: None
    cloudwatch._evaluate_all_alarms = lambda: None


def accept_alarms(
    check: Callable[[Mapping[str, Any]], None],
    request_of: Callable[[str, Mapping[str, Any]], dict[str, Any]],
) -> None:
    """Take alarms on metric math too, from requests and from templates.

    Args:
        check: Raises ValueError for an alarm that CloudWatch would refuse.
        request_of: Makes typed parameters of an operation's query-protocol parameters or of a
            template's properties.
    """
    put, record = cloudwatch._put_metric_alarm, _provisioners._cw_metric_alarm_record

    def put_checked(
        params: Any, data: Any, is_cbor: bool, is_json: bool = False
    ) -> tuple[int, Mapping[str, str], bytes]:
        request = data if is_cbor or is_json else request_of("PutMetricAlarm", params)
        try:
            check(request)
        except ValueError as refused:
            error: Answer = cloudwatch._error(
                "ValidationError", str(refused), 400, use_json=is_json, use_cbor=is_cbor
            )
            return error
        answer: Answer = put(params, data, is_cbor, is_json)
        if answer[0] == 200:
            _keep_metrics(cloudwatch._alarms[request["AlarmName"]], request)
        return answer

    def record_checked(name: str, properties: Mapping[str, Any]) -> Alarm:
        request = {**request_of("PutMetricAlarm", properties), "AlarmName": name}
        check(request)
        # MiniStack's own reader knows single metrics only.
        stand_in = {"MetricName": "metric math", "Namespace": "metric math"}
        single = {key: value for key, value in properties.items() if key != "Metrics"}
        alarm: Alarm = record(name, {**stand_in, **single} if request.get("Metrics") else single)
        _keep_metrics(alarm, request)
        return alarm

    cloudwatch._put_metric_alarm = put_checked
    _provisioners._cw_metric_alarm_record = record_checked


def _keep_metrics(alarm: Alarm, request: Mapping[str, Any]) -> None:
    if not request.get("Metrics"):
        return
    for name in ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period"):
        alarm[name] = None
    alarm["Dimensions"] = []
    alarm["Metrics"] = list(request["Metrics"])


def answer_metric_data(
    answer: Callable[[Mapping[str, Any]], Sequence[Mapping[str, Any]]],
    request_of: Callable[[str, Mapping[str, Any]], dict[str, Any]],
) -> None:
    """Answer GetMetricData.

    Args:
        answer: Gives the results of a request, with times in seconds since the epoch; raises
            ValueError for a request that CloudWatch would refuse.
        request_of: See `accept_alarms`.
    """

    def get_metric_data(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        request = data if is_cbor or is_json else request_of("GetMetricData", params)
        times = {each: cloudwatch._parse_ts(request[each]) for each in ("StartTime", "EndTime")}
        try:
            found = answer({**request, **times})
        except ValueError as refused:
            return cloudwatch._error(
                "ValidationError", str(refused), 400, use_json=is_json, use_cbor=is_cbor
            )
        results = [
            {**each, "Timestamps": [cloudwatch._ts_iso(at) for at in each["Timestamps"]]}
            for each in found
        ]
        if is_cbor:
            cbor = [cloudwatch._cbor_metric_data_result(each) for each in results]
            return cloudwatch._cbor_ok({"MetricDataResults": cbor})
        if is_json:
            return cloudwatch._json_ok({"MetricDataResults": results})
        return _xml_results(results)

    cloudwatch._get_metric_data = get_metric_data


def _xml_results(results: Iterable[Mapping[str, Any]]) -> Any:
    def members(values: Iterable[object]) -> str:
        return "".join(f"<member>{each}</member>" for each in values)

    found = members(
        f"<Id>{each['Id']}</Id><Label>{each['Label']}</Label>"
        f"<StatusCode>{each['StatusCode']}</StatusCode>"
        f"<Timestamps>{members(each['Timestamps'])}</Timestamps>"
        f"<Values>{members(each['Values'])}</Values>"
        for each in results
    )
    inner = f"<MetricDataResults>{found}</MetricDataResults>"
    body = f"<GetMetricDataResult>{inner}</GetMetricDataResult>"
    return cloudwatch._xml(200, "GetMetricDataResponse", body)


def points(namespace: str, name: str, dimensions: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """What was published for a metric in the present account and region."""
    key = (namespace, name, cloudwatch._dims_key(dict(dimensions)))
    return list(cloudwatch._metrics.get(key) or ())


def statistic(of: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """A statistic of some points; none where there are none."""
    if not of:
        return None
    value: float | None = cloudwatch._stat_value(cloudwatch._calc_stats(of), name, of)
    return value


def has_alarms() -> bool:
    """Whether there is any alarm."""
    return bool(cloudwatch._alarms._data)


def alarm_scopes() -> set[tuple[str, str]]:
    """The accounts and regions that have alarms."""
    return {(account, region) for account, region, _name in list(cloudwatch._alarms._data)}


def metric_alarms() -> list[Alarm]:
    """The alarms on metrics in the present account and region."""
    return list(cloudwatch._alarms.values())


def alarm_states() -> dict[str, str]:
    """The states of all alarms in the present account and region, by name."""
    every = [*cloudwatch._alarms.values(), *cloudwatch._composite_alarms.values()]
    return {each["AlarmName"]: each["StateValue"] for each in every}


def guard_notifications() -> None:
    """Let alarms notify topics only as the topics' and their keys' policies allow.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    dispatch = cloudwatch._dispatch_alarm_actions

    def dispatch_as_allowed(alarm: Alarm, before: str, after: str, reason: str) -> None:
        kinds = ("AlarmActions", "OKActions", "InsufficientDataActions")
        allowed = {
            kind: [each for each in alarm.get(kind) or () if _may_notify(each, alarm["AlarmArn"])]
            for kind in kinds
        }
        dispatch({**alarm, **allowed}, before, after, reason)

    cloudwatch._dispatch_alarm_actions = dispatch_as_allowed


def _may_notify(topic_arn: str, alarm_arn: str) -> bool:
    if ":sns:" not in topic_arn:
        return True
    from ministack.core import iam_evaluator

    # CloudWatch calls over TLS, and from nowhere that a policy could name.
    iam_evaluator.pin_request_origin("127.0.0.1", True)
    account = alarm_arn.split(":")[4]
    problem = None
    if not _sns.topic_policy_allows(topic_arn, _CLOUDWATCH, alarm_arn, account):
        problem = "the topic's policy does not allow SNS:Publish"
    elif not _key_allows(topic_arn, account):
        problem = "the policy of the topic's key does not allow kms:GenerateDataKey"
    if problem is not None:
        logger.warning("%s cannot notify %s: %s for %s", alarm_arn, topic_arn, problem, _CLOUDWATCH)
    return problem is None


def _key_allows(topic_arn: str, account: str) -> bool:
    from ministack import app as ministack_app
    from ministack.core import iam_evaluator

    topic = _sns._topic_by_arn_any_scope(topic_arn) or {}
    key = topic.get("attributes", {}).get("KmsMasterKeyId")
    if not key or not ministack_app.AUTH:
        return True
    # The key that AWS manages for SNS has a policy that nobody can change.
    found = None if key.startswith("alias/aws/") else _kms.key_policy_for_arn(key)
    if found is None:
        return False
    return all(
        iam_evaluator.evaluate_resource_policy(
            found[0],
            iam_evaluator.EvalContext(
                principal_arn=_CLOUDWATCH,
                principal_type="AWSService",
                principal_account="",
                action=action,
                resource_arn="*",
                region=topic_arn.split(":")[3],
                service_context={"aws:sourceaccount": account},
            ),
            service=_CLOUDWATCH,
        ).decision
        == "Allow"
        for action in ("kms:GenerateDataKey", "kms:Decrypt")
    )


def set_state(alarm: Alarm, state: str, reason: str, now: float) -> None:
    """Put an alarm in another state, and do what it does then."""
    before = alarm["StateValue"]
    alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(now))
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)
