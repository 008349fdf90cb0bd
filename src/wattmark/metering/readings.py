"""The window between two readings, for all who measure: rounds, phases, blocks, idle times.

Meters are opened together, read together and closed together. What a meter raises meanwhile ends
nothing of the work that it measures: a reading that failed takes its place in the row, and the
energies of a window that it bounds are missing, with the reason.

::

    with Readings.shared() as meters:
        before = meters.read()
        work()
        windows = meters.energy(before, meters.read())
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from wattmark.contracts import Meter, MeterInfo
from wattmark.errors import MeterError
from wattmark.metering.charge import WHOLE_NODE, is_gpu
from wattmark.metering.opened import OPEN_METERS, OpenMeter
from wattmark.records import EnergyWindow, MeterReading

#: What every meter showed at one time, in order; the fault of one that could not be read.
Reading = tuple[MeterReading | MeterError, ...]


class Readings:
    """Open meters that are read together."""

    def __init__(
        self,
        meters: Sequence[OpenMeter],
        release: Callable[[Sequence[OpenMeter]], None] | None = None,
    ) -> None:
        """``release`` is called by ``close``; without it somebody else closes the meters.

        ``charge`` says what of all that they see counts: at first everything.
        """
        self.meters = tuple(meters)
        self.charge = WHOLE_NODE
        self._release = release

    @classmethod
    def shared(cls, names: Sequence[str] = ()) -> Self:
        """The process's open meters of those names (none: the best there are).

        Raises UnknownNameError for a name that nothing installed has, and MeterError for a meter
        that cannot be used here.
        """
        return cls(OPEN_METERS.acquire(names), OPEN_METERS.release)

    @classmethod
    def own(cls, meters: Sequence[Meter]) -> Self:
        """Meters that are not open yet, opened for this user alone. Raises what opening raises."""
        opened: list[OpenMeter] = []
        try:
            opened.extend(OpenMeter(meter.name, meter) for meter in meters)
        except BaseException:
            _close(opened)
            raise
        return cls(opened, _close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the meters, in the order in which they are read."""
        return tuple(meter.name for meter in self.meters)

    @property
    def infos(self) -> tuple[MeterInfo, ...]:
        """What each meter said when it was opened."""
        return tuple(meter.info for meter in self.meters)

    @property
    def polling_cpu_s(self) -> float:
        """CPU time of the threads that poll, so far."""
        return sum(meter.polling_cpu_s for meter in self.meters)

    def read(self) -> Reading:
        """What every meter shows now; raises nothing."""
        return tuple([meter.read() for meter in self.meters])

    def energy(self, before: Reading, after: Reading) -> tuple[EnergyWindow, ...]:
        """Energy that counts between two readings by meter and domain, missing where one failed;
        raises nothing."""
        return self.charge.of(
            window
            for meter, a, b in zip(self.meters, before, after, strict=True)
            for window in meter.energy(a, b)
        )

    @property
    def see_gpus(self) -> bool:
        """Whether any of the meters sees a GPU."""
        return any(is_gpu(domain) for info in self.infos for domain in info.domains)

    def whole(self) -> Readings:
        """The same meters, all that they see counted; closing it closes nothing."""
        return Readings(self.meters)

    def close(self) -> None:
        """Let go of the meters; figures of readings taken before still come.

        Raises what a meter raises when it is closed, after all have been let go of.
        """
        if self._release is not None:
            self._release(self.meters)


def _close(meters: Sequence[OpenMeter]) -> None:
    faults: list[Exception] = []
    for opened in meters:
        try:
            opened.meter.close()
        except Exception as fault:  # noqa: BLE001 - raised below, once all are closed
            faults.append(fault)
    if faults:
        raise faults[0]
