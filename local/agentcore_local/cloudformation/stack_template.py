"""A template with the parameters it is deployed with, in the stack it is deployed to."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from graphlib import TopologicalSorter
from typing import Any

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.cloudformation.faults import settings

Record = dict[str, Any]
Records = dict[str, Record]


class StackTemplate:
    """What a stack's template says, once its parameters and conditions are known.

    Args:
        body: the template, parsed and transformed.
        parameters: the resolved parameters, by name.
        stack_name: the stack's name.
        stack_id: the stack's ARN.
    """

    def __init__(
        self,
        body: Mapping[str, Any],
        parameters: Mapping[str, Any],
        *,
        stack_name: str,
        stack_id: str,
    ) -> None:
        self.body = dict(body)
        self.parameters = dict(parameters)
        self.stack_name = stack_name
        self.stack_id = stack_id
        self.mappings: dict[str, Any] = self.body.get("Mappings") or {}
        self.conditions: dict[str, Any] = ministack.engine._evaluate_conditions(
            self.body, self.parameters
        )
        self.resources: dict[str, dict[str, Any]] = self.body.get("Resources") or {}
        self.outputs: dict[str, dict[str, Any]] = self.body.get("Outputs") or {}

    def in_order(self) -> list[str]:
        """The logical ids of the resources that are to exist, dependencies first.

        Raises:
            ValueError: the resources depend on each other in a circle.
        """
        ordered: list[str] = ministack.engine._topological_sort(self.resources, self.conditions)
        return _with_ties_reversed(ordered, self) if settings.reverse_order else ordered

    def deletion_order(self, logical_ids: Collection[str]) -> list[str]:
        """These logical ids with dependents before what they depend on."""
        try:
            known = [name for name in self.in_order() if name in logical_ids]
        except ValueError:
            known = []
        # What the template no longer declares has no dependents left: it goes first.
        return [name for name in logical_ids if name not in known] + known[::-1]

    def with_dependencies(self, logical_id: str, among: Collection[str]) -> set[str]:
        """A resource and everything in `among` that it depends on, directly or not."""
        found: set[str] = ministack.stacks._with_dependencies(
            [logical_id], self.resources, set(among)
        )
        return found

    def resource_type(self, logical_id: str) -> str:
        """The type of a resource."""
        return str(self.resources[logical_id].get("Type", "AWS::CloudFormation::CustomResource"))

    def policy(self, logical_id: str, attribute: str, records: Records) -> str:
        """The `DeletionPolicy` or `UpdateReplacePolicy` of a resource."""
        return str(
            ministack.stacks._resource_policy(
                self.resources.get(logical_id),
                attribute,
                records,
                self.parameters,
                self.conditions,
                self.mappings,
                self.stack_name,
                self.stack_id,
            )
        )

    def retains(self, logical_id: str, attribute: str, records: Records) -> bool:
        """Whether that policy keeps the resource."""
        policy = self.policy(logical_id, attribute, records)
        return policy in ministack.provisioners._RETAINING_POLICIES

    def resolve(self, value: Any, records: Records) -> Any:
        """A value of the template with its intrinsic functions evaluated.

        Raises:
            ValueError: a reference cannot be resolved.
        """
        return ministack.engine._resolve_refs(
            copy.deepcopy(value),
            records,
            self.parameters,
            self.conditions,
            self.mappings,
            self.stack_name,
            self.stack_id,
        )

    def properties(self, logical_id: str, records: Records) -> dict[str, Any]:
        """The properties of a resource with their intrinsic functions evaluated.

        Raises:
            ValueError: a reference cannot be resolved.
        """
        resolved = self.resolve(self.resources[logical_id].get("Properties") or {}, records)
        return {
            name: value
            for name, value in resolved.items()
            if value is not ministack.engine._NO_VALUE
        }


def _with_ties_reversed(ordered: list[str], template: StackTemplate) -> list[str]:
    sorter = TopologicalSorter(
        {name: template.with_dependencies(name, ordered) - {name} for name in ordered}
    )
    sorter.prepare()
    reversed_order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), reverse=True)
        reversed_order.extend(ready)
        sorter.done(*ready)
    return reversed_order
