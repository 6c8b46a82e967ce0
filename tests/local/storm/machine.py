"""The storm itself: random sequences of what happens to a stack, and what must stay true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from .variants import MAX_AGE_MINUTES, OWN_DRAINS
from .world import INTERPRETER, NOTHING_TO_DO, World

# Each of them ends by itself within a drain's patience: what never ends has tests of its own.
FAULTS: dict[str, dict[str, Any]] = {
    "throttle": {"operation": "*Session*", "probability": 0.3},
    "server_error": {"operation": "*Session*", "probability": 0.2},
    "latency": {"operation": "*Session*", "probability": 0.5, "delay_seconds": 0.2},
    "drop_connection": {"operation": "*Session*", "after": True, "count": 2},
    "stop_fails": {"count": 3},
    "stop_lies": {"count": 3, "delay_seconds": 1},
    "list_repeats_page": {"count": 3},
    "restarting_agent": {"count": 5},
    "expire_during_drain": {"count": 2},
    "policy_delay": {"delay_seconds": 1},
    "custom_resource_repeated": {"times": 3},
}
DONE = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
LIVING = {*DONE, "UPDATE_ROLLBACK_COMPLETE"}
# Sessions live for eight hours; none may come to its end by itself.
LONGEST_STORM_MINUTES = 400
PAUSE_MINUTES = 45
CHOICE = st.integers(0, 1000)
HAPPENINGS = st.sampled_from(["time", "calm", "order", *sorted(FAULTS)])


class Storm(RuleBasedStateMachine):
    """Deploys, changes, uses, disturbs and destroys one stack.

    Args:
        world: the stack and everything around it.
    """

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.status = ""
        self.deployed: int | None = None
        self.minutes = 0
        self.faults: set[str] = set()
        self.by_cli = False
        self.story: list[str] = []

    @initialize(
        kind=st.integers(0, 9),
        choice=CHOICE,
        broken=st.sampled_from([False] * 4 + [True]),
        count=st.integers(1, 12),
        what=HAPPENINGS,
        seed=st.integers(0, 99),
        lively=st.integers(0, 99),
    )
    def begin(
        self,
        kind: int,
        choice: int,
        broken: bool,
        count: int,
        what: str,
        seed: int,
        lively: int,
    ) -> None:
        # Hypothesis tries many of its simplest lives first, most of them the same: deploy the first
        # template, destroy it, deploy it again. Refused before anything is done, they cost nothing.
        assume(lively)
        self.world.begin()
        self.by_cli = kind == 9
        self.deploy(choice, broken)
        if self.deployed is not None:
            self.open_sessions(kind % 2, kind % 3 == 0, count)
            if self._variant()["janitor"]:  # few lives come to it by themselves
                self.janitors_look(seed % 2 == 0)
        self.something_happens(what, seed)

    @precondition(lambda self: self.status in {"", *LIVING})
    @rule(choice=CHOICE)
    def change(self, choice: int) -> None:
        self.deploy(choice, broken=False)

    @precondition(lambda self: self.status in {"", *LIVING})
    @rule(choice=CHOICE)
    def fail_to_change(self, choice: int) -> None:
        self.deploy(choice, broken=True)

    def deploy(self, choice: int, broken: bool) -> None:
        """Create the stack or change it; a broken one is taken back when all else was done."""
        index = choice % len(self.world.templates)
        variant = self.world.templates[index]["variant"]
        existed, before, ready = self.deployed is not None, self.world.owned(), self.world.ready()
        self.story.append(f"{'fail to ' * broken}deploy {index} {variant} cli={self.by_cli}")
        # A new janitor looks at once.
        self._expect_over_age(MAX_AGE_MINUTES, variant["janitor"])
        certain, status = dict(self.world.sessions), self.status
        if not broken:
            self._forget_what_a_moved_drain_stops(variant)
        self.status = self.world.deploy(index, broken=broken, by_cli=self.by_cli and not broken)
        if self.status == NOTHING_TO_DO:
            self.status = status
        elif broken or self._may_be_taken_back():
            wanted = "UPDATE_ROLLBACK_COMPLETE" if existed else "ROLLBACK_COMPLETE"
            self.expect(self.status == wanted, self.status, self.world.failures)
            self.expect(self.world.owned() == before, "a failed update changed something")
            self.world.sessions = certain
            # A policy that spreads late may end it before the broken resource does.
            complete = broken and "policy_delay" not in self.faults
            self._look_at_what_a_failure_left(index, before, complete=complete)
        else:
            self.expect(self.status in DONE or self.by_cli, self.status, self.world.failures)
            self._look_at_what_stays(self._staying(before, set(ready.values()), variant))
            self.deployed = index
        self.check()

    def _may_be_taken_back(self) -> bool:
        """CloudFormation may find a role without the policy that it has just given to it."""
        return "policy_delay" in self.faults and "ROLLBACK" in self.status

    @precondition(lambda self: self.deployed is not None)
    @rule(agent=st.integers(0, 1), second=st.booleans(), count=st.integers(1, 12))
    def open_sessions(self, agent: int, second: bool, count: int) -> None:
        outputs = self.world.outputs()
        self.story.append(f"agent {agent} opens {count} sessions")
        identifier = outputs.get("SecondId" if second else "SandboxId", outputs["SandboxId"])
        self.world.open_sessions(agent, identifier, count)

    @precondition(lambda self: self.deployed is not None and self._variant()["janitor"])
    @rule(over_age=st.booleans())
    def janitors_look(self, over_age: bool) -> None:
        mode = self._variant()["janitor"]
        self.story.append(f"janitors look: {mode}, every session is over age: {over_age}")
        old = self._expect_over_age(0 if over_age else MAX_AGE_MINUTES, mode)
        self.world.tick(over_age=over_age)
        lasting = old & set(self.world.ready())
        self.expect(self.faults or not lasting, f"{len(lasting)} sessions are too old")
        self.check()

    @rule(what=HAPPENINGS, seed=st.integers(0, 99))
    def something_happens(self, what: str, seed: int) -> None:
        self.story.append(f"{what}, seed {seed}")
        if what == "calm":
            self.faults.clear()
            self.world.calm()
        elif what == "order":
            self.world.aws.admin("POST", "cloudformation/settings", {"reverse_order": True})
        elif what == "time":
            self._let_time_pass(PAUSE_MINUTES + seed % 2 * PAUSE_MINUTES)
        else:
            self._inject(what, seed)

    def _let_time_pass(self, minutes: int) -> None:
        if self.minutes < LONGEST_STORM_MINUTES:
            self.minutes += minutes
            self.world.advance(minutes)

    def _inject(self, name: str, seed: int) -> None:
        self.faults.add(name)
        if name == "expire_during_drain":
            self.world.sessions.clear()
        self.world.inject(name, seed=seed, **FAULTS[name])

    @precondition(lambda self: self.status)
    @rule()
    def destroy(self) -> None:
        self.story.append("destroy")
        self._destroy(by_cli=self.by_cli)

    def _destroy(self, *, by_cli: bool) -> None:
        retained = self.deployed is not None and self._variant()["retained"]
        staying = set(self.world.owned().values()) if retained else set()
        self.status = self.world.destroy(by_cli=by_cli)
        self.expect(self.status == "", self.status, self.world.failures)
        self._look_at_what_stays(staying)
        self.deployed = None
        self.check()

    @precondition(lambda self: not self.status and "destroy again" not in self.story)
    @rule()
    def destroy_again(self) -> None:
        self.story.append("destroy again")
        self.expect(self.world.destroy() == "", "the stack is back")
        self.check()

    def teardown(self) -> None:
        self.world.calm()
        if self.world.status():
            self.story.append("destroy at the end")
            self._destroy(by_cli=False)

    # What a stack leaves on purpose

    def _staying(self, before: dict[str, str], used: set[str], new: dict[str, Any]) -> set[str]:
        """Which interpreters an update is to leave.

        A replaced one stays if the new template says so. One that had no drain is deleted before
        anybody stopped its sessions: where the service refuses that, CloudFormation gives up.
        """
        if self.deployed is None:
            return set()
        old, now = self._variant(), self.world.owned()
        replaced = {before[name] for name in set(before) & set(now) if before[name] != now[name]}
        removed = {before[name] for name in set(before) - set(now)}
        stuck = replaced & used if old["retained"] else set()
        return (replaced if new["retained"] else stuck) | (removed if old["retained"] else set())

    def _look_at_what_stays(self, staying: set[str]) -> None:
        """They are there, with their sessions; from then on they are no part of the story."""
        left = self.world.interpreters() - set(self.world.owned().values())
        self.expect(left == staying, f"{staying} should have stayed, and {left} did")
        lost = self.world.certain(left) - set(self.world.ready())
        self.expect(not lost, f"{len(lost)} sessions of interpreters that stay were stopped")
        # A role may stay without its interpreter: what is removed stays by the old template, what
        # is replaced by the new one.
        if left or (self.deployed is not None and self._variant()["retained"]):
            self.world.take_away(left)

    def _look_at_what_a_failure_left(
        self, index: int, before: dict[str, str], *, complete: bool
    ) -> None:
        """What is retained stays although its creation is taken back, if it came to that."""
        template = self.world.templates[index]
        resources = template["template"]["Resources"]
        made = [name for name in resources if resources[name]["Type"] == INTERPRETER]
        most = len(set(made) - set(before)) if template["variant"]["retained"] else 0
        left = self.world.interpreters() - set(before.values())
        least = most if complete else 0
        expected = f"{left} stayed, expected: {least} to {most}"
        self.expect(least <= len(left) <= most, expected, self.world.failures)
        if template["variant"]["retained"]:  # a role may have stayed without an interpreter
            self.world.take_away(left)

    # What must be true after each operation

    def check(self) -> None:
        """Everything that holds whatever happened before."""
        interpreters, ready = self.world.interpreters(), self.world.ready()
        wanted = 0 if self.deployed is None else 1 + self._variant()["second"]
        self.expect(len(interpreters) == wanted, f"{wanted} interpreters, not {interpreters}")

        identifier, session = self.world.bystander
        self.expect(ready.pop(session, None) == identifier, "a stranger's session ended")
        self.expect(set(ready.values()) <= interpreters, f"sessions without interpreter: {ready}")
        lost = self.world.certain(interpreters) - set(ready)
        self.expect(not lost, f"{len(lost)} sessions ended that nothing should have ended")

        self.world.tally["looks at every invariant"] += 1
        for request in self.world.requests():
            self.expect(request["outcome"] == "SUCCESS", f"{request}")
            self.expect(1 <= request["answers"] <= request["deliveries"], f"{request}")
        left = self.world.leftovers()
        self.expect(not left, f"left behind: {left}")

    def expect(self, condition: object, otherwise: str, more: Callable[[], Any] = str) -> None:
        """Fail with what happened so far; not every failure happens again the same way."""
        if not condition:
            raise AssertionError("\n".join([otherwise, str(more()), "after:", *self.story]))

    def _variant(self) -> dict[str, Any]:
        assert self.deployed is not None
        variant: dict[str, Any] = self.world.templates[self.deployed]["variant"]
        return variant

    def _expect_over_age(self, minutes: int, mode: str | None) -> set[str]:
        """The sessions that a janitor of this mode ends for their age: they are certain no more."""
        old = self.world.over_age(minutes) if mode == "ENFORCE" else set()
        for session in old:
            del self.world.sessions[session]
        return old

    def _forget_what_a_moved_drain_stops(self, new: dict[str, Any]) -> None:
        """A drain of another logical id is deleted, and drains although its interpreter stays."""
        old = None if self.deployed is None else _drain_of(self._variant())
        if old is not None and old != _drain_of(new):
            self.world.sessions.clear()


def _drain_of(variant: dict[str, Any]) -> str | None:
    """Where an interpreter has its drain; a retained one has none."""
    if variant["retained"]:
        return None
    return "its own" if variant["drain"] in OWN_DRAINS else "beside it"
