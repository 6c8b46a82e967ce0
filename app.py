"""Deploys the smallest honest example."""
