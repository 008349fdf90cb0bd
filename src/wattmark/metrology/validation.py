"""The battery: does the interval cover the truth? Every sensor class on loads of known energy.

Each window lies between idle times and holds one load; a part-time sensor is tried twice, once
as it comes and once with phase-shifted repeats (:mod:`wattmark.metrology.repeats`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from wattmark.contracts import Sensor
from wattmark.errors import UnknownNameError
from wattmark.metrology import simulation
from wattmark.metrology.compared import Compared, Figures, figures
from wattmark.metrology.repeats import phase_shifts_s, repeated_energy, updates
from wattmark.metrology.sensor_classes import CLASSES
from wattmark.metrology.windows import SensedEnergy, sensed_energy

WINDOWS_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)

#: Of every sensor of the battery: figures in steps of 0.1 W, calibrated to 0.5 %.
QUANTUM_W = 0.1
GAIN_ERROR = 0.005

#: A program that asks for the reading does so every 10 ms; while it waits for an update, each 1 ms.
POLL_PERIOD_S = 0.01
WATCH_PERIOD_S = 0.001

#: Between repeats, for the device to fall idle, before the wait for the next phase.
PAUSE_S = 0.15

#: The same work is never quite the same: its power differs by this share from repeat to repeat.
REPEAT_ERROR = 0.005

IDLE_S = 4.0


@dataclass(frozen=True, kw_only=True)
class Trial(Compared):
    """One window of the battery, in J."""

    sensor: str
    load: str
    window_s: float
    shifted: bool


def battery(
    repeats: int,
    seed: int,
    classes: Iterable[str] = CLASSES,
    observe: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Trial]:
    """Trials of every class, load and window length, ``repeats`` of each; seeded.

    ``observe`` is told how many are done and how many there are. Raises UnknownNameError for a
    class that is none.
    """
    jobs = []
    for name in classes:
        if name not in CLASSES:
            raise UnknownNameError("sensor class", name, CLASSES)
        modes = (False, True) if CLASSES[name].part_time else (False,)
        jobs += [
            (name, load, window_s, shifted)
            for load in simulation.LOADS
            for window_s in WINDOWS_S
            for shifted in modes
        ]
    random = np.random.default_rng(seed)
    for done, (name, load, window_s, shifted) in enumerate(jobs):
        observe(done * repeats, len(jobs) * repeats)
        sensor = replace(
            CLASSES[name],
            quantum_w=QUANTUM_W,
            gain_low=1.0 - GAIN_ERROR,
            gain_high=1.0 + GAIN_ERROR,
            max_power_w=simulation.PEAK_W,
        )
        conduct = _shifted if shifted else _plain
        for _ in range(repeats):
            truth_j, naive_j, said = conduct(sensor, load, window_s, random)
            yield Trial(
                truth=truth_j,
                naive=naive_j,
                said=said,
                sensor=name,
                load=load,
                window_s=window_s,
                shifted=shifted,
            )


def _plain(
    sensor: Sensor, load: str, window_s: float, random: np.random.Generator
) -> tuple[float, float, SensedEnergy]:
    """One window, as it comes: J that were true, J of the readings, what is said."""
    lead_s = IDLE_S + random.uniform(0.0, 0.2)
    true = simulation.curve(
        simulation.idle(lead_s),
        simulation.load(load, window_s, random),
        simulation.idle(IDLE_S),
    )
    start_s = round(lead_s / simulation.STEP_S) * simulation.STEP_S
    shown = simulation.sense(true, sensor, random)
    seen = simulation.poll(shown, min(POLL_PERIOD_S, sensor.update_period_s / 2), random)
    edges_s = (start_s, start_s + window_s)
    return true.energy_j(*edges_s), seen.integral_j(*edges_s), sensed_energy(seen, *edges_s, sensor)


def _shifted(
    sensor: Sensor, load: str, window_s: float, random: np.random.Generator
) -> tuple[float, float, SensedEnergy]:
    """As many repeats as the sensor has phases, ``window_s`` long all together.

    Each begins a phase shift after an update that the program saw, watching closely for it.
    """
    shifts_s = phase_shifts_s(sensor)
    length_s = round(window_s / len(shifts_s), 3)
    work_w = simulation.load(load, length_s, random)
    poll_s = min(POLL_PERIOD_S, sensor.update_period_s / 10)
    longest_s = PAUSE_S + length_s + 3 * sensor.update_period_s
    times_s = simulation.clock(sensor, 2 * IDLE_S + len(shifts_s) * longest_s, random)
    pieces, starts_s, now_s = [simulation.idle(IDLE_S)], [], IDLE_S
    for shift_s in shifts_s:
        update_s = times_s[np.searchsorted(times_s, now_s + PAUSE_S)]
        pieces.append(
            simulation.idle(update_s + random.uniform(0, WATCH_PERIOD_S) + shift_s - now_s)
        )
        now_s += pieces[-1].size * simulation.STEP_S
        starts_s.append(now_s)
        pieces.append(work_w * (1.0 + random.normal(0.0, REPEAT_ERROR)))
        now_s += work_w.size * simulation.STEP_S
    true = simulation.curve(*pieces, simulation.idle(IDLE_S))
    shown = simulation.sense(true, sensor, random, times_s[times_s < true.length_s])
    seen = simulation.poll(shown, poll_s, random)
    said = repeated_energy(updates(seen, sensor.update_period_s), starts_s, length_s, sensor)
    truth_j = sum(true.energy_j(start_s, start_s + length_s) for start_s in starts_s)
    naive_j = sum(seen.integral_j(start_s, start_s + length_s) for start_s in starts_s)
    return truth_j, naive_j, said


@dataclass(frozen=True, kw_only=True)
class Row(Figures):
    """What came of all windows of one sensor class, mode and length."""

    sensor: str
    shifted: bool
    window_s: float


def summary(trials: Sequence[Trial]) -> list[Row]:
    """One row for each class, mode and window length."""
    groups: dict[tuple[str, bool, float], list[Trial]] = {}
    for trial in trials:
        groups.setdefault((trial.sensor, trial.shifted, trial.window_s), []).append(trial)
    return [
        Row(sensor=sensor, shifted=shifted, window_s=window_s, **vars(figures(group)))
        for (sensor, shifted, window_s), group in sorted(groups.items())
    ]
