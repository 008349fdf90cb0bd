"""What meters show while time goes on: a window after each tick."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence

from wattmark.metering.readings import Readings
from wattmark.records import EnergyWindow


def ticks(period_s: float, seconds: float | None = None) -> Iterator[float]:
    """Sleep, and give the seconds since the start at each tick; the first one comes at once.

    A tick that was missed is left out, so that a slow reader never has to catch up. Ends after
    ``seconds``, with a tick at that time; None: never.
    """
    start_s = time.monotonic()
    number = 0
    while True:
        due_s = number * period_s if seconds is None else min(number * period_s, seconds)
        time.sleep(max(0.0, start_s + due_s - time.monotonic()))
        yield time.monotonic() - start_s
        if seconds is not None and due_s >= seconds:
            return
        number = max(number + 1, int((time.monotonic() - start_s) / period_s))


def watch(
    meters: Sequence[str], every_s: float, seconds: float | None = None
) -> Generator[tuple[float, tuple[EnergyWindow, ...]], None, None]:
    """Seconds since the start, and the energy of the time since the tick before, by domain.

    ``meters`` as in ``selection.choose``. A meter that fails is told as a missing figure. Raises
    UnknownNameError and MeterError at the start.
    """
    with Readings.shared(meters) as opened:
        before = None
        for at_s in ticks(every_s, seconds):
            now = opened.read()
            if before is not None:
                yield at_s, opened.energy(before, now)
            before = now
