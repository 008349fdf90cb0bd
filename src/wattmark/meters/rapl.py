"""RAPL: the energy counters of Intel and AMD processors, read from Linux's powercap sysfs.

Counted are the package zones (summed over sockets and dies: domain ``cpu``) and the dram zones
(domain ``dram``), each once, by what they are (:mod:`wattmark.meters.powercap_zones`). A zone that
cannot be read costs its own domain, whose sum would lack it, and no other. Dies that show the
counter of their whole socket are told by what they show: they count once
(:func:`wattmark.metrology.counter_windows.counted_window`).

Accuracy. No source bounds RAPL's error in general. Desrochers et al. (MEMSYS 2016) find the right
trend with a constant offset, worse when idle, good on servers that measure at the voltage
regulator; Khan et al. ("RAPL in Action", 2018) find package energy highly correlated with power
at the plug. The gains below, 10 % for a package and 20 % for memory, are a judgement on these.
The counters are updated about every millisecond, at no fixed phase.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from wattmark.contracts import Availability, Channel, MeterInfo
from wattmark.errors import MeterError
from wattmark.meters.powercap_zones import (
    DEFAULT_MAX_POWER_W,
    LEAST_SPAN_UJ,
    Found,
    Zone,
    survey_zones,
)
from wattmark.metrology.counter_windows import counted_window, counter
from wattmark.metrology.counters import Accuracy, elapsed_s, longest_gap_s, window_without_idle
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import EnergyWindow, MeterReading

__all__ = ["DEFAULT_MAX_POWER_W", "Rapl", "find_zones"]

UPDATE_PERIOD_S = 1e-3
ACCURACY = {
    "cpu": Accuracy(UPDATE_PERIOD_S, 0.9, 1.1),
    "dram": Accuracy(UPDATE_PERIOD_S, 0.8, 1.2),
}


def find_zones(root: Path) -> list[Zone]:
    """The package and dram zones below ``root`` that can be read, without double counting."""
    return list(survey_zones(root).zones)


class Rapl:
    """Counter of processor packages and, where there is one, of their memory."""

    name = "rapl"
    grade = Grade.COUNTED

    def __init__(self, root: Path = Path("/sys/class/powercap")) -> None:
        self._root = root
        self._found = Found(())
        self._files: dict[str, int] = {}

    def probe(self) -> Availability:
        """Whether there is a domain of which every counter can be read."""
        found = survey_zones(self._root)
        said = [*(problem.detail for problem in found.problems), *found.notes]
        if _whole_domains(found):
            zones = ", ".join(f"{z.key} = {z.folder.name}" for z in found.zones)
            return Availability(True, detail="; ".join([zones, *said]))
        if counted := [problem for problem in found.problems if problem.domain]:
            refused = any(problem.reason is Reason.PERMISSION for problem in counted)
            reason = Reason.PERMISSION if refused else Reason.READ_FAILED
            return Availability(False, reason, "; ".join(said))
        detail = (
            f"no package zone in {self._root}: not a Linux machine with RAPL, a virtual "
            "machine or container that hides it, or the module intel_rapl_msr is not loaded"
        )
        return Availability(False, Reason.NO_METER, "; ".join([detail, *said]))

    def open(self, cores: int) -> MeterInfo:
        """Open the counter files. Raises MeterError where probe says unavailable."""
        if not (available := self.probe()).available:
            raise MeterError(f"rapl cannot be used: {available.detail}")
        self.close()
        self._found = survey_zones(self._root)
        try:
            for zone in self._found.zones:
                self._files[zone.key] = os.open(zone.counter, os.O_RDONLY)
        except OSError as error:
            self.close()
            raise MeterError(f"rapl cannot be used: {error}") from error
        domains = _whole_domains(self._found)
        return MeterInfo(self.name, domains, self.grade, UPDATE_PERIOD_S, available.detail)

    def channels(self) -> tuple[Channel, ...]:
        """One for each zone of the domains that it covers."""
        whole = _whole_domains(self._found)
        return tuple(
            counter(
                self.name,
                zone.key,
                ACCURACY[zone.domain],
                self.grade,
                domain=zone.domain,
                span_j=None if zone.span_uj is None else zone.span_uj / 1e6,
                max_power_w=zone.max_power_w,
                package=zone.package,
            )
            for zone in self._found.zones
            if zone.domain in whole
        )

    def read(self) -> MeterReading:
        """Cumulative joules by zone; a zone that cannot be read is left out.

        Raises MeterError where the meter is not open or no zone could be read.
        """
        time_ns = time.monotonic_ns()
        values: dict[str, float] = {}
        problem: Exception | str = "the meter is not open"
        for key, file in self._files.items():
            try:
                values[key] = int(os.pread(file, 32, 0)) / 1e6
            except (OSError, ValueError) as error:
                problem = error
        if not values:
            raise MeterError(f"rapl could not be read from {self._root}: {problem}")
        return MeterReading(time_ns=time_ns, values=values)

    def energy(self, before: MeterReading, after: MeterReading) -> tuple[EnergyWindow, ...]:
        """Energy of ``cpu`` and ``dram``, each the sum of its zones; missing if one is missing."""
        channels = self.channels()
        lacking = [problem for problem in self._found.problems if problem.domain]
        domains = dict.fromkeys([*self._found.domains, *(problem.domain for problem in lacking)])
        windows = []
        for domain in domains:
            if (problem := self._found.lacking(domain)) is not None:
                gross = Quantity.missing("J", problem.reason, problem.detail)
            elif (hidden := self._hidden_wrap(domain, before, after)) is not None:
                gross = hidden
            else:
                parts = [channel for channel in channels if channel.domain == domain]
                windows.append(counted_window(parts, before, after))
                continue
            windows.append(window_without_idle(self.name, domain, gross, before, after))
        return tuple(windows)

    def _hidden_wrap(
        self, domain: str, before: MeterReading, after: MeterReading
    ) -> Quantity | None:
        """Why a window is missing whose counter does not say where it wraps, if so."""
        wall_s = elapsed_s(before, after)
        for zone in self._found.zones:
            if zone.domain != domain or zone.span_uj is not None:
                continue
            limit_s = longest_gap_s(LEAST_SPAN_UJ / 1e6, zone.max_power_w)
            first_j, last_j = (reading.values.get(zone.key) for reading in (before, after))
            if wall_s > limit_s:
                said = f"could wrap unseen after {limit_s:.3g} s, and the window has {wall_s:.3g} s"
            elif first_j is not None and last_j is not None and last_j < first_j:
                said = f"went from {first_j:.9g} to {last_j:.9g} J: did it wrap?"
            else:
                continue
            detail = f"{zone.range_file} does not say where the counter wraps; it {said}"
            return Quantity.missing("J", Reason.COUNTER_WRAPPED, detail)
        return None

    def close(self) -> None:
        """Close the counter files; ``energy`` still works on readings taken before."""
        for file in self._files.values():
            os.close(file)
        self._files = {}


def _whole_domains(found: Found) -> tuple[str, ...]:
    """Domains whose counters can all be read."""
    return tuple(domain for domain in found.domains if found.lacking(domain) is None)
