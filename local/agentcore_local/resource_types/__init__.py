"""Resource types that MiniStack's CloudFormation lacks, and those that it is kinder about.

Import this only after MiniStack's environment is prepared.
"""

from agentcore_local.resource_types.installation import install

__all__ = ["install"]
