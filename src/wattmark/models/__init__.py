"""Weights with an identity: one model a file, found by entry point."""
