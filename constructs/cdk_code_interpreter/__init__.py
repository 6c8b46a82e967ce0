"""CDK constructs for Amazon Bedrock AgentCore's Code Interpreter."""
