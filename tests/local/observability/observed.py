"""A governed interpreter in a local AWS, deployed by CloudFormation alone."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import App, CfnOutput, DefaultStackSynthesizer, Duration, RemovalPolicy, Stack
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs

from agentcore_local import LocalAws
from cdk_code_interpreter.interpreter.code_interpreter import CodeInterpreter
from cdk_code_interpreter.observability.alarms import AlarmThresholds, CodeInterpreterAlarms
from cdk_code_interpreter.observability.dashboard import CodeInterpreterDashboard
from cdk_code_interpreter.observability.log_delivery import LogDelivery
from cdk_code_interpreter.sessions.canary import Canary
from cdk_code_interpreter.sessions.session_janitor import SessionJanitor

# A session is over age as soon as the clock has moved on: tests move it by minutes.
_AGE, _NO_AGE = '\\"max_age_seconds\\": 3600', '\\"max_age_seconds\\": 0.001'
THRESHOLDS = {
    "start_latency": 400,
    "session_starts": 4,
    # Eight idle sessions cost 0.0097: each is billed for 128 MB at least.
    "cost_per_hour": 0.005,
    "account_cost_per_hour": 0.005,
    "active_sessions": 2,
}


def governed(folder: Path, *, description: str = "one") -> App:
    app = App(outdir=str(folder))
    synthesizer = DefaultStackSynthesizer(generate_bootstrap_version_rule=False)
    stack = Stack(app, "Observed", synthesizer=synthesizer)
    topic = sns.Topic(stack, "Topic")
    queue = sqs.Queue(stack, "Subscriber", removal_policy=RemovalPolicy.DESTROY)
    topic.add_subscription(subscriptions.SqsSubscription(queue))
    sandbox = CodeInterpreter(stack, "Sandbox", description=description)
    alarms = CodeInterpreterAlarms(
        stack,
        "Alarms",
        interpreter=sandbox,
        actions=[topic],
        thresholds=AlarmThresholds(
            **{**THRESHOLDS, "start_latency": Duration.millis(THRESHOLDS["start_latency"])}
        ),
        janitor=SessionJanitor(stack, "Janitor", interpreter=sandbox),
        canary=Canary(stack, "Canary", interpreter=sandbox),
    )
    LogDelivery(stack, "Logs", interpreter=sandbox, application_logs=True, traces=True)
    CodeInterpreterDashboard(
        stack, "Dashboard", interpreters=[sandbox], alarms=[alarms], dashboard_name="observed"
    )
    for name, value in {
        "Interpreter": sandbox.code_interpreter_id,
        "Queue": queue.queue_url,
    }.items():
        CfnOutput(stack, name, value=value)
    return app


def put_assets(aws: LocalAws, folder: Path) -> None:
    """Put the code of functions where templates look for it."""
    storage = aws.client("s3")
    for manifest in folder.glob("*.assets.json"):
        for each in json.loads(manifest.read_text())["files"].values():
            (destination,) = each["destinations"].values()
            if each["source"]["packaging"] != "zip":
                continue
            bucket = destination["bucketName"].replace("${AWS::AccountId}", aws.account)
            bucket = bucket.replace("${AWS::Region}", aws.region)
            with contextlib.suppress(storage.exceptions.BucketAlreadyOwnedByYou):
                storage.create_bucket(Bucket=bucket)
            body = zipped(folder / each["source"]["path"])
            storage.put_object(Bucket=bucket, Key=destination["objectKey"], Body=body)


def zipped(folder: Path) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                packed.write(path, path.relative_to(folder))
    return archive.getvalue()


@dataclass
class Observed:
    """The deployed stack, and what tests do to it."""

    aws: LocalAws
    template: dict[str, Any]

    def __post_init__(self) -> None:
        self.stacks = self.aws.client("cloudformation")
        self.cloudwatch = self.aws.client("cloudwatch")
        self.functions = self.aws.client("lambda")
        self.schedules = self.aws.client("scheduler")
        self.data = self.aws.client("bedrock-agentcore", config=_no_retries())

    @property
    def stack(self) -> dict[str, Any]:
        found: dict[str, Any] = self.stacks.describe_stacks(StackName="Observed")["Stacks"][0]
        return found

    @property
    def outputs(self) -> dict[str, str]:
        return {each["OutputKey"]: each["OutputValue"] for each in self.stack["Outputs"]}

    @property
    def interpreter(self) -> str:
        return self.outputs["Interpreter"]

    def resource(self, kind: str, part: str = "") -> str:
        """The physical id of a resource whose logical id has a part."""
        (found,) = [
            each["PhysicalResourceId"]
            for each in self.stacks.describe_stack_resources(StackName="Observed")["StackResources"]
            if each["ResourceType"] == kind and part in each["LogicalResourceId"]
        ]
        return str(found)

    def alarms(self) -> dict[str, dict[str, Any]]:
        """The alarms by their construct ids."""
        answer = self.cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        names = {
            each["PhysicalResourceId"]: each["LogicalResourceId"]
            for each in self.stacks.describe_stack_resources(StackName="Observed")["StackResources"]
        }
        found = {}
        for alarm in (*answer["MetricAlarms"], *answer["CompositeAlarms"]):
            logical = names[alarm["AlarmName"]][:-8]
            short = logical.removeprefix("CodeInterpreterStackAlarms").removeprefix("Alarms")
            found[short] = alarm
        return found

    def now(self) -> float:
        return float(self.aws.admin("GET", "status")["now"])

    def advance(self, minutes: float) -> None:
        self.aws.admin("POST", "clock", {"advance_seconds": minutes * 60})

    def state(self, alarm: str) -> str:
        self.aws.admin("POST", "alarms/evaluate")
        return str(self.alarms()[alarm]["StateValue"])

    def start(self, count: int = 1) -> list[str]:
        return [
            self.data.start_code_interpreter_session(
                codeInterpreterIdentifier=self.interpreter, sessionTimeoutSeconds=28_800
            )["sessionId"]
            for _ in range(count)
        ]

    def run(self, session: str, code: str = "print(1)") -> None:
        answer = self.data.invoke_code_interpreter(
            codeInterpreterIdentifier=self.interpreter,
            sessionId=session,
            name="executeCode",
            arguments={"language": "python", "code": code},
        )
        list(answer["stream"])

    def stop_all(self) -> None:
        """Stop every session, with no janitor's help."""
        listed = self.data.list_code_interpreter_sessions(
            codeInterpreterIdentifier=self.interpreter, status="READY", maxResults=100
        )
        for each in listed["items"]:
            self.data.stop_code_interpreter_session(
                codeInterpreterIdentifier=self.interpreter, sessionId=each["sessionId"]
            )

    def invoke(self, function: str, event: dict[str, Any], *, wait: bool = True) -> None:
        self.functions.invoke(
            FunctionName=self.resource("AWS::Lambda::Function", function),
            InvocationType="RequestResponse" if wait else "Event",
            Payload=json.dumps(event),
        )

    def schedule(self, part: str) -> dict[str, Any]:
        name = self.resource("AWS::Scheduler::Schedule", part)
        group = self.resource("AWS::Scheduler::ScheduleGroup")
        found: dict[str, Any] = self.schedules.get_schedule(Name=name, GroupName=group)
        return found

    def change_schedule(self, part: str, *, state: str = "ENABLED", **event: Any) -> None:
        """Switch a schedule on or off, or change the event that it sends."""
        found = self.schedule(part)
        target = found["Target"]
        target["Input"] = json.dumps({**json.loads(target["Input"]), **event})
        self.schedules.update_schedule(
            Name=found["Name"],
            GroupName=found["GroupName"],
            ScheduleExpression=found["ScheduleExpression"],
            FlexibleTimeWindow=found["FlexibleTimeWindow"],
            State=state,
            Target=target,
        )

    def event_of(self, part: str, **changes: Any) -> dict[str, Any]:
        return {**json.loads(self.schedule(part)["Target"]["Input"]), **changes}

    def notifications(self) -> list[tuple[str, str]]:
        """The alarms by their names and the states that the topic's subscriber was told of."""
        queue, client = self.outputs["Queue"], self.aws.client("sqs")
        found = []
        while messages := client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                body = json.loads(json.loads(message["Body"])["Message"])
                found.append((body["AlarmName"], body["NewStateValue"]))
                client.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    def create(self) -> None:
        self.stacks.create_stack(StackName="Observed", **self._from(self.template))
        self.stacks.get_waiter("stack_create_complete").wait(
            StackName="Observed", WaiterConfig={"Delay": 0.2, "MaxAttempts": 600}
        )

    def _from(self, template: dict[str, Any]) -> dict[str, Any]:
        """A template is larger than a request may be."""
        storage = self.aws.client("s3")
        with contextlib.suppress(storage.exceptions.BucketAlreadyOwnedByYou):
            storage.create_bucket(Bucket="templates")
        storage.put_object(Bucket="templates", Key="template", Body=json.dumps(template))
        url = f"{self.aws.endpoint_url}/templates/template"
        return {"TemplateURL": url, "Capabilities": ["CAPABILITY_NAMED_IAM"]}

    def update(self, template: dict[str, Any]) -> None:
        self.stacks.update_stack(StackName="Observed", **self._from(template))
        self.stacks.get_waiter("stack_update_complete").wait(
            StackName="Observed", WaiterConfig={"Delay": 0.2, "MaxAttempts": 600}
        )


def _no_retries() -> Any:
    from botocore.config import Config

    return Config(retries={"total_max_attempts": 1})


def template_of(folder: Path, **options: Any) -> dict[str, Any]:
    governed(folder, **options).synth()
    text = (folder / "Observed.template.json").read_text()
    assert _AGE in text
    template: dict[str, Any] = json.loads(text.replace(_AGE, _NO_AGE))
    (canary,) = [
        each
        for name, each in template["Resources"].items()
        if each["Type"] == "AWS::Scheduler::Schedule" and name.startswith("Canary")
    ]
    # Each run of the canary takes some seconds: it runs where a test is about it.
    canary["Properties"]["State"] = "DISABLED"
    return template


def deployed(aws: LocalAws, folder: Path) -> Observed:
    template = template_of(folder)
    put_assets(aws, folder)
    observed = Observed(aws, template)
    observed.create()
    return observed
