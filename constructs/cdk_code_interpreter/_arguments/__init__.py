"""Checks of arguments: their types, and the service's limits."""
