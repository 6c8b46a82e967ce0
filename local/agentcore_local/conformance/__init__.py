"""Asks an AWS what its documentation leaves open, and tells the truth about what it answered."""
