"""Places that are remembered are those that CDK would tell."""

from __future__ import annotations

import pytest
from aws_cdk import NestedStack, Stack, Stage
from constructs import Construct

from cdk_code_interpreter._cdk import construct_tree as places
from cdk_code_interpreter._cdk.construct_tree import Component


@pytest.mark.parametrize(
    "construct_id", ["Plain", "with/slash", "with space", "a.b", "ä", "Default"]
)
@pytest.mark.parametrize("scopes", [0, 1, 2])
def test_a_components_place_is_the_one_that_cdk_tells(stack, construct_id, scopes):
    scope: Construct = stack
    for number in range(scopes):
        scope = Component(scope, f"{construct_id}{number}")
    made = Component(scope, construct_id)
    assert places.path_of(made) == made.node.path
    assert places.stack_of(made) is Stack.of(made)
    assert places.child_of(scope, construct_id) is made


def test_components_of_nested_stacks_and_stages_are_in_their_own_stack(new_app):
    stage = Stage(new_app(), "Prod")
    nested = NestedStack(Stack(stage, "Outer"), "Nested")
    made = Component(nested, "Made")
    assert places.stack_of(made) is nested
    assert places.path_of(made) == "Prod/Outer/Nested/Made"


def test_a_child_that_comes_later_is_found(stack):
    assert places.child_of(stack, "Later") is None
    later = Construct(stack, "Later")
    assert places.child_of(stack, "Later") is later


def test_a_stack_without_an_app_is_the_top_of_its_tree():
    made = Component(Stack(), "Made")
    assert places.path_of(made) == made.node.path
