"""Faults on request: a registry of named faults, the same for the same seed."""

from __future__ import annotations

import fnmatch
import itertools
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

KNOWN_FAULTS: dict[str, str] = {
    "throttle": "answer 429 ThrottlingException",
    "server_error": "answer 500 InternalServerException with `message`",
    "latency": "wait `delay_seconds` (default 1) before doing anything",
    "drop_connection": "close the connection without an answer; with `after` true, after the work",
    "deny": "answer 403 AccessDeniedException",
    "create_fails": "an interpreter ends in CREATE_FAILED, for `reason`",
    "create_stays_creating": "interpreters stay CREATING while the fault lasts",
    "delete_stays_deleting": "interpreters stay DELETING while the fault lasts",
    "stop_fails": "Stop answers 409 ConflictException, and the session goes on",
    "stop_lies": "Stop answers success; the session stays READY `delay_seconds` (default 5) longer",
    "list_repeats_page": "a page of ListCodeInterpreterSessions is sent twice",
    "restarting_agent": "for every session that is stopped, somebody starts another one",
    "expire_during_drain": "READY sessions expire right after they were listed",
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One injected fault.

    Attributes:
        id: Names it, to clear it.
        name: What goes wrong; one of the declared faults.
        operation: A glob over operations, such as `Stop*`.
        resource: A glob over the ids of interpreters.
        count: How many times it strikes; None for no limit.
        until: When it ends, in seconds since the epoch; None for never.
        probability: The share of matching calls that it strikes.
        options: What the fault needs to know besides.
    """

    id: str
    name: str
    operation: str = "*"
    resource: str = "*"
    count: int | None = None
    until: float | None = None
    probability: float = 1.0
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class _State:
    struck: int
    random: random.Random


_COMMON_OPTIONS = ("operation", "resource", "count", "seconds", "probability", "seed")
_OPTIONS: Mapping[str, Sequence[str]] = {
    "latency": ["delay_seconds"],
    "drop_connection": ["after"],
    "server_error": ["message"],
    "create_fails": ["reason"],
    "stop_lies": ["delay_seconds"],
}
_NUMBERS = ("delay_seconds", "times")


def _check_options(name: str, known: Sequence[str], options: Mapping[str, Any]) -> None:
    """Refuse an option that the fault does not know, and a number that is none."""
    for option, value in options.items():
        if option not in known:
            raise ValueError(
                f"the fault {name} has no option {option!r}; it has "
                f"{', '.join([*_COMMON_OPTIONS, *known])}"
            )
        if option in _NUMBERS and (not _is_number(value) or value < 0):
            raise ValueError(f"{option} must be a number from 0 on, got {value!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


class Faults:
    """What goes wrong on purpose.

    Args:
        now: The clock that ends faults which last for some seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._known = dict(KNOWN_FAULTS)
        self._options = dict(_OPTIONS)
        self._on_inject: dict[str, Callable[[Fault], None]] = {}
        self._faults: dict[str, tuple[Fault, _State]] = {}
        self._ids = itertools.count(1)

    @property
    def known(self) -> Mapping[str, str]:
        """Every fault that can be injected, with what it does."""
        return self._known

    def declare(
        self,
        name: str,
        description: str,
        *,
        options: Sequence[str] = (),
        on_inject: Callable[[Fault], None] | None = None,
    ) -> None:
        """Add a fault that another part of the local AWS implements.

        Args:
            name: The fault's name.
            description: What it does.
            options: What it needs to know besides what all faults have.
            on_inject: Called with each fault of this name when it begins.
        """
        self._known[name] = description
        self._options[name] = options
        if on_inject is not None:
            self._on_inject[name] = on_inject

    def inject(
        self,
        name: str,
        *,
        operation: str = "*",
        resource: str = "*",
        count: int | None = None,
        seconds: float | None = None,
        probability: float = 1.0,
        seed: int = 0,
        **options: Any,
    ) -> Fault:
        """Let something go wrong from now on.

        Args:
            name: One of `known`.
            operation: A glob over operations; by default all.
            resource: A glob over the ids of interpreters; by default all.
            count: How often; by default without limit.
            seconds: For how long; by default until it is cleared.
            probability: The share of matching calls; by default all.
            seed: With the same seed the same calls are struck.
            **options: What the fault needs besides, as `known` says.

        Raises:
            ValueError: There is no such fault, it does not know an option, or a value cannot be.
        """
        if name not in self._known:
            raise ValueError(f"unknown fault {name!r}; known are: {', '.join(sorted(self._known))}")
        for what, glob in (("operation", operation), ("resource", resource)):
            if not isinstance(glob, str):
                raise ValueError(f"{what} must be a text such as 'Stop*', got {glob!r}")
        if not _is_number(probability) or not 0 <= probability <= 1:
            raise ValueError(f"probability must be between 0 and 1, got {probability!r}")
        if count is not None and (not isinstance(count, int) or count < 1):
            raise ValueError(f"count must be at least 1, got {count!r}")
        if seconds is not None and (not _is_number(seconds) or seconds < 0):
            raise ValueError(f"seconds must be a number from 0 on, got {seconds!r}")
        _check_options(name, self._options.get(name, ()), options)
        fault = Fault(
            id=f"fault-{next(self._ids)}",
            name=name,
            operation=operation,
            resource=resource,
            count=count,
            until=None if seconds is None else self._now() + seconds,
            probability=probability,
            options=options,
        )
        if begin := self._on_inject.get(name):
            begin(fault)
        self._faults[fault.id] = (fault, _State(0, random.Random(seed)))
        return fault

    def clear(self, fault_id: str | None = None) -> None:
        """End one fault, or all of them."""
        if fault_id is None:
            self._faults.clear()
        else:
            self._faults.pop(fault_id, None)

    def active(self) -> list[Fault]:
        """The faults that may still strike."""
        return [fault for fault, state in self._faults.values() if self._lasts(fault, state)]

    def lasting(self, name: str, resource: str = "") -> Fault | None:
        """A fault that is a condition rather than an event; asking does not use it up."""
        for fault in self.active():
            if fault.name == name and fnmatch.fnmatchcase(resource, fault.resource):
                return fault
        return None

    def strike(self, name: str, operation: str = "", resource: str = "") -> Fault | None:
        """Ask whether a fault strikes this call, and count it if so."""
        for fault, state in self._faults.values():
            if (
                fault.name == name
                and self._lasts(fault, state)
                and fnmatch.fnmatchcase(operation, fault.operation)
                and fnmatch.fnmatchcase(resource, fault.resource)
                and state.random.random() < fault.probability
            ):
                state.struck += 1
                return fault
        return None

    def _lasts(self, fault: Fault, state: _State) -> bool:
        if fault.count is not None and state.struck >= fault.count:
            return False
        return fault.until is None or self._now() < fault.until
