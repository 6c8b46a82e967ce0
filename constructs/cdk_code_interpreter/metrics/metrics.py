"""CloudWatch metrics of a code interpreter, with the dimensions under which they really exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypedDict, Unpack

from .series import (
    HOUR,
    SESSION_OPERATION,
    Calculation,
    InterpreterSeries,
    Operation,
    Series,
    total,
)

if TYPE_CHECKING:
    from aws_cdk import Duration, Stack
    from aws_cdk import aws_cloudwatch as cloudwatch

    from ..interpreter_reference import ICodeInterpreterRef

__all__ = [
    "GB_HOUR_PRICE",
    "VCPU_HOUR_PRICE",
    "CodeInterpreterMetrics",
    "MetricOptions",
    "Operation",
]

# US dollars, https://aws.amazon.com/bedrock/agentcore/pricing/ (read in November 2026).
VCPU_HOUR_PRICE = 0.0895
GB_HOUR_PRICE = 0.00945


class MetricOptions(TypedDict, total=False):
    """What may be changed about any metric.

    Attributes:
        dimensions_map: Dimensions that are added to the metric's own; on the same name these win.
        statistic: The statistic, such as ``p90``. Default: the one that suits the metric.
        period: Length of a period. Default: 5 minutes, or what the metric's method says.
        label: What graphs call it. Default: the metric's name in words.
        color: Its color in graphs, such as ``#1f77b4``. Default: CloudWatch chooses.
        account: The account that it is in. Default: the interpreter's.
        region: The region that it is in. Default: the interpreter's; for what the session manager's
            functions publish, that of the interpreter's stack.
    """

    dimensions_map: Mapping[str, str]
    statistic: str
    period: Duration
    label: str
    color: str
    account: str
    region: str


class CodeInterpreterMetrics:
    """Metrics of one interpreter, as `interpreter.metrics`.

    The service's own are in the namespace ``AWS/Bedrock-AgentCore``
    (https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/observability-tool-metrics.html),
    those of the session manager and the canary in ``CdkCodeInterpreter``. No metric has its unit
    set: CloudWatch would then show only data that was published with exactly that unit.

    The service's metrics are those of the present interpreter: after a replacement they begin
    anew. Ours go on, under the name that all generations share.
    """

    def __init__(self, interpreter: ICodeInterpreterRef) -> None:
        """Give the metrics of this interpreter.

        Args:
            interpreter: One of ours, an L2, an import or the system's.
        """
        self._series = InterpreterSeries.of(interpreter)
        self._stack = interpreter.stack

    def invocations(
        self, operation: Operation = Operation.INVOKE, **options: Unpack[MetricOptions]
    ) -> cloudwatch.Metric:
        """Calls of an operation: a count, summed.

        Args:
            operation: The operation. Default: running code.
            **options: What to change about the metric.
        """
        return self._of_service("Invocations", operation, "Sum", options)

    def latency(
        self, operation: Operation = Operation.INVOKE, **options: Unpack[MetricOptions]
    ) -> cloudwatch.Metric:
        """Milliseconds until the first token of the answer, averaged.

        Args:
            operation: The operation. Default: running code.
            **options: What to change about the metric, such as ``statistic="p99"``.
        """
        return self._of_service("Latency", operation, "Average", options)

    def throttles(
        self, operation: Operation = Operation.INVOKE, **options: Unpack[MetricOptions]
    ) -> cloudwatch.Metric:
        """Calls that were refused with HTTP 429: a count, summed.

        Args:
            operation: The operation. Default: running code.
            **options: What to change about the metric.
        """
        return self._of_service("Throttles", operation, "Sum", options)

    def system_errors(
        self, operation: Operation = Operation.INVOKE, **options: Unpack[MetricOptions]
    ) -> cloudwatch.Metric:
        """Calls that failed inside the service: a count, summed.

        Args:
            operation: The operation. Default: running code.
            **options: What to change about the metric.
        """
        return self._of_service("SystemErrors", operation, "Sum", options)

    def user_errors(
        self, operation: Operation = Operation.INVOKE, **options: Unpack[MetricOptions]
    ) -> cloudwatch.Metric:
        """Calls that were wrong: a count, summed.

        Code that raises is not one of them: such a call succeeds, and its result says ``isError``.

        Args:
            operation: The operation. Default: running code.
            **options: What to change about the metric.
        """
        return self._of_service("UserErrors", operation, "Sum", options)

    def session_duration(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """How long sessions lived, averaged.

        The documentation prints no unit; others have read it as milliseconds.

        Args:
            **options: What to change about the metric.
        """
        series = self._series.service("Duration", SESSION_OPERATION, statistic="Average")
        return self._metric(replace(series, label="Session duration"), options)

    def error_rate(
        self,
        operation: Operation | None = None,
        *,
        user_errors: bool = False,
        **options: Unpack[MetricOptions],
    ) -> cloudwatch.MathExpression:
        """Percentage of calls that failed inside the service.

        Args:
            operation: The operation. Default: all of them together.
            user_errors: Whether wrong calls count as failed too. Default: they do not.
            **options: What to change; ``dimensions_map`` and the like apply to each input.
        """
        names = ("SystemErrors", "UserErrors") if user_errors else ("SystemErrors",)
        operations = tuple(Operation) if operation is None else (operation,)
        return self._expression(self._series.error_rate(names, operations), options)

    def cpu_hours(self, **options: Unpack[MetricOptions]) -> cloudwatch.MathExpression:
        """Hours of a vCPU used in each hour, summed; published up to an hour late.

        The metric's ``Resource`` is documented as the tool's id, where other AgentCore resources
        have their ARN. Both are added up: at most one of them exists.

        Args:
            **options: What to change. The default period is an hour.
        """
        return self._use("CPUUsed-vCPUHours", "vCPU hours", options)

    def memory_gb_hours(self, **options: Unpack[MetricOptions]) -> cloudwatch.MathExpression:
        """GB hours of memory used in each hour, summed; published up to an hour late.

        Added up over both values that ``Resource`` may have, as `cpu_hours` is.

        Args:
            **options: What to change. The default period is an hour.
        """
        return self._use("MemoryUsed-GBHours", "Memory (GB hours)", options)

    def estimated_cost_per_hour(
        self,
        *,
        vcpu_hour_price: float = VCPU_HOUR_PRICE,
        gb_hour_price: float = GB_HOUR_PRICE,
        **options: Unpack[MetricOptions],
    ) -> cloudwatch.MathExpression:
        """US dollars per hour, estimated from the use of processor and memory.

        It comes up to an hour late, and leaves out data transfer and what other services cost.

        Args:
            vcpu_hour_price: Price of a vCPU hour. Default: 0.0895
                (https://aws.amazon.com/bedrock/agentcore/pricing/, November 2026).
            gb_hour_price: Price of a GB hour. Default: 0.00945 (same page).
            **options: What to change. The default period is an hour; with another one this is
                the cost in such a period.
        """
        cost = self._series.cost_per_hour(vcpu_hour_price, gb_hour_price)
        return self._expression(cost, options)

    def active_sessions(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Sessions that are active in the whole account and region: a gauge, its maximum.

        The service publishes it once a minute for all code interpreters together, and counts its
        quota (1000 by default) against it. For one interpreter see `ready_sessions`.

        Args:
            **options: What to change. The default period is a minute.
        """
        series = self._series.account_wide(
            "ActiveSessionCount",
            statistic="Maximum",
            period=60,
            label="Active sessions of the account",
        )
        return self._metric(series, options)

    def ready_sessions(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Sessions of this interpreter that the janitor found: a gauge, its maximum.

        Args:
            **options: What to change about the metric.
        """
        return self._own("ActiveSessions", "Maximum", "Sessions", options)

    def over_age_sessions(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Sessions that the janitor found older than the policy allows: a gauge, its maximum.

        Args:
            **options: What to change about the metric.
        """
        return self._own("OverAgeSessions", "Maximum", "Sessions over age", options)

    def oldest_session_age(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Age of the oldest session in seconds: a gauge, its maximum.

        Args:
            **options: What to change about the metric.
        """
        return self._own("OldestSessionAge", "Maximum", "Oldest session (s)", options)

    def sessions_stopped(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Sessions that the janitor stopped: a count, summed.

        Args:
            **options: What to change about the metric.
        """
        return self._own("SessionsStopped", "Sum", "Sessions stopped by the janitor", options)

    def stop_failures(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Sessions that the janitor could not stop: a count, summed.

        Args:
            **options: What to change about the metric.
        """
        return self._own("StopFailures", "Sum", "Sessions that could not be stopped", options)

    def orphan_interpreters(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Interpreters of earlier generations that a failed cleanup left: a gauge, its maximum.

        Args:
            **options: What to change about the metric.
        """
        return self._own("OrphanInterpreters", "Maximum", "Orphaned interpreters", options)

    def drained_sessions(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Sessions that were stopped before an interpreter was deleted: a count, summed.

        Args:
            **options: What to change about the metric.
        """
        return self._own("DrainedSessions", "Sum", "Sessions drained", options)

    def drain_failures(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Drains that gave up with sessions left: a count, summed.

        Args:
            **options: What to change about the metric.
        """
        return self._own("DrainFailures", "Sum", "Drains that gave up", options)

    def canary_success(
        self, tool: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.Metric:
        """Share of the canary's checks that passed, from 0 to 1: its minimum.

        Args:
            tool: One check: ``start``, ``python``, ``javascript``, ``typescript``, ``files``,
                ``command``, ``commands`` or ``stop``. Default: the run as a whole.
            **options: What to change about the metric.
        """
        return self._own("CanarySuccess", "Minimum", "Canary passed", options, tool)

    def canary_duration(
        self, tool: str | None = None, **options: Unpack[MetricOptions]
    ) -> cloudwatch.Metric:
        """Milliseconds that the canary's check took, averaged.

        Args:
            tool: One check: ``start``, ``python``, ``javascript``, ``typescript``, ``files``,
                ``command``, ``commands`` or ``stop``. Default: the run as a whole.
            **options: What to change about the metric.
        """
        return self._own("CanaryDuration", "Average", "Canary duration (ms)", options, tool)

    def _of_service(
        self, name: str, operation: Operation, statistic: str, options: MetricOptions
    ) -> cloudwatch.Metric:
        return self._metric(self._series.service(name, operation, statistic=statistic), options)

    def _use(self, name: str, label: str, options: MetricOptions) -> cloudwatch.MathExpression:
        using = self._series.use(name)
        calculation = Calculation(expression=total(using), using=using, label=label, period=HOUR)
        return self._expression(calculation, options)

    def _own(
        self,
        name: str,
        statistic: str,
        label: str,
        options: MetricOptions,
        tool: str | None = None,
    ) -> cloudwatch.Metric:
        series = self._series.own(name, statistic=statistic, label=label, tool=tool)
        return self._metric(series, options)

    def _metric(self, series: Series, options: MetricOptions) -> cloudwatch.Metric:
        from aws_cdk import Duration
        from aws_cdk import aws_cloudwatch as cloudwatch

        _check_options(self._stack, options)
        stack = self._stack
        metric = cloudwatch.Metric(
            namespace=series.namespace,
            metric_name=series.name,
            dimensions_map={**series.dimensions, **options.get("dimensions_map", {})},
            statistic=options.get("statistic", series.statistic),
            period=options.get("period") or Duration.seconds(series.period),
            label=options.get("label", series.label),
            color=options.get("color"),
            account=options.get("account", _unless(series.account, stack.account)),
            region=options.get("region", _unless(series.region, stack.region)),
        )
        # CDK then names account and region only where a graph or alarm is in other ones.
        return metric.attach_to(stack)

    def _expression(
        self, calculation: Calculation, options: MetricOptions
    ) -> cloudwatch.MathExpression:
        from aws_cdk import Duration
        from aws_cdk import aws_cloudwatch as cloudwatch

        period = options.get("period") or Duration.seconds(calculation.period)
        each: MetricOptions = {**options, "period": period}
        each.pop("label", None)
        each.pop("color", None)
        using = {name: self._metric(series, each) for name, series in calculation.using.items()}
        return cloudwatch.MathExpression(
            expression=calculation.expression,
            using_metrics=using,
            label=options.get("label", calculation.label),
            color=options.get("color"),
            period=period,
        )


def _check_options(stack: Stack, options: MetricOptions) -> None:
    """Refuse an option that is misspelt, and would be left out without a word."""
    known = MetricOptions.__annotations__
    for name in options:
        if name not in known:
            raise ValueError(
                f"{stack.node.path}: metrics have no option {name!r}; they have {', '.join(known)}"
            )


def _unless(value: str, usual: str) -> str | None:
    """The value, or `None` where it is what it would be anyway."""
    return None if value == usual else value
