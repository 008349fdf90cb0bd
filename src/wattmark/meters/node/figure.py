"""One figure that an instrument shows, in W or cumulative J, and what a meter makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from wattmark.contracts import Availability, Sensor, Timed
from wattmark.errors import MeterAccessError, MeterError
from wattmark.meters.node.node_settings import NodeSettings
from wattmark.quantities import Reason


class Figure(Protocol):
    """A number that can be asked for, again and again."""

    def open(self) -> str:
        """Start using the instrument; a line that describes it. Raises MeterError."""
        ...

    def read(self) -> float | Timed:
        """What it shows now, in W or in J; Timed where it is of an earlier moment.

        Raises MeterError.
        """
        ...

    def close(self) -> None:
        """Release what was opened."""
        ...


@contextmanager
def named_errors(name: str) -> Iterator[None]:
    """Let a MeterError begin with the instrument's name."""
    try:
        yield
    except MeterError as error:
        raise type(error)(f"{name}: {error}") from error


def read_figure(name: str, figure: Figure) -> float | Timed:
    """What it shows now, above 0. Raises MeterError that begins with the instrument's name.

    A machine that runs draws power, so that 0 is the figure of another outlet or of no sensor.
    """
    with named_errors(name):
        shown = figure.read()
    value = shown.value if isinstance(shown, Timed) else shown
    if value <= 0:
        raise MeterError(
            f"{name} shows {value:g}, which nothing that runs can be: does it measure this machine?"
        )
    return shown


def availability(name: str, figure: Figure) -> Availability:
    """Whether it gives a figure now; else whether access was refused or it cannot be read."""
    try:
        with named_errors(name):
            detail = figure.open()
        read_figure(name, figure)
    except MeterError as error:
        refused = isinstance(error, MeterAccessError)
        reason = Reason.PERMISSION if refused else Reason.READ_FAILED
        return Availability(False, reason, str(error))
    finally:
        figure.close()
    return Availability(True, detail=detail)


class Watts:
    """A figure in W as a power source of one domain."""

    def __init__(
        self,
        name: str,
        settings: NodeSettings,
        figure: Figure,
        sensor: Callable[[], Sensor],
    ) -> None:
        """``sensor`` is asked when the instrument has been opened."""
        self.name = name
        self.grade = settings.grade
        self._domain = settings.domain
        self._figure = figure
        self._sensor = sensor

    def probe(self) -> Availability:
        """Whether it gives a reading now."""
        return availability(self.name, self._figure)

    def open(self) -> Mapping[str, Sensor]:
        """Start using it. Raises MeterError."""
        with named_errors(self.name):
            self._figure.open()
        return {self._domain: self._sensor()}

    def power_w(self) -> Mapping[str, float | Timed]:
        """The watts that it shows. Raises MeterError."""
        return {self._domain: read_figure(self.name, self._figure)}

    def close(self) -> None:
        """Release the instrument."""
        self._figure.close()
