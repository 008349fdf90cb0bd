"""``Pushed``: the base of instruments that send by themselves (MQTT, a web socket, USB statistics).

Such an instrument is not asked: its figures arrive when it likes, in a thread of its own. The
newest is kept with the time at which it arrived, and is refused once it is too old to be the
present: an instrument that fell silent would else be read as one that stands still.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Protocol

from wattmark.contracts import Timed
from wattmark.errors import MeterError
from wattmark.meters.node.node_settings import NodeSettings

#: A figure older than so many update periods is stale. The interval of a counter allows for two
#: update periods of its mean power. The ages at the two ends of a window take from their
#: difference with opposite signs, so that it holds as long as neither is above two.
FRESH_PERIODS = 2.0

#: Takes what arrived: a number, or the text of one.
Receive = Callable[[float | str | bytes], None]


class PushingInstrument(Protocol):
    """What an instrument that sends by itself offers."""

    def open(self, receive: Receive) -> str:
        """Start it; from now on each figure goes to ``receive``, from any thread.

        A line that describes it. Raises MeterError.
        """
        ...

    def close(self) -> None:
        """End the sending; also called where ``open`` raised."""
        ...


class Pushed:
    """The newest figure that an instrument sent: a ``Figure``, with its own time.

    ``factor`` makes W or J of what is sent. The settings say how often it sends
    (``update_period_s``) and how long the first figure may take (``timeout_s``).
    """

    def __init__(
        self, instrument: PushingInstrument, settings: NodeSettings, factor: float = 1.0
    ) -> None:
        self._instrument = instrument
        self._settings = settings
        self._factor = factor
        self._arrived = threading.Condition()
        self._latest: Timed | str | None = None
        self._name = ""
        self._open = False

    def open(self) -> str:
        """Start the instrument and wait for its first figure. Raises MeterError."""
        self.close()
        self._open = True
        try:
            self._name = self._instrument.open(self.receive)
            with self._arrived:
                wait_s = self._settings.timeout_s
                if not self._arrived.wait_for(lambda: self._latest is not None, wait_s):
                    raise MeterError(f"{self._name} sent nothing within {wait_s:g} s")
        except BaseException:
            self.close()
            raise
        return self._name

    def receive(self, figure: float | str | bytes) -> None:
        """Keep what arrived; raises nothing, since no instrument's thread could deal with it."""
        try:
            value = float(figure) * self._factor
        except ValueError:
            value = math.nan
        latest: Timed | str = Timed(value, time.monotonic_ns())
        if not math.isfinite(value):
            latest = f"it sent {repr(figure)[:80]}, which is not a finite number"
        with self._arrived:
            self._latest = latest
            self._arrived.notify_all()

    def read(self) -> Timed:
        """The newest figure. Raises MeterError where it is stale, or was none."""
        with self._arrived:
            latest = self._latest
        if latest is None:
            raise MeterError("the meter is not open")
        if isinstance(latest, str):
            raise MeterError(latest)
        age_s = (time.monotonic_ns() - latest.time_ns) / 1e9
        if age_s > FRESH_PERIODS * self._settings.update_period_s:
            raise MeterError(
                f"{self._name} has sent nothing for {age_s:.1f} s, and should every "
                f"{self._settings.update_period_s:g} s (`update_period_s`): is it still there?"
            )
        return latest

    def close(self) -> None:
        """End the sending, and forget what arrived."""
        if self._open:
            self._open = False
            self._instrument.close()
        with self._arrived:
            self._latest = None
