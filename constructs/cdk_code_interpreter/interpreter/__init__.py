"""The code interpreter: defined here, imported, or the system's own."""
