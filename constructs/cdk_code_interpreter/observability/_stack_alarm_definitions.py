"""Alarms that are no interpreter's own: on the account, and on a stack's session functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..metrics.metrics import GB_HOUR_PRICE, VCPU_HOUR_PRICE
from ..metrics.series import FIVE_MINUTES, HOUR, MINUTE, Calculation, Series, account_series, total
from ._alarm_definitions import Definition, chosen
from .alarm_thresholds import AlarmThresholds


def of_account(account: str, region: str, thresholds: AlarmThresholds) -> Iterator[Definition]:
    """What an account has, however many interpreters there are."""
    processor, memory = (
        account_series(account, region, name, statistic="Sum", period=HOUR, label=name)
        for name in ("CPUUsed-vCPUHours", "MemoryUsed-GBHours")
    )
    definitions = [
        Definition(
            construct_id="ActiveSessions",
            threshold="active_sessions",
            source=account_series(
                account,
                region,
                "ActiveSessionCount",
                statistic="Maximum",
                period=MINUTE,
                label="Active sessions of the account",
            ),
            value=800.0,
            datapoints=3,
            periods=5,
            # Without sessions nothing may be published.
            meaning="The account nears its quota of active code interpreter sessions (1000 by "
            "default); at the quota no agent can start any.",
            first="See on the dashboard which interpreter has most sessions; stop what nobody "
            "needs, or have the quota raised.",
        ),
        Definition(
            construct_id="AccountCost",
            threshold="account_cost_per_hour",
            source=Calculation(
                expression=f"{VCPU_HOUR_PRICE!r} * FILL(cpuused, 0)"
                f" + {GB_HOUR_PRICE!r} * FILL(memoryused, 0)",
                using={"cpuused": processor, "memoryused": memory},
                label="Estimated cost per hour (USD)",
                period=HOUR,
            ),
            value=50.0,
            # Use is published up to an hour late: the latest hour is often still empty.
            periods=3,
            per_hour=True,
            shortest_window=2 * HOUR,
            meaning="All code interpreters of the account together cost more per hour than "
            "expected (estimate).",
            first="See on the dashboard which interpreter has most sessions, and how old they are.",
        ),
    ]
    yield from chosen(definitions, thresholds)


def of_functions(
    function_names: Mapping[str, str],
    queue_name: str | None,
    account: str,
    region: str,
    thresholds: AlarmThresholds,
) -> Iterator[Definition]:
    """What a stack with session functions has.

    Args:
        function_names: Names of the functions, by ids for an expression.
        queue_name: Name of their dead-letter queue. `None`: there is none.
        account: The stack's account.
        region: The stack's region.
        thresholds: When alarms are raised.
    """
    definitions = []
    if function_names:
        errors = {
            name: _aws("AWS/Lambda", "Errors", {"FunctionName": value}, "Sum", account, region)
            for name, value in function_names.items()
        }
        definitions.append(
            Definition(
                construct_id="FunctionErrors",
                threshold="function_errors",
                source=Calculation(expression=total(errors), using=errors, label="Failed runs"),
                value=1.0,
                # A function that does not run does not fail; silence has an alarm of its own.
                meaning="A session function (drain, janitor or canary) fails: sessions are not "
                "managed as they should be.",
                first="Read its latest errors (dashboard, log lines).",
            )
        )
    if queue_name is not None:
        definitions.append(
            Definition(
                construct_id="DeadLetters",
                threshold="dead_letters",
                source=_aws(
                    "AWS/SQS",
                    "ApproximateNumberOfMessagesVisible",
                    {"QueueName": queue_name},
                    "Maximum",
                    account,
                    region,
                ),
                value=1.0,
                # An idle queue publishes nothing.
                meaning="Events of the session functions ended in the dead-letter queue: a drain "
                "or a sweep did not take place.",
                first="Read the messages, mend the cause, then delete them; drains are not to be "
                "sent again.",
            )
        )
    yield from chosen(definitions, thresholds)


def _aws(
    namespace: str,
    name: str,
    dimensions: Mapping[str, str],
    statistic: str,
    account: str,
    region: str,
) -> Series:
    return Series(
        namespace=namespace,
        name=name,
        dimensions=dimensions,
        statistic=statistic,
        period=FIVE_MINUTES,
        label=name,
        account=account,
        region=region,
    )
