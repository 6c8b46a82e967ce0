"""Policies that outlive what they allow, and never grow too long."""

from __future__ import annotations

import json

import jsii
import pytest
from aws_cdk import App, Aspects, Aws, CfnParameter, IAspect, Stack
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Annotations, Match
from hypothesis import given, settings
from hypothesis import strategies as st

from cdk_code_interpreter import CodeInterpreter, SessionJanitor
from cdk_code_interpreter.sessions._function_policies import LARGEST_POLICY, AccessPolicies, size_of

from ..apps import QUICK

POLICY = "AWS::IAM::ManagedPolicy"
DRAIN = "Custom::CodeInterpreterSessionDrain"
ACTIONS = ["bedrock-agentcore:ListCodeInterpreterSessions"]


def access_policies(template):
    return {
        name: resource
        for name, resource in template["Resources"].items()
        if resource["Type"] == POLICY and "Access" in name
    }


def drains(template):
    return {n: r for n, r in template["Resources"].items() if r["Type"] == DRAIN}


@pytest.fixture(scope="module")
def templates(new_app, synthesize):
    def of(*names: str):
        stack = Stack(new_app(), "Analytics")
        for name in names:
            CodeInterpreter(stack, name)
        return synthesize(stack)

    return of


def test_a_policy_is_replaced_when_an_interpreter_goes_so_that_its_drain_is_still_allowed(
    templates,
):
    before, after = templates("Stays", "Goes"), templates("Stays")
    old, new = set(access_policies(before)), set(access_policies(after))
    assert not old & new
    (going,) = [r for n, r in drains(before).items() if n.startswith("Goes")]
    assert old <= set(going["DependsOn"])


def test_a_drain_that_stays_depends_on_the_policy_that_is_there(templates):
    for names in (["Stays"], ["Stays", "Goes"]):
        template = templates(*names)
        for drain in drains(template).values():
            assert set(drain["DependsOn"]) == set(access_policies(template))


def test_the_same_interpreters_keep_the_same_policy(templates):
    assert set(access_policies(templates("A", "B"))) == set(access_policies(templates("A", "B")))


def test_the_order_of_interpreters_changes_no_policys_id(templates):
    assert set(access_policies(templates("A", "B"))) == set(access_policies(templates("B", "A")))


def test_a_replacement_of_the_interpreter_leaves_the_policy_alone(new_app, synthesize):
    found = []
    for description in ("one", "two"):
        stack = Stack(new_app(), "Analytics")
        CodeInterpreter(stack, "Sandbox", description=description)
        found.append(access_policies(synthesize(stack)))
    assert found[0] == found[1]


def test_what_an_aspect_defines_is_allowed_too(new_app, synthesize):
    @jsii.implements(IAspect)
    class Janitors:
        def visit(self, node):
            if isinstance(node, CodeInterpreter) and not node.node.try_find_child("Janitor"):
                SessionJanitor(node, "Janitor", interpreter=node)

    stack = Stack(new_app(), "Analytics")
    for name in ("A", "B"):
        SessionJanitor(stack, f"{name}Janitor", interpreter=CodeInterpreter(stack, name))
    late = CodeInterpreter(stack, "Late")
    Aspects.of(stack).add(Janitors())
    policies = access_policies(synthesize(stack))
    (janitors,) = [json.dumps(p) for n, p in policies.items() if "Janitor" in n]
    assert all(each in janitors for each in ("/A_", "/B_", stack.resolve(late._stem)))


def longest(document) -> int:
    """Characters of a policy as IAM counts them, with the longest values that there can be."""

    def fill(value):
        if isinstance(value, list):
            return [fill(each) for each in value]
        if not isinstance(value, dict):
            return value
        if "Fn::Join" in value:
            return "".join(fill(part) for part in value["Fn::Join"][1])
        if "Ref" in value:
            return {
                "AWS::Partition": "aws-us-gov",
                "AWS::Region": "ap-southeast-2",
                "AWS::AccountId": "111122223333",
            }.get(value["Ref"], "x" * 150)
        return {key: fill(each) for key, each in value.items()}

    return len("".join(json.dumps(fill(document)).split()))


def test_many_interpreters_get_several_policies_none_of_them_too_long(templates):
    names = [f"SandboxWithALongName{number:03}" for number in range(100)]
    template = templates(*names)
    policies = access_policies(template)
    assert 2 <= len(policies) <= 9
    documents = [each["Properties"]["PolicyDocument"] for each in policies.values()]
    assert all(longest(each) <= LARGEST_POLICY for each in documents)
    named = [arn for d in documents for s in d["Statement"] for arn in s["Resource"]]
    assert len(named) == len({json.dumps(each) for each in named}) == 100
    for drain in drains(template).values():
        (policy,) = drain["DependsOn"]
        assert drain["Properties"]["Name"] in json.dumps(policies[policy])


def manage(arns, actions=(ACTIONS,)):
    stack = Stack(App(**QUICK), "Analytics")
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    access = AccessPolicies(stack, "Access", role=role, manager=stack)
    for arn in arns:
        for each in actions:
            access.allow(each, arn)
    return stack, access


@pytest.mark.parametrize(("count", "warnings"), [(4, 0), (5, 1), (7, 1)])
def test_more_policies_than_a_role_can_hold_twice_earn_one_warning(count, warnings):
    stack, _ = manage([f"arn:{number}:{'x' * 5000}" for number in range(count)])
    wanted = Match.string_like_regexp("more than 10 managed policies")
    assert len(Annotations.from_stack(stack).find_warning("*", wanted)) == warnings


def test_what_is_allowed_already_is_not_written_again(synthesize):
    stack, access = manage(["arn:aws:a", "arn:aws:a"])
    assert access.allow(ACTIONS, "arn:aws:a") is access.allow(ACTIONS, "arn:aws:a")
    (policy,) = access_policies(synthesize(stack)).values()
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Resource"] == "arn:aws:a"


def test_different_actions_stand_in_statements_of_their_own(synthesize):
    stack, _ = manage(["arn:aws:a", "arn:aws:b"], (["s:One"], ["s:Two", "s:Three"]))
    (policy,) = access_policies(synthesize(stack)).values()
    found = policy["Properties"]["PolicyDocument"]["Statement"]
    assert [(s["Action"], s["Resource"]) for s in found] == [
        ("s:One", ["arn:aws:a", "arn:aws:b"]),
        (["s:Two", "s:Three"], ["arn:aws:a", "arn:aws:b"]),
    ]


def test_an_arn_that_only_the_deployment_knows_is_allowed_for_at_its_longest():
    stack = Stack(App(), "Analytics")
    parameter = CfnParameter(stack, "Arn").value_as_string
    assert size_of(parameter) >= 150
    assert size_of(f"arn:{Aws.PARTITION}:x:{Aws.REGION}") >= len("arn:aws-us-gov:x:ap-southeast-2")


def test_ids_do_not_depend_on_the_number_that_a_token_happens_to_have(synthesize):
    found = []
    for noise in (0, 5):
        stack = Stack(App(**QUICK), "Analytics")
        for number in range(noise):
            CfnParameter(stack, f"Noise{number}").value_as_string.strip()
        role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        access = AccessPolicies(stack, "Access", role=role, manager=stack)
        access.allow(ACTIONS, f"arn:{Aws.PARTITION}:x/{CfnParameter(stack, 'P').value_as_string}")
        found.append(set(access_policies(synthesize(stack))))
    assert found[0] == found[1]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(min_value=20, max_value=400), min_size=1, max_size=60))
def test_arns_of_any_length_fit(lengths):
    from aws_cdk.assertions import Template

    arns = [f"arn:{number}:{'x' * length}" for number, length in enumerate(lengths)]
    stack, _ = manage(arns)
    policies = access_policies(Template.from_stack(stack).to_json()).values()
    documents = [each["Properties"]["PolicyDocument"] for each in policies]
    assert all(longest(each) <= LARGEST_POLICY for each in documents)
    written = json.dumps(documents)
    assert all(arn in written for arn in arns)
