"""A local AWS in which Bedrock AgentCore's Code Interpreter really runs code.

`LocalAws` starts one for a `with` block; the command `agentcore-local` starts one by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentcore_local.local_aws import LocalAws

__all__ = ["LocalAws"]


def __getattr__(name: str) -> object:
    # Imported at its first use: pytest loads this package's plugin in every project of an
    # environment, also where what the local AWS needs is not installed.
    if name != "LocalAws":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from agentcore_local.local_aws import LocalAws

    return LocalAws
