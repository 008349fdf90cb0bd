"""Instruments that read energy: one meter a file, found by entry point."""
