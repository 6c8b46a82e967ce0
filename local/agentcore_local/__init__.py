"""A local AWS with the Code Interpreter of Amazon Bedrock AgentCore."""
