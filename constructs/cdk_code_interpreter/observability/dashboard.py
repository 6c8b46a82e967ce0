"""A dashboard of one interpreter in detail, or of many with one line each."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import MutableMapping, Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from aws_cdk import CfnResource
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct, IConstruct

from .._arguments.limits import Findings, is_token
from .._arguments.types import INTERPRETER, TEXT, check_kinds, class_named, list_of
from .._cdk.construct_tree import Component, path_of, resource_of, stack_of
from .._cdk.fn_sub import substituted
from .._cdk.lazy_string import lazy_text
from .._cdk.stacks import facts_of
from .._replacements import generation_in, weakly
from ..metrics.series import InterpreterSeries
from ..sessions.session_manager import SessionManager
from ._dashboard_body import Widget, count_metrics, widgets
from ._dashboard_graphs import Functions, Place, Subject

if TYPE_CHECKING:
    from constructs import IConstruct

    from ..interface import ICodeInterpreter
    from ..sessions._task_function import TaskFunction
    from .alarms import CodeInterpreterAlarms
    from .stack_alarms import StackAlarms

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
MOST_METRICS_PER_GRAPH = 500
MOST_METRICS = 2500
MOST_WIDGETS = 500
# One line of estimated cost counts as five metrics, and all graphs together as 21 for each.
MOST_INTERPRETERS = 100
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_WORD = re.compile(r"\w+", re.ASCII)
# With a digest and the longest Region it stays below 255.
_LONGEST_LABEL = 220


class CodeInterpreterDashboard(Component):
    """Health, traffic, errors, latency, sessions, use, cost, functions and their latest log lines.

    One interpreter is shown in detail; several have one line each in every graph. What the stack
    has by the end counts: interpreters, alarms and functions may come after the dashboard.

    It holds nothing fast: what it shows of other stacks can be replaced and deleted. CloudWatch
    allows 500 metrics in a graph and 2,500 on a dashboard:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        interpreters: Sequence[ICodeInterpreter] = (),
        alarms: Sequence[CodeInterpreterAlarms] = (),
        dashboard_name: str | None = None,
        title: str | None = None,
    ) -> None:
        """Define the dashboard.

        Args:
            scope: Where to define it.
            construct_id: Its id in that scope.
            interpreters: What it shows, at most 100. Default: none yet; see `add`.
            alarms: The interpreters' alarms, whose states stand at the top. Default: none.
            dashboard_name: Its name, 1 to 255 letters, digits, hyphens and underscores, unique in
                the account in all regions. Default: made from the stack's name, the construct's
                ids and the region.
            title: What stands on it. Default: its construct's path.

        Raises:
            ValueError: The name cannot be, there are more interpreters than CloudWatch's limits
                allow for, one is named twice, or alarms are of an interpreter that is not shown.
        """
        check_kinds(
            scope,
            construct_id,
            interpreters=(interpreters, list_of(INTERPRETER)),
            alarms=(alarms, list_of(class_named("CodeInterpreterAlarms"))),
            dashboard_name=(dashboard_name, TEXT.or_none),
            title=(title, TEXT.or_none),
        )
        findings = Findings(scope, construct_id)
        if dashboard_name is not None and not is_token(dashboard_name):
            _check_name(findings, dashboard_name)
        findings.raise_if_any()
        super().__init__(scope, construct_id)
        self._stack = stack_of(self)
        self._facts = facts_of(self._stack)
        self._title = title or path_of(self)
        self._interpreters: dict[str, ICodeInterpreter] = {}
        self._alarms: dict[str, CodeInterpreterAlarms] = {}
        self.resource = cloudwatch.CfnDashboard(
            self,
            "Resource",
            dashboard_name=dashboard_name or self._default_name(),
            dashboard_body=lazy_text(self._body),
        )
        of_interpreter = {path_of(each.interpreter): each for each in alarms}
        for interpreter in interpreters:
            self.add(interpreter, alarms=of_interpreter.pop(path_of(interpreter), None))
        if of_interpreter:
            raise ValueError(
                f"{path_of(self)}: alarms are of {', '.join(of_interpreter)}, which the dashboard "
                "does not show; add these to interpreters, or leave their alarms out"
            )

    @property
    def dashboard_name(self) -> str:
        """The dashboard's name."""
        return self.resource.ref

    def add(
        self, interpreter: ICodeInterpreter, *, alarms: CodeInterpreterAlarms | None = None
    ) -> None:
        """Show one more interpreter.

        Args:
            interpreter: The interpreter.
            alarms: Its alarms. Default: none are shown.

        Raises:
            ValueError: It is shown already, or there are more than CloudWatch's limits allow for.
        """
        path = path_of(interpreter)
        if path in self._interpreters:
            raise ValueError(
                f"{path_of(self)}: {path} is on the dashboard already; name each interpreter once"
            )
        if len(self._interpreters) == MOST_INTERPRETERS:
            raise ValueError(
                f"{path_of(self)}: there are {MOST_INTERPRETERS} interpreters on the dashboard "
                f"already, and with {path} a graph would have more than the "
                f"{MOST_METRICS_PER_GRAPH} metrics that CloudWatch allows; make a dashboard for "
                "each group of them"
            )
        self._interpreters[path] = interpreter
        if alarms is not None:
            self._alarms[path] = alarms

    def _default_name(self) -> str:
        # Dashboards of all regions share their names.
        place = [self._facts.deployed_name, *self._facts.path_below(self)]
        name = "-".join(re.sub(r"[^A-Za-z0-9_]+", "-", each).strip("-") for each in place)
        if len(name) > _LONGEST_LABEL or not all(map(_WORD.fullmatch, place)):
            # Another place may have the same words.
            digest = hashlib.sha256("/".join(place).encode()).hexdigest()[:8]
            name = f"{name[:_LONGEST_LABEL]}-{digest}"
        return f"{name}-{self._facts.region}"

    def _body(self) -> str:
        if not self._interpreters:
            raise ValueError(
                f"{path_of(self)}: the dashboard shows no interpreter; pass interpreters=[...], "
                "or call add"
            )
        shared = {
            id(each.stack_alarms): each.stack_alarms
            for each in self._alarms.values()
            if each.stack_alarms is not None
        }
        found = widgets(
            self._title,
            [self._subject(path, each) for path, each in self._interpreters.items()],
            [arn for alarms in shared.values() for arn in self._arns(alarms)],
            self._functions(),
            Place(account=self._facts.account, region=self._facts.region),
        )
        _check_limits(path_of(self), found)
        # Tokens are plain text until the stack is resolved, and stand for nothing to be escaped.
        body = json.dumps(
            {"start": "-PT3H", "periodOverride": "inherit", "widgets": found}, separators=(",", ":")
        )
        return substituted(body)

    def _subject(self, path: str, interpreter: ICodeInterpreter) -> Subject:
        alarms = self._alarms.get(path)
        return Subject(
            label=self._label(path),
            generation=generation_in(self._stack, interpreter),
            series=InterpreterSeries.of(interpreter),
            alarm_arns=[] if alarms is None else self._arns(alarms),
        )

    def _arns(self, alarms: CodeInterpreterAlarms | StackAlarms) -> Sequence[str]:
        own = stack_of(alarms) is self._stack
        return alarms.alarm_arns if own else alarms._arns(weakly)

    def _label(self, path: str) -> str:
        """The path below the stack, where that tells the interpreters apart."""
        short = {each: each.partition("/")[2] or each for each in self._interpreters}
        return short[path] if len(set(short.values())) == len(short) else path

    def _functions(self) -> Functions:
        stacks = {path_of(each.stack): each.stack for each in self._interpreters.values()}
        stacks.setdefault(path_of(self._stack), self._stack)
        found: list[tuple[str, TaskFunction]] = []
        queues: dict[str, str] = {}
        for path, stack in stacks.items():
            manager = SessionManager.if_any(stack)
            if manager is None or facts_of(stack).region != self._facts.region:
                continue
            of_stack = "" if len(stacks) == 1 else f" of {path}"
            found += [(f"{each.task}{of_stack}", each) for each in manager.functions]
            queue = manager.dead_letter_queue_if_any
            if queue is not None:
                queues[f"Dead letters{of_stack}"] = self._name(queue, "queue_name")
        return Functions(
            names={label: self._name(each.function, "function_name") for label, each in found},
            log_groups=[self._name(each.log_group, "log_group_name") for _, each in found],
            queues=queues,
        )

    def _name(self, construct: IConstruct, attribute: str) -> str:
        own = stack_of(construct) is self._stack
        return _name(construct, attribute) if own else _weak(construct, attribute)


# Every dashboard of a stack names the same functions.
_NAMES: MutableMapping[IConstruct, str] = WeakKeyDictionary()
_WEAK: MutableMapping[IConstruct, str] = WeakKeyDictionary()


def _name(construct: IConstruct, attribute: str) -> str:
    if construct not in _NAMES:
        _NAMES[construct] = str(getattr(construct, attribute))
    return _NAMES[construct]


def _weak(construct: IConstruct, attribute: str) -> str:
    """The name of a construct's resource, without keeping another stack from changing it."""
    if construct not in _WEAK:
        _WEAK[construct] = _weak_reference(construct, attribute)
    return _WEAK[construct]


def _weak_reference(construct: IConstruct, attribute: str) -> str:
    from aws_cdk import aws_sqs as sqs

    resource = resource_of(construct)
    if not isinstance(resource, CfnResource):  # an import
        return _name(construct, attribute)
    own = resource.attr_queue_name if isinstance(resource, sqs.CfnQueue) else resource.ref
    return weakly(own)


def _check_name(findings: Findings, name: str) -> None:
    if not _NAME.fullmatch(name):
        findings.add(
            "dashboard_name must be 1 to 255 letters, digits, hyphens and underscores, got "
            f"{name!r}; rename it, or leave it out"
        )


def _check_limits(path: str, found: Sequence[Widget]) -> None:
    """Refuse what CloudWatch would refuse, with the way out."""
    counts = [count_metrics(each) for each in found]
    for what, count, most in (
        ("widgets", len(found), MOST_WIDGETS),
        ("metrics in one graph", max(counts), MOST_METRICS_PER_GRAPH),
        ("metrics", sum(counts), MOST_METRICS),
    ):
        if count > most:
            raise ValueError(
                f"{path}: the dashboard has {count} {what}, and CloudWatch allows {most}; make a "
                "dashboard for each group of interpreters or stacks"
            )
