"""Data set, unit of work and quality metric: one task a file, found by entry point."""
