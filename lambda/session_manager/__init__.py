"""The Lambda functions that manage an interpreter's sessions."""
