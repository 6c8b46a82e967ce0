"""Synthesizes the storm's templates: one stack, in many variants, all under the same name.

Run as a program with the stack's name and an output folder; prints one JSON object.
"""

from __future__ import annotations

import itertools
import json
import random
import sys
from pathlib import Path
from typing import Any

CHOICES: dict[str, list[Any]] = {
    "prefix": [None, "renamed"],
    "network": ["sandbox", "public"],
    "role": ["own", "supplied", "none"],
    "description": [None, "described"],
    "certificate": [False, True],
    "tags": [{"team": "a"}, {"team": "b", "stage": "test"}],
    "revision": [None, 1],
    # The interpreter's own, as it is or blocking, or one beside it.
    "drain": ["default", "blocking", "CONTINUE", "BLOCK"],
    "janitor": [None, "SHADOW", "ENFORCE"],
    "second": [False, True],
    "retained": [False, True],
}
OWN_DRAINS = ["default", "blocking"]
AGENTS = 2
MAX_AGE_MINUTES = 60


def chosen(count: int) -> list[dict[str, Any]]:
    """Variants of which each differs from the one before it in one property, then in many."""
    first = {name: values[0] for name, values in CHOICES.items()}
    single = [{**first, name: value} for name, values in CHOICES.items() for value in values[1:]]
    every = [
        dict(zip(CHOICES, values, strict=True)) for values in itertools.product(*CHOICES.values())
    ]
    mixed = random.Random(7).sample(every, count)
    for number, variant in enumerate(mixed):
        # Without a drain there is less to go wrong: a few are enough.
        variant["retained"] = number % 4 == 0
    return [first, *single, *mixed][:count]


def main(stack_name: str, folder: str, count: str) -> None:
    from aws_cdk import App, CliCredentialsStackSynthesizer, Stack

    templates = []
    for index, variant in enumerate(chosen(int(count))):
        app = App(
            outdir=str(Path(folder) / str(index)),
            context={
                "@aws-cdk/core:defaultCrossStackReferences": "weak",
                "aws:cdk:disable-asset-staging": False,
            },
            analytics_reporting=False,
        )
        stack = Stack(app, stack_name, synthesizer=CliCredentialsStackSynthesizer())
        fill(stack, variant)
        assembly = app.synth()
        [artifact] = assembly.stacks
        assets = json.loads(Path(assembly.directory, f"{stack_name}.assets.json").read_text())
        templates.append(
            {
                "variant": variant,
                "template": artifact.template,
                "assembly": assembly.directory,
                "assets": {
                    str(Path(assembly.directory, file["source"]["path"])): next(
                        iter(file["destinations"].values())
                    )["objectKey"]
                    for file in assets["files"].values()
                    if file["source"]["packaging"] == "zip"
                },
            }
        )
    print(json.dumps(templates))


def fill(stack: Any, variant: dict[str, Any]) -> None:
    """Put one variant's constructs into a stack."""
    from aws_cdk import CfnOutput, Duration, RemovalPolicy
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_secretsmanager as secretsmanager

    from cdk_code_interpreter import (
        CodeInterpreter,
        Enforcement,
        ExecutionRole,
        NetworkAccess,
        OnDrainFailure,
        SessionDrain,
        SessionJanitor,
        SessionPolicy,
    )

    agents = [
        iam.Role(stack, f"Agent{number}", assumed_by=iam.AccountRootPrincipal())
        for number in range(AGENTS)
    ]
    certificates = [secretsmanager.Secret(stack, "Certificate")] if variant["certificate"] else None
    for name in ["Sandbox", "Second"][: 2 if variant["second"] else 1]:
        role = {
            "own": lambda: None,
            "supplied": lambda name=name: ExecutionRole(stack, f"{name}Role"),
            "none": ExecutionRole.none,
        }[variant["role"]]()
        networks = {"sandbox": NetworkAccess.sandbox, "public": NetworkAccess.public}
        blocks = variant["drain"] == "blocking" and not variant["retained"]
        interpreter = CodeInterpreter(
            stack,
            name,
            network=networks[variant["network"]](),
            execution_role=role,
            name_prefix=variant["prefix"] and f"{variant['prefix']}{name}",
            description=variant["description"],
            certificates=certificates,
            tags=variant["tags"],
            name_revision=variant["revision"],
            drain_on_delete=variant["drain"] in OWN_DRAINS,
            on_drain_failure=OnDrainFailure.BLOCK if blocks else None,
            drain_timeout=Duration.minutes(1) if blocks else None,
            removal_policy=RemovalPolicy.RETAIN if variant["retained"] else RemovalPolicy.DESTROY,
        )
        if variant["drain"] not in OWN_DRAINS and not variant["retained"]:
            SessionDrain(
                stack,
                f"{name}Drain",
                interpreter=interpreter,
                on_failure=OnDrainFailure[variant["drain"]],
                timeout=Duration.minutes(1),
            )
        if variant["janitor"]:
            SessionJanitor(
                stack,
                f"{name}Janitor",
                interpreter=interpreter,
                policy=SessionPolicy(
                    max_age=Duration.minutes(MAX_AGE_MINUTES),
                    enforcement=Enforcement[variant["janitor"]],
                    # Ticks come from the storm; this one never does.
                    schedule=Duration.hours(24),
                ),
            )
        for agent in agents:
            interpreter.grants.use(agent)
        CfnOutput(stack, f"{name}Id", value=interpreter.code_interpreter_id)
    for number, agent in enumerate(agents):
        CfnOutput(stack, f"AgentRole{number}", value=agent.role_arn)


if __name__ == "__main__":
    main(*sys.argv[1:])
