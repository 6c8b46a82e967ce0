"""The command `cdk-code-interpreter`: checks and evidence for a pipeline, without the local AWS."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .catalog import find
from .evidence import collect_evidence, evidence_rows, write_evidence
from .model import CheckLevel, Finding
from .reports import REPORTS
from .template import read_templates

_OPEN = ("not met", "not assessed")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Args:
        arguments: The command line. Default: the process's own.
    """
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except (ValueError, OSError) as error:
        print(f"cdk-code-interpreter: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    raise SystemExit(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cdk-code-interpreter",
        description="Checks of code interpreters in CloudFormation templates, and evidence for "
        "auditors. Needs no AWS account.",
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    text = "check templates against the rules for code interpreters"
    check = commands.add_parser("check", help=text, description=text)
    check.add_argument("paths", type=Path, nargs="+", help="cdk.out, or template files")
    check.add_argument("--format", choices=["text", *REPORTS], default="text")
    check.add_argument("-o", "--output", type=Path, help="a file; default: standard output")
    check.add_argument(
        "--fail-on",
        choices=["error", "warning", "never"],
        default="error",
        help="the level of findings that ends the command with 1; default: %(default)s",
    )
    check.set_defaults(run=_check)
    add_evidence(commands)
    return parser


def add_evidence(commands: Any) -> None:
    """Add the command `evidence` to a parser's commands."""
    text = "write evidence for an auditor about a synthesized app"
    command = commands.add_parser("evidence", help=text, description=text)
    command.add_argument("assembly", type=Path, help="the folder that `cdk synth` wrote: cdk.out")
    command.add_argument("-o", "--output", type=Path, help="a file for all of it, as JSON")
    command.add_argument(
        "--pack",
        action="append",
        default=[],
        metavar="NAME",
        help="a rule pack that the app registers; the CDK's report leaves out those that found "
        "nothing; may be given several times",
    )
    command.add_argument(
        "--fail-on",
        choices=["not-met", "open", "never"],
        default="never",
        help="ends the command with 1 where a rule is not met, or (open) not assessed either; "
        "default: %(default)s",
    )
    command.set_defaults(run=run_evidence)


def _check(options: argparse.Namespace) -> int:
    findings = find(read_templates(options.paths))
    if options.format == "text":
        written = "".join(f"{line}\n" for line in _lines(findings))
    else:
        written = REPORTS[options.format](findings)
    if options.output is None:
        sys.stdout.write(written)
    else:
        options.output.write_text(written, encoding="utf-8")
    failing = {
        "error": (CheckLevel.ERROR,),
        "warning": (CheckLevel.ERROR, CheckLevel.WARNING),
        "never": (),
    }[options.fail_on]
    return int(any(finding.level in failing for finding in findings))


def _lines(findings: Sequence[Finding]) -> Iterator[str]:
    for each in findings:
        hit = each.hit
        yield f"{each.level.value}: {hit.template.path}: {hit.logical_id}: {each.finding_id}"
        yield f"  {each.rule.meaning}"
        yield f"  Fix: {each.rule.mend}"
    count = len(findings)
    yield f"{count} finding{'' if count == 1 else 's'}"


def run_evidence(options: argparse.Namespace) -> int:
    """Write the evidence of an assembly, and print what a reader of a log needs of it."""
    evidence = collect_evidence(options.assembly, options.pack)
    if options.output is not None:
        write_evidence(evidence, options.output)
    for line in _summary(evidence):
        print(line)
    failing = {"not-met": ("not met",), "open": _OPEN, "never": ()}[options.fail_on]
    statuses = {rule["status"] for stack in evidence["stacks"] for rule in stack["rules"]}
    return int(bool(statuses & set(failing)))


def _summary(evidence: Mapping[str, Any]) -> Iterator[str]:
    """Return lines that are whole in a log, however wide it is."""
    for pack in evidence["packs"]:
        yield (
            f"pack {pack['name']} {pack['version']}: {pack['conclusion']}, "
            f"{pack['findings']} findings, {pack['acknowledged']} acknowledged"
        )
    for stack in evidence["stacks"]:
        place = f"{stack['account'] or 'unknown account'}, {stack['region'] or 'unknown region'}"
        yield f"stack {stack['stack']} ({place})"
        # Several stacks may have one name, in different Regions or stages.
        for _, rule, status, _, resources in evidence_rows({"stacks": [stack]}):
            yield f"  {status}: {rule}: {resources}"
        for control in stack["controls"]:
            if control["status"] == "not applicable":
                continue
            reasons = f" ({'; '.join(control['reasons'])})" if control["reasons"] else ""
            yield f"  {control['status']}: {control['framework']} {control['control']}{reasons}"
        for each in stack["acknowledgments"]:
            yield f"  acknowledged at {each['construct']}: {each['id']}: {each['reason']}"
