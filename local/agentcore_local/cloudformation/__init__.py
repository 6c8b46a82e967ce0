"""CloudFormation as documented: what MiniStack's engine is kinder about than AWS, mended.

MiniStack parses templates, resolves references and provisions most types; how a stack gets from
one state to the next is decided here. Import this only after MiniStack's environment is prepared.
"""

from agentcore_local._ministack_cloudformation import follow
from agentcore_local.cloudformation.installation import install

__all__ = ["follow", "install"]
