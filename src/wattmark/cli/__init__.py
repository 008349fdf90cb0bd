"""The command line: one verb a file; the only place that talks to a terminal.

A verb parses its options, calls one function of ``workflows`` or of a room below, and prints. No
logic that a user of the Python API could not reach. Verbs of verbs are in ``board`` and ``meter``.
"""

from wattmark.cli.main import main

__all__ = ["main"]
