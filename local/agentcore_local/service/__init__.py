"""The Code Interpreter of Amazon Bedrock AgentCore, both of its APIs, on this machine.

The package knows nothing of the AWS around it: identity, roles, metrics and the clock come
through `backend.Backend`.
"""
