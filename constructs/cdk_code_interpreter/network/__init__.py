"""What code in a session can reach."""
