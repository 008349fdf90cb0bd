"""What a verb returns where no error was raised (errors carry their own: ``WattmarkError``)."""

from __future__ import annotations

#: Ctrl-C: 128 and the number of SIGINT, as shells say it.
INTERRUPTED = 130
#: It ran to its end, and nothing valid came out.
NOTHING_VALID = 1
#: An exception that nobody expected: EX_SOFTWARE of sysexits.h.
DEFECT = 70
