"""The report of a run: JSON for programs, Markdown for an issue."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from agentcore_local.conformance.deployment import Check
from agentcore_local.conformance.questions import Answer, Question

NOT_ASKED: Mapping[str, str] = {
    "Is there an idle timeout of sessions?": "it would take hours",
    "For how long do network interfaces outlive an interpreter?": "it would take hours and a VPC",
    "Which session calls are data events of CloudTrail?": "it would take a trail of your account's",
    "Are there events of EventBridge?": "they would have to be waited for in vain",
    "Do prices differ between regions?": "the price list says so, not an API",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One question with its answer.

    Attributes:
        question: The question.
        answer: The answer; None if it could not be asked.
        problem: Why not.
    """

    question: Question
    answer: Answer | None
    problem: str = ""


@dataclass
class Report:
    """Everything that a run found.

    Attributes:
        target: What was asked, for people.
        region: Its region.
        versions: Versions of what asked.
        findings: The questions with their answers.
        checks: The end-to-end checks.
        left: What could not be removed.
        interrupted: Whether the run ended early.
    """

    target: str
    region: str
    versions: Mapping[str, str]
    findings: list[Finding] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    interrupted: bool = False

    @property
    def passed(self) -> bool:
        """Whether every check passed, every question was answered and nothing is left."""
        return (
            not self.left
            and not self.interrupted
            and all(finding.answer for finding in self.findings)
            and all(check.passed for check in self.checks)
        )

    def answers(self) -> dict[str, str]:
        """The answers by the ids of their questions."""
        return {each.question.id: each.answer.value for each in self.findings if each.answer}

    def behavior(self) -> dict[str, Any]:
        """The settings of the local AWS's switches that make it answer as this one did."""
        settings = {
            each.question.behavior: each.question.setting_for(each.answer)
            for each in self.findings
            if each.answer and each.question.behavior
        }
        return {name: value for name, value in settings.items() if value is not None}

    def as_json(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "target": self.target,
            "region": self.region,
            "versions": dict(self.versions),
            "passed": self.passed,
            "interrupted": self.interrupted,
            "answers": [
                {
                    "id": each.question.id,
                    "question": each.question.text,
                    "answer": each.answer.value if each.answer else None,
                    "evidence": list(each.answer.evidence) if each.answer else [],
                    "problem": each.problem,
                }
                for each in self.findings
            ],
            "checks": [asdict(check) for check in self.checks],
            "behavior": self.behavior(),
            "not_asked": dict(NOT_ASKED),
            "left": self.left,
        }

    def as_markdown(self) -> str:
        """The report for people."""
        lines = [
            "# Conformance of the code interpreter service",
            "",
            f"Asked: {self.target}, region {self.region}. "
            + ", ".join(f"{name} {version}" for name, version in self.versions.items())
            + ".",
            *(["", "**The run was interrupted.**"] if self.interrupted else []),
            "",
            "## Answers",
            *_answer_lines(self.findings),
            "",
            "## End to end",
            *(_check_line(check) for check in self.checks),
            *([] if self.checks else ["Left out."]),
            "",
            "## A local AWS that answers the same",
            "",
            "```sh",
            " ".join(["agentcore-local up", *_flags(self.behavior())]),
            "```",
            "",
            "## Not asked",
            *(f"- {text} ({reason})" for text, reason in NOT_ASKED.items()),
            *_left_lines(self.left),
            "",
        ]
        return "\n".join(lines)

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write both files, and return where they are."""
        folder.mkdir(parents=True, exist_ok=True)
        data, text = folder / "conformance.json", folder / "conformance.md"
        data.write_text(json.dumps(self.as_json(), indent=2) + "\n")
        text.write_text(self.as_markdown())
        return data, text


def _answer_lines(findings: Sequence[Finding]) -> list[str]:
    lines = []
    for finding in findings:
        answer = finding.answer
        value = f"**{answer.value}**" if answer else f"not answered: {finding.problem}"
        lines += ["", f"### {finding.question.text}", "", value, ""]
        lines += [f"- {each}" for each in (answer.evidence if answer else ())]
        lines.append(f"- either way: {finding.question.matters}")
    return lines


def _check_line(check: Check) -> str:
    mark = {True: "passed", False: "FAILED", None: "not tried"}[check.passed]
    return f"- {mark}: {check.text}" + (f" ({check.detail})" if check.detail else "")


def _flags(behavior: Mapping[str, Any]) -> list[str]:
    return [
        f"--behavior {name}={value if isinstance(value, str) else json.dumps(value)}"
        for name, value in sorted(behavior.items())
    ]


def _left_lines(left: Sequence[str]) -> list[str]:
    if not left:
        return ["", "Everything that the run made is removed."]
    return ["", "## Left behind: remove this by hand", *(f"- {each}" for each in left)]
