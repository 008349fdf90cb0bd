"""What executes a model: one framework a file, found by entry point."""
