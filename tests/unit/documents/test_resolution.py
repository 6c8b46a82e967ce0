"""What parameters, mappings, loops and functions make of a template."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdk_code_interpreter._documents.resolution import resolved
from cdk_code_interpreter._documents.values import choices

PARAMETERS = {
    "Free": {"Type": "String"},
    "Default": {"Type": "String", "Default": "a"},
    "One": {"Type": "String", "AllowedValues": ["a"]},
    "Two": {"Type": "String", "AllowedValues": ["a", "b"]},
    "List": {"Type": "CommaDelimitedList", "AllowedValues": ["a,b"]},
    "Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/path"},
}
MAPPINGS = {"Map": {"x": {"k": "a"}, "y": {"k": "b"}}}


def value_of(value: Any) -> Any:
    body = {"Parameters": PARAMETERS, "Mappings": MAPPINGS, "Resources": {"R": {"P": value}}}
    before = copy.deepcopy(body)
    result = resolved(body)["Resources"]["R"]["P"]
    assert body == before
    return result


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Free"}, [{"Ref": "Free"}]),
        ({"Ref": "Default"}, ["a", {"Ref": "Default"}]),
        ({"Ref": "One"}, ["a"]),
        ({"Ref": "Two"}, ["a", "b"]),
        ({"Ref": "Stored"}, [{"Ref": "Stored"}]),
        ({"Ref": "AWS::Region"}, [{"Ref": "AWS::Region"}]),
        ({"Fn::FindInMap": ["Map", "x", "k"]}, ["a"]),
        ({"Fn::FindInMap": ["Map", {"Ref": "AWS::Region"}, "k"]}, ["a", "b"]),
        ({"Fn::FindInMap": ["Map", "z", "k", {"DefaultValue": "c"}]}, ["c"]),
        ({"Fn::Sub": "${Two}:*"}, ["a:*", "b:*"]),
        ({"Fn::Sub": ["${V}-${One}", {"V": {"Ref": "Two"}}]}, ["a-a", "b-a"]),
        ({"Fn::Sub": "${AWS::Region}"}, [{"Fn::Sub": "${AWS::Region}"}]),
        ({"Fn::Join": ["", ["s3:", {"Ref": "Two"}]]}, ["s3:a", "s3:b"]),
        ({"Fn::Join": ["-", {"Ref": "List"}]}, ["a-b"]),
        ({"Fn::Join": ["", [{"Ref": "Two"}, {"Ref": "Two"}]]}, ["aa", "bb"]),
        ({"Fn::Select": ["1", {"Fn::Split": ["|", "a|b"]}]}, ["b"]),
        ({"Fn::If": ["C", {"Ref": "One"}, "z"]}, ["a", "z"]),
    ],
)
def test_a_value_becomes_all_that_it_can_be(value: Any, expected: list[Any]) -> None:
    assert list(choices(value_of(value))) == expected


def test_a_loop_in_a_loop_is_expanded() -> None:
    body = {
        "Resources": {
            "Fn::ForEach::Outer": [
                "A",
                ["x", "y"],
                {"Fn::ForEach::Inner": ["B", ["1.0"], {"R${A}&{B}": {"P": "${A}${B}"}}]},
            ]
        }
    }
    assert resolved(body)["Resources"] == {"Rx10": {"P": "x1.0"}, "Ry10": {"P": "y1.0"}}


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["Two", "Map", "", "${Two}", "a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Ref",
                    "Fn::Sub",
                    "Fn::Join",
                    "Fn::If",
                    "Fn::FindInMap",
                    "Fn::Select",
                    "Fn::Split",
                    "Fn::ForEach::X",
                ]
            ),
            inner,
            max_size=2,
        )
    ),
    max_leaves=6,
)


@given(ANYTHING)
@settings(max_examples=300, deadline=None)
def test_nothing_in_a_template_makes_it_fail(value: Any) -> None:
    value_of(value)
