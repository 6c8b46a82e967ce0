"""The entry point of `agentcore-local`, which can also say what is not installed."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command `agentcore-local`, or say which extra is missing.

    The base installation has the command as well, but not what the local AWS needs.
    """
    try:
        from agentcore_local.command import main as run
    except ModuleNotFoundError as error:
        print(
            f"agentcore-local: the package {error.name!r} is not installed; "
            "run: pip install 'cdk-code-interpreter[local]'",
            file=sys.stderr,
        )
        raise SystemExit(1) from None
    run()
