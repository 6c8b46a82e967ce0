"""Alarms and metric data of a running local AWS, through boto3."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from agentcore_local import LocalAws

Dimensions = dict[str, str]


@dataclass
class Bench:
    """A namespace of its own, with a topic and a queue that is subscribed to it."""

    aws: LocalAws
    namespace: str
    topic: str
    queue: str

    def put(self, value: float, dimensions: Dimensions, *, age: float = 0.0) -> None:
        """Publish a value so that its minute is over once the clock moves on by one."""
        now = self.aws.admin("GET", "status")["now"]
        datum = {
            "MetricName": "x",
            "Dimensions": listed(dimensions),
            "Value": value,
            "Timestamp": now - age,
        }
        self.aws.client("cloudwatch").put_metric_data(Namespace=self.namespace, MetricData=[datum])

    def alarm(self, name: str, dimensions: Dimensions, **options: Any) -> str:
        """Put an alarm on more than 9 in a minute; its own name."""
        whole_name = f"{self.namespace}-{name}"
        settings = {
            "MetricName": "x",
            "Namespace": self.namespace,
            "Dimensions": listed(dimensions),
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 9.0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [self.topic],
            "OKActions": [self.topic],
            **options,
        }
        given = {key: value for key, value in settings.items() if value is not None}
        self.aws.client("cloudwatch").put_metric_alarm(AlarmName=whole_name, **given)
        return whole_name

    def advance(self, seconds: float) -> None:
        self.aws.admin("POST", "clock", {"advance_seconds": seconds})

    def state(self, name: str) -> str:
        return str(self.aws.admin("POST", "alarms/evaluate")["alarms"][name])

    def notified(self) -> list[tuple[str, str]]:
        """Alarm and state of each message so far."""
        sqs = self.aws.client("sqs")
        found = []
        while messages := sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                body = json.loads(json.loads(message["Body"])["Message"])
                found.append((body["AlarmName"], body["NewStateValue"]))
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return found


def listed(dimensions: Dimensions) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]


@pytest.fixture
def bench(aws: LocalAws) -> Bench:
    name = f"n{uuid.uuid4().hex[:8]}"
    topic = aws.client("sns").create_topic(Name=name)["TopicArn"]
    arn = f"arn:aws:sqs:{aws.region}:{aws.account}:{name}"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    queue = aws.client("sqs").create_queue(QueueName=name, Attributes={"Policy": policy})
    aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return Bench(aws, name, topic, queue["QueueUrl"])


def test_an_alarm_is_raised_and_over_and_says_so(bench: Bench) -> None:
    name = bench.alarm("a", {"Who": "me"})
    bench.put(10, {"Who": "me"})
    bench.advance(60)
    assert bench.state(name) == "ALARM"
    bench.advance(300)
    assert bench.state(name) == "OK"
    assert [each for each in bench.notified() if each[1] == "ALARM"] == [(name, "ALARM")]


def raised_with_topic(bench: Bench, attribute: str, value: str) -> bool:
    """Whether the subscriber hears of an alarm when the topic has an attribute."""
    bench.aws.client("sns").set_topic_attributes(
        TopicArn=bench.topic, AttributeName=attribute, AttributeValue=value
    )
    name = bench.alarm("a", {"Who": "me"})
    bench.put(10, {"Who": "me"})
    bench.advance(60)
    assert bench.state(name) == "ALARM"
    return (name, "ALARM") in bench.notified()


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def test_a_topic_whose_policy_leaves_cloudwatch_out_is_not_notified(bench: Bench) -> None:
    only_tls = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sns:Publish",
        "Resource": bench.topic,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    assert not raised_with_topic(bench, "Policy", document(only_tls))
    bench.advance(300)
    bench.notified()
    let_in = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": bench.topic,
        "Condition": {"StringEquals": {"aws:SourceAccount": bench.aws.account}},
    }
    assert raised_with_topic(bench, "Policy", document(only_tls, let_in))


def test_an_encrypted_topic_needs_a_key_that_cloudwatch_may_use(bench: Bench) -> None:
    root = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{bench.aws.account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    let_in = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
    }
    kms = bench.aws.client("kms")
    keys = [
        kms.create_key(Policy=document(*each))["KeyMetadata"]["Arn"]
        for each in ([root], [root, let_in])
    ]
    heard = []
    for key in ("alias/aws/sns", *keys):
        heard.append(raised_with_topic(bench, "KmsMasterKeyId", key))
        bench.advance(300)
        bench.notified()
    assert heard == [False, False, True]


@pytest.mark.parametrize("wrong", [{}, {"Who": "you"}, {"Who": "me", "What": "it"}])
def test_an_alarm_with_other_dimensions_sees_nothing(bench: Bench, wrong: Dimensions) -> None:
    name = bench.alarm("a", wrong, TreatMissingData="missing")
    bench.put(10, {"Who": "me"})
    bench.advance(60)
    assert bench.state(name) == "INSUFFICIENT_DATA"


def test_data_of_another_unit_is_not_seen(bench: Bench) -> None:
    name = bench.alarm("a", {}, Unit="Seconds")
    bench.put(10, {})
    bench.advance(60)
    assert bench.state(name) == "OK"


def math_queries(
    bench: Bench, expression: str, dimensions: Sequence[Dimensions]
) -> list[dict[str, Any]]:
    return [
        *(
            {
                "Id": f"m{number}",
                "ReturnData": False,
                "MetricStat": {
                    "Metric": {
                        "Namespace": bench.namespace,
                        "MetricName": "x",
                        "Dimensions": listed(each),
                    },
                    "Period": 60,
                    "Stat": "Sum",
                },
            }
            for number, each in enumerate(dimensions)
        ),
        {"Id": "result", "Expression": expression},
    ]


def of_math_queries(bench: Bench, expression: str, dimensions: Sequence[Dimensions]) -> str:
    nothing = dict.fromkeys(("MetricName", "Namespace", "Dimensions", "Statistic", "Period"))
    return bench.alarm("a", {}, **nothing, Metrics=math_queries(bench, expression, dimensions))


def test_metric_math_adds_what_there_is(bench: Bench) -> None:
    name = of_math_queries(bench, "SUM([FILL(m0, 0), FILL(m1, 0)])", [{"By": "id"}, {"By": "arn"}])
    bench.put(10, {"By": "arn"})
    bench.advance(60)
    assert bench.state(name) == "ALARM"


def test_get_metric_data_evaluates_expressions(bench: Bench) -> None:
    bench.put(10, {"By": "arn"})
    now = bench.aws.admin("GET", "status")["now"]
    (found,) = bench.aws.client("cloudwatch").get_metric_data(
        StartTime=now - 600,
        EndTime=now + 60,
        MetricDataQueries=math_queries(bench, "SUM([m0, m1]) * 2", [{"By": "id"}, {"By": "arn"}]),
    )["MetricDataResults"]
    assert found["Values"] == [20.0]
    assert found["Timestamps"][0].timestamp() == now // 60 * 60


def test_get_metric_data_needs_every_dimension(bench: Bench) -> None:
    bench.put(10, {"Who": "me"})
    now = bench.aws.admin("GET", "status")["now"]
    (found,) = bench.aws.client("cloudwatch").get_metric_data(
        StartTime=now - 600, EndTime=now + 60, MetricDataQueries=math_queries(bench, "m0 * 1", [{}])
    )["MetricDataResults"]
    assert found["Values"] == []


def test_the_query_protocol_is_understood_too(bench: Bench) -> None:
    """The AWS CLI of some distributions, and older SDKs, speak it."""
    import botocore.session

    session = botocore.session.Session()
    model = session.get_service_model("cloudwatch")
    operation = model.operation_model("PutMetricAlarm")
    from botocore.serialize import create_serializer

    request = create_serializer("query").serialize_to_request(
        {
            "AlarmName": f"{bench.namespace}-query",
            "Metrics": math_queries(bench, "m0 * 2", [{"Who": "me"}]),
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 9.0,
            "EvaluationPeriods": 1,
        },
        operation,
    )
    import urllib.parse
    import urllib.request

    body = urllib.parse.urlencode(request["body"]).encode()
    credential = f"test/20260101/{bench.aws.region}/monitoring/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, "
        "Signature=00"
    }
    call = urllib.request.Request(bench.aws.endpoint_url, data=body, headers=headers)
    with urllib.request.urlopen(call, timeout=30) as answer:
        assert answer.status == 200
    bench.put(10, {"Who": "me"})
    bench.advance(60)
    assert bench.state(f"{bench.namespace}-query") == "ALARM"


def test_an_alarm_that_aws_would_refuse_is_refused(bench: Bench) -> None:
    with pytest.raises(ClientError, match="across more than a day"):
        bench.alarm("a", {}, EvaluationPeriods=1441)
    with pytest.raises(ClientError, match="SEARCH is not supported"):
        of_math_queries(bench, "SEARCH('x', 'Sum')", [{}])


def test_a_composite_follows_its_children(bench: Bench) -> None:
    name = bench.alarm("child", {"Who": "me"})
    composite = f"{bench.namespace}-composite"
    bench.aws.client("cloudwatch").put_composite_alarm(
        AlarmName=composite, AlarmRule=f'ALARM("{name}")'
    )
    bench.put(10, {"Who": "me"})
    bench.advance(60)
    assert bench.state(composite) == "ALARM"
    bench.advance(300)
    assert bench.state(composite) == "OK"


def test_the_minutes_that_pass_are_lived_through(bench: Bench) -> None:
    """A breach in the middle of a longer time is not missed."""
    name = bench.alarm("a", {"Who": "me"})
    bench.put(10, {"Who": "me"}, age=-1800)
    bench.advance(3600)
    assert bench.state(name) == "OK"
    assert (name, "ALARM") in bench.notified()


FUNCTION = """
import json, time
def handler(event, context):
    print(json.dumps({"event": event}))
    print(json.dumps({"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [
        {"Namespace": event.get("namespace", "none"), "Dimensions": [["Who"]],
         "Metrics": [{"Name": "x"}]}
    ]}, "Who": "me", "x": 10}))
    if event.get("fail"):
        raise RuntimeError("as told")
"""


@pytest.fixture
def function(aws: LocalAws) -> str:
    """The ARN of a function that publishes a metric in its log."""
    iam = aws.client("iam")
    name = f"f{uuid.uuid4().hex[:8]}"
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    logs = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
    iam.put_role_policy(
        RoleName=name,
        PolicyName="logs",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [logs]}),
    )
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("index.py", FUNCTION)
    created = aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role["Role"]["Arn"],
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
    )
    return str(created["FunctionArn"])


def invoke(bench: Bench, function: str, **event: Any) -> None:
    payload = json.dumps({"namespace": bench.namespace, **event})
    bench.aws.client("lambda").invoke(FunctionName=function, Payload=payload)


def test_metrics_in_a_functions_log_are_published_by_the_moved_clock(
    bench: Bench, function: str
) -> None:
    name = bench.alarm("a", {"Who": "me"})
    bench.advance(86_400)
    invoke(bench, function)
    bench.advance(60)
    assert bench.state(name) == "ALARM"


def test_metrics_in_a_log_that_may_not_be_written_are_lost(bench: Bench, function: str) -> None:
    bench.aws.client("iam").delete_role_policy(
        RoleName=function.rsplit(":", 1)[-1], PolicyName="logs"
    )
    name = bench.alarm("a", {"Who": "me"}, TreatMissingData="missing")
    invoke(bench, function)
    bench.advance(60)
    assert bench.state(name) == "INSUFFICIENT_DATA"


def test_a_failed_run_is_counted_where_it_happened(bench: Bench, function: str) -> None:
    dimensions = {"FunctionName": function.rsplit(":", 1)[-1]}
    settings = {"Namespace": "AWS/Lambda", "MetricName": "Errors", "Threshold": 0.5}
    name = bench.alarm("a", dimensions, **settings)
    invoke(bench, function)
    bench.advance(60)
    assert bench.state(name) == "OK"
    invoke(bench, function, fail=True)
    bench.advance(60)
    assert bench.state(name) == "ALARM"


def test_letters_in_a_queue_are_counted(bench: Bench) -> None:
    queue = bench.aws.client("sqs").create_queue(QueueName=f"{bench.namespace}-letters")
    settings = {
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Statistic": "Maximum",
        "Threshold": 0.5,
    }
    name = bench.alarm("a", {"QueueName": f"{bench.namespace}-letters"}, **settings)
    bench.aws.client("sqs").send_message(QueueUrl=queue["QueueUrl"], MessageBody="x")
    bench.advance(60)
    assert bench.state(name) == "ALARM"
    bench.aws.client("sqs").purge_queue(QueueUrl=queue["QueueUrl"])
    bench.advance(180)
    assert bench.state(name) == "OK"


def test_an_alarm_invokes_a_function_only_with_its_permission(bench: Bench, function: str) -> None:
    runs = {"FunctionName": function.rsplit(":", 1)[-1]}
    counted = bench.alarm(
        "runs", runs, Namespace="AWS/Lambda", MetricName="Invocations", Threshold=0.5
    )
    name = bench.alarm("a", {"Who": "me"}, AlarmActions=[function])
    bench.put(10, {"Who": "me"})
    bench.advance(60)
    assert bench.state(name) == "ALARM"
    bench.advance(300)
    assert bench.state(counted) == "OK"
    bench.aws.client("lambda").add_permission(
        FunctionName=function,
        StatementId="alarm",
        Action="lambda:InvokeFunction",
        Principal="lambda.alarms.cloudwatch.amazonaws.com",
        SourceArn=f"arn:aws:cloudwatch:{bench.aws.region}:{bench.aws.account}:alarm:{name}",
    )
    bench.put(10, {"Who": "me"})
    bench.advance(180)
    assert (counted, "ALARM") in bench.notified()


def test_a_schedule_ticks_at_once_and_in_the_minutes_that_pass(bench: Bench, function: str) -> None:
    aws = bench.aws
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "scheduler.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    role = aws.client("iam").create_role(
        RoleName=f"{bench.namespace}-scheduler", AssumeRolePolicyDocument=json.dumps(trust)
    )["Role"]
    allowed = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": function}
    aws.client("iam").put_role_policy(
        RoleName=role["RoleName"],
        PolicyName="invoke",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
    start = aws.admin("GET", "status")["now"]
    aws.client("scheduler").create_schedule(
        Name=bench.namespace,
        ScheduleExpression="rate(5 minutes)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": function,
            "RoleArn": role["Arn"],
            "Input": json.dumps({"namespace": bench.namespace}),
        },
    )
    bench.advance(3600)
    aws.client("scheduler").delete_schedule(Name=bench.namespace)
    (found,) = aws.client("cloudwatch").get_metric_data(
        StartTime=start - 60,
        EndTime=start + 3660,
        MetricDataQueries=[
            {
                "Id": "runs",
                "MetricStat": {
                    "Metric": {
                        "Namespace": bench.namespace,
                        "MetricName": "x",
                        "Dimensions": listed({"Who": "me"}),
                    },
                    "Period": 60,
                    "Stat": "SampleCount",
                },
            }
        ],
    )["MetricDataResults"]
    assert sum(found["Values"]) in (12.0, 13.0)
    assert found["Timestamps"][-1].timestamp() < start + 300
