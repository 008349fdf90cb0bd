"""Ctrl-C ends a run, also where the interpreter dropped the exception.

Each case runs in a process of its own: a signal to the process of the tests may end that one.
"""

from __future__ import annotations

import subprocess
import sys

CASE = """
import signal
from contextlib import suppress
from wattmark.conduct.events import Event, Stage
from wattmark.conduct.interruption import interruptible

event = Event(Stage.MEASURE, 0, 1)
seen = []
signal.signal(signal.SIGINT, {handler})
with interruptible(seen.append) as observe:
    observe(event)
    with suppress(KeyboardInterrupt):  # as the interpreter does in a destructor
        signal.raise_signal(signal.SIGINT)
    try:
        observe(event)
    except KeyboardInterrupt:
        print("interrupted")
print(len(seen), "seen")
assert signal.getsignal(signal.SIGINT) is {handler}
"""


def told_with(handler: str) -> list[str]:
    """What the case prints where that is the handler of SIGINT."""
    code = CASE.format(handler=f"signal.{handler}")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_lost_interrupt_is_raised_at_the_next_event() -> None:
    assert told_with("default_int_handler") == ["interrupted", "1 seen"]


def test_somebody_elses_handler_stays() -> None:
    assert told_with("SIG_IGN") == ["2 seen"]
