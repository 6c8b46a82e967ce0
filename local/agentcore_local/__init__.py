"""A local AWS in which Bedrock AgentCore's Code Interpreter really runs code.

`LocalAws` starts one for a `with` block; the command `agentcore-local` starts one by hand.
"""

from agentcore_local.local_aws import LocalAws

__all__ = ["LocalAws"]
