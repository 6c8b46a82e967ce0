"""What the documentation leaves open about roles, metrics and the functions' runtime."""

from __future__ import annotations

import functools
from typing import Any

from agentcore_local.conformance.laboratory import Laboratory, outcome_of
from agentcore_local.conformance.questions import Answer, Question

NAMESPACE = "AWS/Bedrock-AgentCore"
USAGE_METRIC = "CPUUsed-vCPUHours"
RUNTIMES = ("python3.13", "python3.14")
_WORK = "sum(i * i for i in range(10_000_000))"
_VERSIONS = (
    "import boto3, botocore\n"
    "def handler(event, context):\n"
    "    return {'boto3': boto3.__version__, 'botocore': botocore.__version__}\n"
)


def _trust(laboratory: Laboratory) -> Answer:
    target = laboratory.target
    begin = f"arn:{target.partition}:bedrock-agentcore:{target.region}:{target.account}"
    account = {"StringEquals": {"aws:SourceAccount": target.account}}
    patterns: dict[str, dict[str, Any] | None] = {
        # First what should pass: it tells how long a new role takes to spread.
        "this interpreter": {
            **account,
            "ArnLike": {"aws:SourceArn": f"{begin}:code-interpreter-custom/{laboratory.prefix}*"},
        },
        "this account": {**account, "ArnLike": {"aws:SourceArn": f"{begin}:*"}},
        "no condition": None,
        "another account": {"StringEquals": {"aws:SourceAccount": "000000000000"}},
    }
    evidence: list[str] = []
    passing: list[str] = []
    for label, condition in patterns.items():
        role = laboratory.role(
            "trust", service="bedrock-agentcore.amazonaws.com", condition=condition
        )
        creation = functools.partial(laboratory.interpreter, "trust", role_arn=role)
        if label != "another account":
            creation = functools.partial(laboratory.patiently, creation)
        code, message = outcome_of(creation)
        evidence.append(f"trust for {label}: {code} {message}")
        passing += [label] if code == "ok" else []
    return Answer(value=", ".join(passing) or "none", evidence=tuple(evidence))


def _usage_resource(laboratory: Laboratory) -> Answer:
    interpreter = laboratory.shared_interpreter()
    session = laboratory.session(interpreter)
    laboratory.run(interpreter, session, "executeCode", language="python", code=_WORK)
    laboratory.stop(interpreter, session)
    values: set[str] = set()

    def found() -> bool:
        values.update(_resources(laboratory, USAGE_METRIC, interpreter))
        return bool(values)

    laboratory.target.wait_for(found, USAGE.waits_minutes)
    kinds = {"arn" if value.startswith("arn:") else "id" for value in values}
    evidence = [f"{USAGE_METRIC} has Resource {value}" for value in sorted(values)]
    evidence += [
        f"{metric} has the dimensions {names}"
        for metric, names in sorted(_dimension_sets(laboratory, interpreter))
    ]
    return Answer(value=" and ".join(sorted(kinds)) or "not seen", evidence=tuple(evidence))


def _resources(laboratory: Laboratory, metric: str, interpreter: str) -> set[str]:
    return {
        dimension["Value"]
        for found in _metrics(laboratory, MetricName=metric)
        for dimension in found["Dimensions"]
        if dimension["Name"] == "Resource" and interpreter in dimension["Value"]
    }


def _dimension_sets(laboratory: Laboratory, interpreter: str) -> set[tuple[str, str]]:
    return {
        (found["MetricName"], " + ".join(sorted(each["Name"] for each in found["Dimensions"])))
        for found in _metrics(laboratory)
        if any(interpreter in each["Value"] for each in found["Dimensions"])
    }


def _metrics(laboratory: Laboratory, **options: Any) -> list[dict[str, Any]]:
    client = laboratory.target.client("cloudwatch")
    pages = client.get_paginator("list_metrics").paginate(Namespace=NAMESPACE, **options)
    return [metric for page in pages for metric in page["Metrics"]]


def _bundled_sdk(laboratory: Laboratory) -> Answer:
    found = {name: laboratory.python_function(name, _VERSIONS) for name in RUNTIMES}
    return Answer(
        value=", ".join(f"{name}: boto3 {versions['boto3']}" for name, versions in found.items()),
        evidence=tuple(f"{name}: {versions}" for name, versions in found.items()),
    )


USAGE = Question(
    id="usage-resource",
    text="Is the Resource of the usage metrics an id or an ARN?",
    matters="Alarms and dashboards add both.",
    ask=_usage_resource,
    sessions=1,
    behavior="usage_resource",
    settings={"id": "id", "arn": "arn"},
    waits_minutes=90,
)

QUESTIONS = (
    Question(
        id="trust",
        text="Which trust policies pass the validation of an execution role?",
        matters="The default is the narrowest; TrustScope.ACCOUNT is the documentation's own.",
        ask=_trust,
        behavior="unconditioned_trust_fails",
        settings={
            "this interpreter, this account": True,
            "this interpreter, this account, no condition": False,
        },
    ),
    Question(
        id="bundled-sdk",
        text="Which boto3 do Lambda's Python runtimes bundle?",
        matters="The session functions use nothing newer than botocore 1.39.7.",
        ask=_bundled_sdk,
    ),
    USAGE,
)
