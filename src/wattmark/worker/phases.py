"""Phases of a query: their time by the pipeline's own marks, their energy by readings at them.

A pipeline calls ``mark(phase, units)`` whenever a phase has produced units (a token, a step). The
time between two marks belongs to the phase of the later one; what follows the last mark belongs
to the last phase. Meters are read where a query starts, where one phase gives way to the next and
where it ends, so that prefill and decode are measured in one run and never by subtraction. Where
a query has one phase, or none, no meter is read within it.

A phase's energy in a round is the sum over its windows. One window that its meter refuses (too
short for its sensor), or that a meter cannot be read at, makes the sum missing, with the reason:
half a sum is no figure. The query stays good: a fault of a meter is none of the model's.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from wattmark.contracts import Inputs, Output, Pipeline, Runners
from wattmark.metering.readings import Reading, Readings
from wattmark.quantities import Quantity, sum_of_parts
from wattmark.records import PhaseEnergy, PhaseWindow
from wattmark.units import parse_unit


class PhaseClock:
    """Answers queries through a pipeline and keeps what they mark. One round at a time."""

    def __init__(self, pipeline: Pipeline, runners: Runners, meters: Readings) -> None:
        self._pipeline = pipeline
        self._runners = runners
        self._names = tuple(pipeline.phases)
        self._units = pipeline.phases
        for unit in self._units.values():
            parse_unit(unit)  # an unknown one fails this trial now, not the whole run at its end
        self._meters = meters if len(self._names) > 1 else Readings(())
        self.reset()

    def reset(self) -> None:
        """Forget the last round."""
        self._ns: list[dict[str, int]] = []
        self._counts: list[dict[str, int]] = []
        self._windows: list[tuple[str, Reading, Reading]] = []
        self.reading_ns = 0  # what it took to read the meters at the marks

    def answer(self, inputs: Inputs) -> Output:
        """Answer one query (or batch), keeping its marks. Raises what the pipeline raises."""
        if not self._names:
            return self._pipeline(self._runners, inputs, _no_phase)
        clock, read = time.monotonic_ns, self._read
        spent = dict.fromkeys(self._names, 0)
        counts = dict.fromkeys(self._names, 0)
        self._ns.append(spent)
        self._counts.append(counts)
        since, before = clock(), read()
        opened = len(self._windows)

        def mark(phase: str, units: int) -> None:
            nonlocal since, before
            now = clock()
            spent[phase] += now - since
            counts[phase] += units
            since = now
            if self._meters.meters and phase != self._names[-1]:
                after = read()
                self._windows.append((phase, before, after))
                before = after

        try:
            return self._pipeline(self._runners, inputs, mark)
        except BaseException:
            del self._windows[opened:]
            raise
        finally:
            last = self._names[-1]
            spent[last] += clock() - since
            if self._meters.meters and len(self._windows) > opened:
                self._windows.append((last, before, read()))

    def _read(self) -> Reading:
        began_ns = time.monotonic_ns()
        readings = self._meters.read()
        self.reading_ns += time.monotonic_ns() - began_ns
        return readings

    def per_query(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Nanoseconds and units of each query's phases, both (queries, phases)."""
        shape = (len(self._ns), len(self._names))
        spent = np.array([[q[p] for p in self._names] for q in self._ns], dtype=np.int64)
        counts = np.array([[q[p] for p in self._names] for q in self._counts], dtype=np.int64)
        return spent.reshape(shape), counts.reshape(shape)

    def windows(self) -> list[PhaseWindow]:
        """The round's phases in order, with the energy that each took."""
        spent, counts = self.per_query()
        return [
            PhaseWindow(
                phase=phase,
                unit=self._units[phase],
                seconds=float(spent[:, i].sum()) / 1e9,
                units=int(counts[:, i].sum()),
                energy=tuple(self._energies(phase)),
            )
            for i, phase in enumerate(self._names)
        ]

    def _energies(self, phase: str) -> list[PhaseEnergy]:
        parts: dict[tuple[str, str], list[Quantity]] = {}
        for name, before, after in self._windows:
            for window in self._meters.energy(before, after) if name == phase else ():
                parts.setdefault((window.meter, window.domain), []).append(window.gross.to("J"))
        return [
            PhaseEnergy(meter=meter, domain=domain, gross=sum_of_parts((None, q) for q in gross))
            for (meter, domain), gross in parts.items()
        ]


def _no_phase(phase: str, units: int) -> None:
    """A pipeline without phases has nothing to mark."""


def unmarked(pipeline: Pipeline, runners: Runners) -> Callable[[Inputs], Output]:
    """The pipeline as a plain function, for warm-up: marks go nowhere."""
    return lambda inputs: pipeline(runners, inputs, _no_phase)
