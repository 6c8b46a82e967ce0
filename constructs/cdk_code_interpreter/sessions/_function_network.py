"""Session functions that something else put into a VPC."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from aws_cdk import aws_lambda as lambda_

from .._documents.values import mapping
from ..checks.app_checks import Check, TemplateProblem, written
from ..checks.template import Templates

if TYPE_CHECKING:
    from aws_cdk import CfnResource


def outside_of_vpc(path: str, function: lambda_.Function) -> Check:
    """Return a check of the written templates: is a function in a VPC without our knowing?

    A property injector or an aspect can put it there. Then its role lacks what Lambda needs for the
    network interfaces, and the deployment fails.

    Args:
        path: The function's path.
        function: The function.
    """

    def check(templates: Templates) -> Iterator[TemplateProblem]:
        found = written(templates, cast("CfnResource", function.node.default_child))
        if found is None or not mapping(found.properties.get("VpcConfig")).get("SubnetIds"):
            return
        yield TemplateProblem(
            "function-network",
            f"{path}: an aspect or a property injector put this function into a VPC, where its "
            "role may not create network interfaces, so the deployment would fail; say so with "
            "SessionManager.of(stack, SessionManagerSettings(vpc=..., vpc_subnets=..., "
            "security_groups=...)) before the first construct that uses it, or leave this "
            "function out there",
            found,
            "Properties/VpcConfig",
        )

    return check
