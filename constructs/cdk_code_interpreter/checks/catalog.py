"""Every rule, and running them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .caller_rules import CALLER_RULES
from .egress_rules import EGRESS_RULES
from .log_rules import LOG_RULES
from .model import CheckLevel, Finding, Rule
from .network_rules import NETWORK_RULES
from .pass_role_rules import PASS_ROLE_RULES
from .role_rules import ROLE_RULES
from .session_rules import SESSION_RULES
from .template import Templates
from .trust_rules import TRUST_RULES
from .unreadable_rules import UNREADABLE_RULES

RULES: tuple[Rule, ...] = (
    *NETWORK_RULES,
    *EGRESS_RULES,
    *TRUST_RULES,
    *PASS_ROLE_RULES,
    *ROLE_RULES,
    *CALLER_RULES,
    *SESSION_RULES,
    *LOG_RULES,
    *UNREADABLE_RULES,
)


def levels_with(changes: Mapping[str, CheckLevel]) -> dict[str, CheckLevel]:
    """The level of every rule, with changes.

    Raises:
        ValueError: A change names a rule that does not exist.
    """
    levels = {rule.rule_id: rule.level for rule in RULES}
    unknown = sorted(changes.keys() - levels.keys())
    if unknown:
        raise ValueError(
            f"levels names {', '.join(unknown)}, which no rule has; the rules are "
            f"{', '.join(sorted(levels))}"
        )
    wrong = {name: level for name, level in changes.items() if not isinstance(level, CheckLevel)}
    if wrong:
        raise ValueError(
            f"levels must be {' or '.join(f'CheckLevel.{each.name}' for each in CheckLevel)}, got "
            f"{wrong}"
        )
    return levels | dict(changes)


def find(templates: Templates, levels: Mapping[str, CheckLevel] | None = None) -> list[Finding]:
    """Run the rules over templates, without the CDK.

    Args:
        templates: What to check; see `read_templates`.
        levels: Levels that differ from the rules' own, by rule id. Default: none differs.

    Returns:
        The findings, in the order of the rules and of the templates.

    Raises:
        ValueError: `levels` names a rule that does not exist.
    """
    chosen = levels_with(levels or {})
    return [
        Finding(rule, hit, chosen[rule.rule_id])
        for rule in RULES
        if chosen[rule.rule_id] is not CheckLevel.OFF
        for hit in dict.fromkeys(rule.check(templates))
    ]


def guard_rules() -> Path:
    """The same rules for CloudFormation Guard: a file to give to ``cfn-guard validate --rules``.

    For pipelines without the CDK, and for templates in YAML. What a rule sees less in Guard is
    its `guard_limit`.
    """
    return Path(__file__).resolve().parent / "guard" / "code_interpreter.guard"
