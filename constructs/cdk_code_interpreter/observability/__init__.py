"""Alarms, dashboards and log delivery."""
