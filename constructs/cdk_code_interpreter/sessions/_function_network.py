"""Session functions that somebody else put into a VPC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_

from .._cdk.template_checks import Check, TemplateProblem


def outside_of_vpc(path: str, function: lambda_.Function) -> Check:
    """Return a check of the written templates: is a function in a VPC without our knowing?

    A property injector or an aspect can put it there. Then its role lacks what Lambda needs for the
    network interfaces, and the deployment fails.

    Args:
        path: The function's path.
        function: The function.
    """

    def check(templates: Iterable[Path]) -> Iterator[TemplateProblem]:
        from .._documents.values import mapping
        from ..checks.template import read_templates

        stack = Stack.of(function)
        own = str(stack.resolve(stack.get_logical_id(function.node.default_child)))  # type: ignore[arg-type]
        for resource in read_templates(templates).of_type("AWS::Lambda::Function"):
            template = Path(resource.template.path)
            if (template.name, resource.logical_id) != (stack.template_file, own):
                continue
            if mapping(resource.properties.get("VpcConfig")).get("SubnetIds"):
                yield TemplateProblem(
                    "function-network",
                    f"{path}: an aspect or a property injector put this function into a VPC, where "
                    "its role may not create network interfaces, so the deployment would fail; "
                    "say so with SessionManager.of(stack, SessionManagerSettings(vpc=..., "
                    "vpc_subnets=..., security_groups=...)) before the first construct that uses "
                    "it, or leave this function out there",
                    template,
                    own,
                    "Properties/VpcConfig",
                )

    return check
