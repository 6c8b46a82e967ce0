"""Time series of CloudWatch, and what a code interpreter has of them, as plain values.

Alarms and dashboards are written from these without asking jsii for every single metric;
`CodeInterpreterMetrics` offers the same ones as CDK metrics.

Names, statistics and dimensions of the service's own:
https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/observability-tool-metrics.html
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .._arguments.limits import known_to_differ
from .._cdk.stacks import facts_of
from .._replacements import name_across_replacements

if TYPE_CHECKING:
    from ..interpreter_reference import ICodeInterpreterRef

SERVICE_NAMESPACE = "AWS/Bedrock-AgentCore"
SERVICE = "AgentCore.CodeInterpreter"
SESSION_OPERATION = "CodeInterpreterSession"
# What the session manager's functions publish; a test runs them to see that these are theirs.
NAMESPACE = "CdkCodeInterpreter"
NAME_DIMENSION = "CodeInterpreterName"
TOOL_DIMENSION = "Tool"

MINUTE = 60
FIVE_MINUTES = 300
# The service publishes use up to an hour late.
HOUR = 3600


class Operation(enum.Enum):
    """An operation that the service counts per interpreter.

    https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/observability-tool-metrics.html
    """

    INVOKE = "InvokeCodeInterpreter"
    """Code is run, or another tool used."""
    START_SESSION = "StartCodeInterpreterSession"
    """A session is started."""
    STOP_SESSION = "StopCodeInterpreterSession"
    """A session is stopped."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """One metric, with the statistic and period in which it is read."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    statistic: str
    period: int = FIVE_MINUTES
    label: str
    account: str
    region: str

    def inputs(self) -> dict[str, Series]:
        """The metrics that this is read from."""
        return {"value": self}


@dataclass(frozen=True, kw_only=True)
class Calculation:
    """A metric math expression over some series, all in the expression's period.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
    """

    expression: str
    using: Mapping[str, Series]
    label: str
    period: int = FIVE_MINUTES

    def inputs(self) -> dict[str, Series]:
        """The metrics that the expression names, by their ids in it."""
        return {name: replace(each, period=self.period) for name, each in self.using.items()}


def total(names: Mapping[str, Any]) -> str:
    """The expression that adds series of which some may have no data.

    `a + b` has a value only where both have one. `SUM` adds those that there are, and `FILL`
    covers the gaps of a series that does exist.
    """
    return f"SUM([{', '.join(f'FILL({name}, 0)' for name in names)}])"


@dataclass(frozen=True)
class InterpreterSeries:
    """Everything that CloudWatch knows about one interpreter.

    Attributes:
        arn: The `Resource` of the service's metrics: always this generation's.
        code_interpreter_id: The `Resource` that usage metrics may have instead.
        name: The dimension of our own metrics.
        account: Where the metrics are.
        region: Where the service's metrics are.
        own_region: Where our own metrics are: where the functions run.
    """

    arn: str
    code_interpreter_id: str
    name: str
    account: str
    region: str
    own_region: str

    @classmethod
    def of(cls, interpreter: ICodeInterpreterRef) -> InterpreterSeries:
        """The series of an interpreter.

        They name the ARN without its drain: a metric starts no session, so nothing is gained by
        making alarms and dashboards wait for the drain.
        """
        return cls(
            arn=interpreter.undrained_code_interpreter_arn,
            code_interpreter_id=interpreter.undrained_code_interpreter_id,
            name=name_across_replacements(interpreter),
            account=interpreter.account,
            region=interpreter.region,
            own_region=_region_of_functions(interpreter),
        )

    def service(
        self,
        name: str,
        operation: Operation | str,
        *,
        statistic: str,
        label: str | None = None,
        period: int = FIVE_MINUTES,
    ) -> Series:
        """A metric that the service publishes per interpreter and operation."""
        value = operation.value if isinstance(operation, Operation) else operation
        return Series(
            namespace=SERVICE_NAMESPACE,
            name=name,
            dimensions={"Resource": self.arn, "Operation": value},
            statistic=statistic,
            period=period,
            label=label or f"{value} {name}",
            account=self.account,
            region=self.region,
        )

    def per_operation(self, name: str) -> dict[str, Series]:
        """One metric of every operation, summed, by ids for an expression."""
        return {
            f"{name.lower()}{number}": self.service(name, operation, statistic="Sum")
            for number, operation in enumerate(Operation)
        }

    def use(self, name: str) -> dict[str, Series]:
        """A usage metric, under both values that its `Resource` may have.

        The documentation says that it is the tool's id, where other AgentCore resources have
        been seen with their ARN. At most one of the two has data.
        """
        prefix = name.partition("-")[0].lower()
        return {
            f"{prefix}_by_{kind}": Series(
                namespace=SERVICE_NAMESPACE,
                name=name,
                dimensions={"Service": SERVICE, "Resource": resource},
                statistic="Sum",
                period=HOUR,
                label=f"{name} by {kind}",
                account=self.account,
                region=self.region,
            )
            for kind, resource in (("id", self.code_interpreter_id), ("arn", self.arn))
        }

    def account_wide(self, name: str, *, statistic: str, period: int, label: str) -> Series:
        """A metric that the service publishes for all interpreters of the account together."""
        return account_series(
            self.account, self.region, name, statistic=statistic, period=period, label=label
        )

    def own(
        self,
        name: str,
        *,
        statistic: str,
        label: str,
        tool: str | None = None,
        period: int = FIVE_MINUTES,
    ) -> Series:
        """A metric of the session manager's functions."""
        dimensions = {NAME_DIMENSION: self.name}
        if tool is not None:
            dimensions[TOOL_DIMENSION] = tool
        return Series(
            namespace=NAMESPACE,
            name=name,
            dimensions=dimensions,
            statistic=statistic,
            period=period,
            label=label,
            account=self.account,
            region=self.own_region,
        )

    def error_rate(self, names: tuple[str, ...], operations: tuple[Operation, ...]) -> Calculation:
        """Percentage of calls that failed."""
        failures = {
            f"{name.lower()}{number}": self.service(name, operation, statistic="Sum")
            for name in names
            for number, operation in enumerate(operations)
        }
        calls = {
            f"calls{number}": self.service("Invocations", operation, statistic="Sum")
            for number, operation in enumerate(operations)
        }
        return Calculation(
            expression=f"100 * {total(failures)} / {total(calls)}",
            using={**failures, **calls},
            label="Error rate (%)",
        )

    def cost_per_hour(self, vcpu_hour_price: float, gb_hour_price: float) -> Calculation:
        """Estimated US dollars per hour."""
        processor, memory = self.use("CPUUsed-vCPUHours"), self.use("MemoryUsed-GBHours")
        return Calculation(
            expression=f"{vcpu_hour_price!r} * {total(processor)}"
            f" + {gb_hour_price!r} * {total(memory)}",
            using={**processor, **memory},
            label="Estimated cost per hour (USD)",
            period=HOUR,
        )


def _region_of_functions(interpreter: ICodeInterpreterRef) -> str:
    """The stack's own, but for an interpreter of another account, which is governed over there."""
    facts = facts_of(interpreter.stack)
    is_elsewhere = known_to_differ(facts.account, interpreter.account)
    return interpreter.region if is_elsewhere else facts.region


def account_series(
    account: str, region: str, name: str, *, statistic: str, period: int, label: str
) -> Series:
    """A metric of all code interpreters of an account together."""
    return Series(
        namespace=SERVICE_NAMESPACE,
        name=name,
        dimensions={"Service": SERVICE},
        statistic=statistic,
        period=period,
        label=label,
        account=account,
        region=region,
    )
