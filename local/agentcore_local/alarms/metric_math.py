"""Metric math: parses and evaluates the expressions of alarms, dashboards and GetMetricData.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from agentcore_local.alarms.values import (
    AGGREGATES,
    ARITHMETIC,
    COMPARISONS,
    EACH,
    LOGIC,
    Array,
    Binary,
    ExpressionError,
    Series,
    Value,
    aggregate,
    as_array,
    as_series,
    choose,
    each_of,
    filled,
    pairwise,
)

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<symbol>&&|\|\||[<>=!]=|[-+*/^(),\[\]<>]))"
)


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What an expression is evaluated over.

    Attributes:
        series: The series by their ids.
        periods: Seconds of a period of each, by the same ids.
        length: How many periods there are.
        fill_without_data: Whether `FILL` fills a series that has no data at all. The
            documentation does not say; by default it stays without.
    """

    series: Mapping[str, Series]
    length: int
    periods: Mapping[str, float] = field(default_factory=dict)
    fill_without_data: bool = False


def evaluate(expression: str, inputs: Inputs) -> Sequence[Series]:
    """The series that an expression gives.

    Raises:
        ExpressionError: It cannot be evaluated.
    """
    return as_array(_Parser(expression, inputs).whole(), inputs.length)


def names_in(expression: str) -> set[str]:
    """The ids that an expression names; functions are in upper case, ids begin in lower case."""
    names = (token.group("name") for token in _TOKEN.finditer(expression))
    return {name for name in names if name and name[0].islower()}


class _Parser:
    """Recursive descent, which evaluates as it goes."""

    def __init__(self, expression: str, inputs: Inputs) -> None:
        self._expression = expression
        self._inputs = inputs
        self._tokens = _tokens(expression)
        self._at = 0

    def whole(self) -> Value:
        value = self._logical()
        if self._at != len(self._tokens):
            raise self._error(f"unexpected {self._tokens[self._at]!r}")
        return value

    def _error(self, problem: str) -> ExpressionError:
        return ExpressionError(f"Error in expression {self._expression!r}: {problem}")

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, expected: str | None = None) -> str:
        token = self._peek()
        if not token or expected not in (None, token):
            wanted = "" if expected is None else f", expected {expected!r}"
            raise self._error(f"unexpected {token or 'end'!r}{wanted}")
        self._at += 1
        return token

    def _chain(self, operators: Mapping[str, Binary], operand: Callable[[], Value]) -> Value:
        """Operands with operators of one precedence between them, from the left."""
        value = operand()
        while (token := self._peek().upper()) in operators:
            self._at += 1
            value = pairwise(operators[token], value, operand(), self._inputs.length)
        return value

    def _logical(self) -> Value:
        return self._chain(LOGIC, self._comparison)

    def _comparison(self) -> Value:
        return self._chain(COMPARISONS, self._sum)

    def _sum(self) -> Value:
        return self._chain({each: ARITHMETIC[each] for each in "+-"}, self._product)

    def _product(self) -> Value:
        return self._chain({each: ARITHMETIC[each] for each in "*/"}, self._power)

    def _power(self) -> Value:
        return self._chain({"^": ARITHMETIC["^"]}, self._sign)

    def _sign(self) -> Value:
        if self._peek() != "-":
            return self._operand()
        self._at += 1
        return pairwise(ARITHMETIC["*"], -1.0, self._sign(), self._inputs.length)

    def _operand(self) -> Value:
        token = self._take()
        if token == "(":
            value = self._logical()
            self._take(")")
            return value
        if token == "[":
            return self._array()
        if token[0].isdigit() or token[0] == ".":
            return float(token)
        if self._peek() == "(":
            return self._call(token)
        if token not in self._inputs.series:
            raise self._error(f"there is no metric {token!r}")
        return self._inputs.series[token]

    def _array(self) -> Array:
        members = self._arguments("]")
        return Array([each for value in members for each in as_array(value, self._inputs.length)])

    def _arguments(self, end: str) -> list[Value]:
        found: list[Value] = []
        if self._peek() != end:
            found.append(self._logical())
            while self._peek() == ",":
                self._at += 1
                found.append(self._logical())
        self._take(end)
        return found

    def _call(self, name: str) -> Value:
        self._take("(")
        if name == "PERIOD":
            identifier = self._take()
            self._take(")")
            return float(self._inputs.periods[identifier])
        arguments = self._arguments(")")
        expected = {"FILL": 2, "IF": 3}.get(name, 1)
        if len(arguments) != expected:
            raise self._error(f"{name} takes {expected} arguments here, got {len(arguments)}")
        if name in AGGREGATES:
            return aggregate(AGGREGATES[name], arguments[0])
        if name in EACH:
            return each_of(EACH[name], arguments[0])
        return self._fill_or_choose(name, arguments)

    def _fill_or_choose(self, name: str, arguments: Sequence[Value]) -> Value:
        length = self._inputs.length
        if name == "IF":
            return choose(*(as_series(each, length) for each in arguments))
        if name != "FILL":
            raise self._error(f"the function {name} is not known here")
        value, filler = arguments
        without_data = self._inputs.fill_without_data
        found = [
            filled(each, as_series(filler, length), without_data=without_data)
            for each in as_array(value, length)
        ]
        return Array(found) if isinstance(value, Array) else found[0]


def _tokens(expression: str) -> list[str]:
    found, at, text = [], 0, expression.rstrip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            unexpected = text[at:].strip()[:1]
            raise ExpressionError(f"Error in expression {expression!r}: unexpected {unexpected!r}")
        found.append(token.group().strip())
        at = token.end()
    if not found:
        raise ExpressionError("an expression must not be empty")
    return found
