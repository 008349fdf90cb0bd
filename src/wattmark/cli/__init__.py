"""The command line: one verb a file; the only place that talks to a terminal."""

from wattmark.cli.main import main

__all__ = ["main"]
