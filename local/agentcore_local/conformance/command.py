"""`agentcore-local conformance`: the command line of a run."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DEFAULT_OUTPUT = Path("conformance-report")


def add_command(commands: Any, values: Callable[[Sequence[str]], dict[str, Any]]) -> None:
    """Add the command to the parser of `agentcore-local`.

    Args:
        commands: The parser's commands.
        values: Reads NAME=VALUE pairs.
    """
    text = "ask an AWS what its documentation leaves open, and deploy a stack into it"
    command = commands.add_parser("conformance", help=text, description=text)
    command.add_argument("--profile", help="ask the account of this profile, not a local AWS")
    command.add_argument(
        "--yes-use-my-account",
        action="store_true",
        help="make, use and remove resources in the account of --profile, which costs money",
    )
    command.add_argument("--region", help="default: the profile's own")
    command.add_argument(
        "--only", action="append", default=[], metavar="QUESTION", help="ask only this one"
    )
    command.add_argument("--skip-deployment", action="store_true", help="deploy no stack")
    command.add_argument(
        "--behavior",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="how the local AWS answers; may be given several times",
    )
    command.add_argument(
        "--output", type=Path, default=DEFAULT_OUTPUT, help="folder; default: %(default)s"
    )
    command.add_argument(
        "--clean-up", metavar="PREFIX", help="only remove what an earlier run was not able to"
    )
    command.set_defaults(run=lambda options: _run(options, values(options.behavior)))


def _run(options: argparse.Namespace, behavior: dict[str, Any]) -> None:
    # Imported late: the other commands need none of it.
    from agentcore_local.conformance.cleanup import clean_up
    from agentcore_local.conformance.cost import estimate
    from agentcore_local.conformance.deployment import SESSIONS
    from agentcore_local.conformance.run import chosen, new_prefix, run

    questions = chosen(options.only)
    deploy = not options.skip_deployment and not options.only
    _check_consent(options)
    with _target(options, behavior) as target:
        if options.clean_up:
            left = clean_up(target, options.clean_up)
            _say("\n".join(["left behind:", *left]) if left else "nothing is left")
            return
        prefix = new_prefix()
        cost = estimate(questions, deployment_sessions=SESSIONS if deploy else 0)
        _say(f"Asking {target.description} in {target.region}; all names begin with {prefix}.")
        if target.live:
            _say(f"This costs {cost}. The usage metrics may take 90 minutes to arrive.")
            _say(f"Should it be killed: agentcore-local conformance --clean-up {prefix} ...")
        report = run(target, prefix=prefix, questions=questions, deployment=deploy, say=_say)
    data, text = report.write(options.output)
    _say(f"The report is in {text} (to attach to an issue) and {data}.")
    if report.left:
        _say("\n".join(["LEFT BEHIND, remove it by hand:", *report.left]))
    if not report.passed:
        raise RuntimeError("not every question was answered, or not every check passed")


def _check_consent(options: argparse.Namespace) -> None:
    if options.profile and not options.yes_use_my_account:
        raise ValueError(
            f"--profile {options.profile} makes resources in an account, which costs money; say "
            "--yes-use-my-account as well, or leave --profile out to ask a local AWS"
        )
    if options.yes_use_my_account and not options.profile:
        raise ValueError("--yes-use-my-account needs --profile: name the account's profile")
    if options.profile and options.behavior:
        raise ValueError("--behavior is for a local AWS; leave it or --profile out")


@contextmanager
def _target(options: argparse.Namespace, behavior: dict[str, Any]) -> Iterator[Any]:
    from agentcore_local.conformance.targets import AccountTarget, LocalTarget
    from agentcore_local.local_aws import LocalAws

    if options.profile:
        yield AccountTarget(options.profile, options.region)
        return
    region = {"region": options.region} if options.region else {}
    with LocalAws(behavior=behavior, **region) as aws:
        yield LocalTarget(aws)


def _say(text: str) -> None:
    print(text, flush=True)
