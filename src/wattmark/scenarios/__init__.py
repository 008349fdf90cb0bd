"""How queries arrive, under MLPerf's names: one scenario a file, found by entry point."""
