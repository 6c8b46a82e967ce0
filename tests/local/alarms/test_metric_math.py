"""Expressions, by the rules of CloudWatch's documentation.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import pytest

from agentcore_local.alarms.metric_math import Inputs, evaluate, names_in
from agentcore_local.alarms.values import ExpressionError, Series

A = [1.0, None, 3.0]
SILENT = [None, None, None]
TWOS = [2.0, 2.0, 2.0]


def inputs(*, fill_without_data: bool = False) -> Inputs:
    series: dict[str, Series] = {"a": A, "silent": SILENT, "twos": TWOS}
    return Inputs(series=series, length=3, periods={"a": 60}, fill_without_data=fill_without_data)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a + twos", [3.0, None, 5.0]),
        ("a - twos * 2", [-3.0, None, -1.0]),
        ("(a - twos) * 2", [-2.0, None, 2.0]),
        ("2 - 1 - 1", [0.0, 0.0, 0.0]),
        ("a ^ 2", [1.0, None, 9.0]),
        ("-a", [-1.0, None, -3.0]),
        ("a / 0", [None, None, None]),
        ("a / (a - 1)", [None, None, 1.5]),
        ("1.5e1 * a", [15.0, None, 45.0]),
        ("a + silent", SILENT),
        ("SUM([a, twos])", [3.0, 2.0, 5.0]),
        ("SUM([a, silent])", [1.0, None, 3.0]),
        ("MAX([a / 2, twos / 4])", [0.5, 0.5, 1.5]),
        ("MIN([a, twos])", [1.0, 2.0, 2.0]),
        ("AVG([a, twos])", [1.5, 2.0, 2.5]),
        ("SUM(a)", [4.0, 4.0, 4.0]),
        ("FILL(a, 0)", [1.0, 0.0, 3.0]),
        ("FILL(a, twos)", [1.0, 2.0, 3.0]),
        ("SUM(a) / PERIOD(a)", [4 / 60] * 3),
        ("IF(a > 2, a, 0)", [0.0, None, 3.0]),
        ("a > 2 OR twos == 2", [1.0, None, 1.0]),
        ("a > 2 AND twos != 2", [0.0, None, 0.0]),
        ("CEIL(a / 2)", [1.0, None, 2.0]),
    ],
)
def test_expressions(expression: str, expected: Series) -> None:
    assert list(evaluate(expression, inputs())[0]) == expected


def test_an_array_is_several_series() -> None:
    assert [list(each) for each in evaluate("[a, twos] * 2", inputs())] == [
        [2.0, None, 6.0],
        [4.0, 4.0, 4.0],
    ]


def test_a_series_without_any_data_is_filled_or_not_as_one_chooses() -> None:
    assert evaluate("FILL(silent, 0)", inputs())[0] == SILENT
    filled = evaluate("FILL(silent, 0)", inputs(fill_without_data=True))
    assert filled[0] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("a +", "unexpected 'end'"),
        ("a b", "unexpected 'b'"),
        ("a ? b", r"unexpected '\?'"),
        ("nobody + 1", "no metric 'nobody'"),
        ("FOO(a)", "FOO is not known here"),
        ("FILL(a)", "FILL takes 2 arguments"),
        ("SUM(a", r"expected '\)'"),
        ("[a, a] + [a, a]", "two arrays"),
        ("IF([a, a], 1, 2)", "one series is needed"),
        ("", "must not be empty"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(expression: str, said: str) -> None:
    with pytest.raises(ExpressionError, match=said):
        evaluate(expression, inputs())


def test_names_are_ids_and_not_functions() -> None:
    assert names_in("SUM([FILL(a1, 0), b_2]) / PERIOD(c)") == {"a1", "b_2", "c"}
