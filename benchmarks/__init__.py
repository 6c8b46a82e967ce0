"""What is fast, how fast, and compared with what: `python -m benchmarks`."""
