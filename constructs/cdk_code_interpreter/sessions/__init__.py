"""Session lifecycle: policy, drain, janitor, canary, smoke test, and their functions."""
