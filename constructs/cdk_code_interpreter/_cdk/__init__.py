"""Helpers around the CDK itself, which know nothing of code interpreters."""
