"""A fault: a role's new policy takes a while until IAM applies it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agentcore_local import _ministack_cloudformation as ministack
from agentcore_local.service.faults import Fault, Faults

FAULT = "policy_delay"
_DEFAULT_SECONDS = 10.0


class PolicyDelay:
    """Hides the policies that a role got after the fault began, for as long as it says.

    Args:
        faults: the registry that the fault is injected in; its `resource` is a glob over the
            names of roles.
        now: the clock.
    """

    def __init__(self, faults: Faults, now: Callable[[], float]) -> None:
        self._faults = faults
        self._now = now
        self._known: set[tuple[str, str, str]] = set()
        self._seen_first: dict[tuple[str, str, str], float] = {}

    def install(self) -> None:
        """Let the evaluator see a role's policies through the fault."""
        gather = ministack.iam_evaluator._gather_role_policies
        self._faults.declare(
            FAULT,
            "a role's new policy applies `delay_seconds` (default 10) after its first use",
            options=["delay_seconds"],
            on_inject=lambda _fault: self._remember(gather),
        )

        def gather_applied(role_name: str, account_id: str) -> Any:
            policies = gather(role_name, account_id)
            fault = self._faults.lasting(FAULT, role_name)
            if fault is None:
                return policies
            return [p for p in policies if self._applies(fault, role_name, account_id, p)]

        ministack.iam_evaluator._gather_role_policies = gather_applied

    def _remember(self, gather: Callable[[str, str], Any]) -> None:
        """Every policy that is there when the fault begins applies already."""
        self._seen_first.clear()
        self._known = {
            (account, role_name, repr(policy))
            for account, role_name in _roles()
            for policy in gather(role_name, account)
        }

    def _applies(self, fault: Fault, role_name: str, account_id: str, policy: Any) -> bool:
        key = account_id, role_name, repr(policy)
        if key in self._known:
            return True
        delay = float(fault.options.get("delay_seconds", _DEFAULT_SECONDS))
        return self._now() - self._seen_first.setdefault(key, self._now()) >= delay


def _roles() -> list[tuple[str, str]]:
    return [(key[0], key[-1]) for key in ministack.iam._roles._data]
