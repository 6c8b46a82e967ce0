"""Roles, trust and grants."""
