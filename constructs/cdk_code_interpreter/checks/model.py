"""What a rule is, and what it finds."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .template import Resource, Template, Templates

PACK_NAME = "CodeInterpreter"


class CheckLevel(enum.Enum):
    """How much a finding weighs."""

    ERROR = "error"
    """The synthesis fails."""

    WARNING = "warning"
    """The finding is reported and the synthesis goes on."""

    OFF = "off"
    """The rule is not run."""


@dataclass(frozen=True, kw_only=True)
class Controls:
    """The published controls that a rule serves; each is quoted by its own identifier."""

    nist_800_53: tuple[str, ...]
    config_rules: tuple[str, ...] = ()
    security_hub: tuple[str, ...] = ()

    def as_metadata(self) -> dict[str, str]:
        """The controls as flat strings, for reports; a framework without a control is left out."""
        frameworks = {
            "NIST.800.53.R5": self.nist_800_53,
            "AWSConfig": self.config_rules,
            "SecurityHub": self.security_hub,
        }
        return {name: ", ".join(ids) for name, ids in frameworks.items() if ids}


@dataclass(frozen=True)
class Hit:
    """One place in a template that a rule objects to."""

    template: Template
    logical_id: str
    location: str
    """Path below the resource, such as ``Properties/NetworkConfiguration``."""
    detail: str | None = None
    """What tells this hit from others of the rule; becomes a part of the id to acknowledge."""


@dataclass(frozen=True)
class Proof:
    """What shows that a rule is kept: a resource that it is about, and the setting that does it."""

    subject: Resource
    """What the rule is about, such as an interpreter."""
    witness: Resource
    """What has the setting: often the subject itself."""
    location: str
    """Path of the setting below the witness."""


@dataclass(frozen=True)
class Unseen:
    """Something that a rule is about, and that the templates do not show."""

    subject: Resource
    reason: str


def _nothing(templates: Templates) -> Iterator[Unseen]:
    """Return nothing: the rule sees all that it is about."""
    return iter(())


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule of the pack, with all that a reader of a finding needs."""

    name: str
    """The last part of the rule's id, such as ``PublicNetwork``."""
    meaning: str
    why: str
    mend: str
    controls: Controls
    level: CheckLevel
    check: Callable[[Templates], Iterator[Hit]]
    prove: Callable[[Templates], Iterator[Proof]]
    """What would keep the rule; a subject that the rule also objects to does not."""
    unseen: Callable[[Templates], Iterator[Unseen]] = _nothing
    """What the rule is about and cannot see: an auditor is told that it was not assessed."""
    decides: tuple[str, ...] = ()
    """The controls that the rule decides by itself, for everything in their scope. To all others it
    contributes."""
    guard_limit: str | None = None
    """What the CloudFormation Guard rule of the same name cannot see; `None`: it sees the same."""

    @property
    def rule_id(self) -> str:
        """The id of the rule, such as ``CodeInterpreter-PublicNetwork``."""
        return f"{PACK_NAME}-{self.name}"


@dataclass(frozen=True)
class Finding:
    """A rule that is broken at one place."""

    rule: Rule
    hit: Hit
    level: CheckLevel

    @property
    def finding_id(self) -> str:
        """The rule's id, with the detail in brackets where the rule gives one."""
        if self.hit.detail is None:
            return self.rule.rule_id
        return f"{self.rule.rule_id}[{self.hit.detail}]"
