"""Calibrate this machine's power model: idle and a load ladder against a real meter.

At each step real processes keep a share of the allowed cores busy; after it has settled, several
windows are read. What share of the whole machine was busy in a window comes from ``/proc/stat``,
so other work counts as what it is. The line through all windows: `wattmark.metrology.load_line`.

Without an instrument nothing is measured in watts. Then a person may give two readings of a wall
meter (`by_hand`), or there is no calibration.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from wattmark import registry
from wattmark.contracts import Meter, MeterInfo
from wattmark.contracts.sensor import MIN_UPDATE_PERIODS
from wattmark.errors import InputError, MeterError
from wattmark.machine.cpu_info import CpuInfo, cpu_info
from wattmark.machine.cpu_ticks import MachineTime, machine_time
from wattmark.metering import selection
from wattmark.metering.busy_cores import busy
from wattmark.metering.readings import Readings
from wattmark.meters.modelled.calibration_file import (
    Calibration,
    LoadPoint,
    MachineIdentity,
    utc_now,
)
from wattmark.metrology.load_line import fit_load_line, scaled
from wattmark.quantities import Grade, Quantity
from wattmark.records import EnergyWindow
from wattmark.records.reading import mean_power

_TRUST = tuple(Grade)
_REAL = (Grade.METERED, Grade.COUNTED)

#: Shares of the allowed cores that are kept busy, one after the other.
LADDER = (0.0, 0.25, 0.5, 0.75, 1.0)
WINDOWS_PER_STEP = 3

#: Part of a step that passes before the first window: clocks, fans and sensors follow the load.
SETTLING = 0.25

CURE = (
    "calibration needs watts from a real instrument: make RAPL readable (`wattmark doctor` says "
    "how), configure a meter of the node and name it with --meter NAME, or read a wall meter at "
    "idle and with all cores busy and give --watts-idle X --watts-full Y --watts-error 2%"
)


@dataclass(frozen=True)
class Step:
    """Progress: step ``number`` of ``of`` with its share of busy cores.

    ``power_w`` is None when the step begins, its mean power when it is done.
    """

    number: int
    of: int
    share: float
    power_w: float | None = None


@dataclass(frozen=True)
class Bench:
    """What a calibration does to the machine and how it looks at it; tests give their own."""

    load: Callable[[float], AbstractContextManager[None]] = busy
    look: Callable[[], MachineTime] = machine_time
    sleep: Callable[[float], None] = time.sleep


def instrument(name: str | None = None) -> Meter:
    """The meter to calibrate against: the one of that name, else the best that there is.

    The best measures the processor by itself, else the node, and is of the highest grade. Raises
    MeterError with the cure where there is none or the named one cannot serve.
    """
    if name is not None:
        (meter,) = selection.choose([name])
        if meter.grade not in _REAL:
            raise MeterError(f"meter {name!r} is itself a model ({meter.grade}); {CURE}")
        return meter
    fit = [
        (_domain(s.info) != "cpu", _TRUST.index(s.info.grade), s.name)
        for s in selection.survey(cost=False)
        if s.info is not None and s.info.grade in _REAL and _domain(s.info) is not None
    ]
    if not fit:
        raise MeterError(f"no instrument on this machine measures its processor; {CURE}")
    return registry.meter(min(fit)[2])


def _domain(info: MeterInfo) -> str | None:
    return next((d for d in ("cpu", "node") if d in info.domains), None)


def calibrate(
    meter: Meter,
    *,
    step_s: float = 5.0,
    ladder: Sequence[float] = LADDER,
    observe: Callable[[Step], None] = lambda step: None,
    bench: Bench | None = None,
    cpu: CpuInfo | None = None,
) -> Calibration:
    """Measure the ladder with a meter that is not open yet, and fit the machine's line.

    Raises InputError for steps too short for the meter, MeterError where the meter covers neither
    ``cpu`` nor ``node``, loses a window, or shows no growth with load.
    """
    cpu, bench = cpu or cpu_info(), bench or Bench()
    with Readings.own([meter]) as opened:
        (info,) = opened.infos
        domain = _domain(info)
        if domain is None:
            covers = ", ".join(info.domains) or "nothing"
            raise MeterError(f"meter {info.name!r} covers {covers}, not the processor; {CURE}")
        windows = _windows(info, step_s)
        points: list[LoadPoint] = []
        quantities: list[Quantity] = []
        for number, share in enumerate(ladder, 1):
            observe(Step(number, len(ladder), share))
            with bench.load(share):
                bench.sleep(SETTLING * step_s)
                window_s = (1 - SETTLING) * step_s / windows
                found = [_window(opened, domain, window_s, bench) for _ in range(windows)]
            points += [point for point, _ in found]
            quantities += [power for _, power in found]
            mean_w = sum(point.power_w for point, _ in found) / windows
            observe(Step(number, len(ladder), share, mean_w))
    line = fit_load_line([p.utilisation for p in points], [p.power_w for p in points])
    low, value, high = (sum(q.bounds()[i] for q in quantities) for i in range(3))
    calibration = Calibration(
        measured_at=utc_now(),
        machine=MachineIdentity.of(cpu),
        source=info.name,
        grade=info.grade,
        domain="cpu" if domain == "cpu" else "node",
        idle_w=scaled(line.idle_w, low / value, high / value, info.grade),
        full_w=scaled(line.full_w, low / value, high / value, info.grade),
        points=tuple(points),
    )
    calibration.model()
    return calibration


def _windows(info: MeterInfo, step_s: float) -> int:
    """Windows a step that are long enough for the meter. Raises InputError where none is."""
    shortest_s = MIN_UPDATE_PERIODS * info.update_period_s
    possible = int((1 - SETTLING) * step_s / shortest_s) if shortest_s > 0 else WINDOWS_PER_STEP
    if step_s <= 0 or possible < 1:
        needed_s = WINDOWS_PER_STEP * shortest_s / (1 - SETTLING)
        raise InputError(
            f"steps of {step_s:g} s are too short for meter {info.name!r}, which updates every "
            f"{info.update_period_s:g} s: take at least {needed_s:.3g} s a step"
        )
    return min(WINDOWS_PER_STEP, possible)


def _window(
    opened: Readings, domain: str, window_s: float, bench: Bench
) -> tuple[LoadPoint, Quantity]:
    """One window: utilisation and mean power. Raises MeterError where the meter lost it."""
    first, before = bench.look(), opened.read()
    bench.sleep(window_s)
    after, last = opened.read(), bench.look()
    window = next((w for w in opened.energy(before, after) if w.domain == domain), None)
    power = _mean_power(window)
    total = last.total - first.total
    if total <= 0:
        raise MeterError("the system's CPU time stood still: take longer steps")
    utilisation = min(1.0, max(0.0, (last.busy - first.busy) / total))
    return LoadPoint(utilisation=utilisation, power_w=power.bounds()[1]), power


def _mean_power(window: EnergyWindow | None) -> Quantity:
    if window is None:
        raise MeterError("the meter gave no window of a domain that it says it covers")
    if (reason := window.gross.reason) is not None:
        raise MeterError(
            f"the meter lost a window of the calibration ({reason}): "
            f"{window.gross.detail or reason.sentence}; if it was too short, take longer steps"
        )
    power = mean_power(window)
    if not power.known or window.gross.bounds()[1] <= 0:
        raise MeterError("the meter gave a window without time or energy: take longer steps")
    return power


def by_hand(idle_w: float, full_w: float, error: float, cpu: CpuInfo | None = None) -> Calibration:
    """A calibration from two readings of a wall meter by a person, each within ``error``.

    Raises InputError for readings that no machine gives.
    """
    if not (0 <= idle_w < full_w and full_w < float("inf")):
        raise InputError(
            f"watts with all cores busy ({full_w:g}) must exceed those at idle ({idle_w:g})"
        )
    if not 0 < error < 1:
        raise InputError(f"the error of a reading is a share such as 2%, not {error:g}")
    idle, full = (
        Quantity.between(w, w * (1 - error), w * (1 + error), "W", grade=Grade.METERED)
        for w in (idle_w, full_w)
    )
    calibration = Calibration(
        measured_at=utc_now(),
        machine=MachineIdentity.of(cpu or cpu_info()),
        source=f"readings that a person took off a wall meter (+-{error:.2g})",
        grade=Grade.METERED,
        domain="node",
        idle_w=idle,
        full_w=full,
    )
    calibration.model()
    return calibration
