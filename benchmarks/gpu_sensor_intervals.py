"""Gain and offset of a GPU's power sensor: do intervals hold, how wide are they, of what are they?

1. Simulated cards: their gain and offset are drawn as the published cards foretell (Student's t);
   and each published card is foretold from the others alone. Idle and busy windows of
   5 s, and the ratio of the two: as the readings come, with a gain alone (all that was published of
   a card taken for its gain), and with gain and offset.
2. An A100 recorded beside a power meter: all windows of 1, 2 and 5 s, and ratios of two.
3. The counter of a part-time card: single windows of the battery's loads, repeats in its phases.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from unittest.mock import patch

import numpy as np

from wattmark.contracts import Sensor
from wattmark.metering.power_csv import read_power_csv
from wattmark.meters.nvml import ALIASING
from wattmark.metrology import sensor_classes, simulation
from wattmark.metrology.compared import Compared, figures
from wattmark.metrology.counters import Accuracy, counted_energy
from wattmark.metrology.power_trace import Floats, PowerTrace
from wattmark.metrology.recorded_pair import of_recording, paired_ratios, paired_windows
from wattmark.metrology.repeats import counter_updates, phase_shifts_s, repeated_energy
from wattmark.metrology.sensor_classes import CLASSES, PUBLISHED_LINES, uncalibrated
from wattmark.metrology.windows import SensedEnergy, sensed_energy, sensed_ratio

A100 = Path(__file__).parent.parent / "tests/metrology/fixtures/a100"

#: A card of 300 W: idle with a program loaded, and busy.
LIMIT_W, IDLE_W, BUSY_W = 300.0, (20.0, 60.0), (150.0, 290.0)
IDLE, BUSY = (2.0, 7.0), (12.0, 17.0)

#: Reading / truth of four published cards at load, all of it taken for gain: what was taken before.
GAIN_ALONE = (0.723, 1.368)


def told(name: str, found: Sequence[Compared]) -> None:
    seen = figures(found)
    shares = (seen.naive_p95, seen.naive_max, seen.error_p95, seen.coverage, seen.half_width)
    texts = ["-" if share is None else f"{100 * share:.3g} %" for share in shares]
    print(f"{name:44} {seen.windows:6}", *(f"{text:>9}" for text in texts))


def heading(text: str) -> None:
    print(f"\n{text:44} windows naive p95       max  ours p95  coverage   ±median")


def cards(count: int, random: np.random.Generator) -> Iterator[tuple[float, float]]:
    """Gain, and offset as a share of full load, of cards as the published ones foretell them."""
    logs = [math.log(line.gain) for line in PUBLISHED_LINES.values()]
    shares = [line.offset for line in PUBLISHED_LINES.values() if line.offset is not None]

    def one_more(values: Sequence[float]) -> float:
        spread = stdev(values) * math.sqrt(1 + 1 / len(values))
        return fmean(values) + spread * random.standard_t(len(values) - 1)

    while count:
        gain, offset = math.exp(one_more(logs)), one_more(shares)
        if gain * IDLE_W[0] + offset * LIMIT_W > 2.0:  # a card that shows nothing is not measured
            count -= 1
            yield gain, offset


def steps(gain: float, offset_w: float, idle_w: float, busy_w: float) -> PowerTrace:
    times_s = np.arange(0.0, 20.0, 0.05)
    return PowerTrace.of(times_s, gain * np.where(times_s < 10.0, idle_w, busy_w) + offset_w)


def one_card(
    gain: float, offset: float, sensor: Sensor, random: np.random.Generator
) -> tuple[Compared, Compared, Compared]:
    """An idle window, a busy one, and their ratio."""
    idle_w, busy_w = random.uniform(*IDLE_W), random.uniform(*BUSY_W)
    shown = steps(gain, offset * LIMIT_W, idle_w, busy_w)
    naive = [shown.integral_j(*window) for window in (IDLE, BUSY)]
    idle, busy = (
        Compared(truth=5.0 * watts, naive=j, said=sensed_energy(shown, *window, sensor))
        for watts, j, window in zip((idle_w, busy_w), naive, (IDLE, BUSY), strict=True)
    )
    said = sensed_ratio(shown, IDLE, BUSY, sensor)
    return idle, busy, Compared(truth=idle_w / busy_w, naive=naive[0] / naive[1], said=said)


def simulated(count: int, random: np.random.Generator) -> None:
    bare = replace(CLASSES["instant-100-100"], max_power_w=LIMIT_W)
    both = uncalibrated(bare)
    gain = replace(bare, gain_low=GAIN_ALONE[0], gain_high=GAIN_ALONE[1])
    drawn = list(cards(count, random))
    for name, sensor in (("gain alone", gain), ("gain and offset", both)):
        heading(f"simulated cards, {name}")
        found = [one_card(*card, sensor, random) for card in drawn]
        for at, kind in enumerate(("idle", "busy", "idle / busy")):
            told(f"  {kind}", [windows[at] for windows in found])
    heading("each published card, from the others")
    for name, line in PUBLISHED_LINES.items():
        others = {card: its for card, its in PUBLISHED_LINES.items() if card != name}
        with patch.object(sensor_classes, "PUBLISHED_LINES", others):
            sensor = uncalibrated(bare)
        found = [one_card(line.gain, line.offset or 0.0, sensor, random) for _ in range(40)]
        told(f"  {name}, single", [window for idle, busy, _ in found for window in (idle, busy)])
        told(f"  {name}, idle / busy", [ratio for _, _, ratio in found])


def recorded() -> None:
    meter, shown = (read_power_csv(A100 / f"{name}.csv.gz") for name in ("meter", "sensor"))
    for name in ("instant-100-25", "instant-100-100"):
        sensor = of_recording(CLASSES[name], shown)
        heading(f"a recorded A100, taken for {name}")
        for window_s in (1.0, 2.0, 5.0):
            found = list(paired_windows(meter, shown, sensor, window_s))
            told(f"  {window_s:g} s", found)
            told(f"  {window_s:g} s, ratios of two", list(paired_ratios(found, sensor)))


def counted(repeats: int, random: np.random.Generator) -> None:
    sensor = replace(CLASSES["instant-100-25"], max_power_w=simulation.PEAK_W)
    heading("the counter of a part-time card, calibrated")
    for window_s in (1.0, 5.0):
        found = [
            single(name, window_s, sensor, random)
            for name in simulation.LOADS
            for _ in range(repeats)
        ]
        told(f"  single windows of {window_s:g} s", found)
    found = [
        in_phases(name, 5.0, sensor, random) for name in simulation.LOADS for _ in range(repeats)
    ]
    told("  eight repeats, 5 s together", found)


def joules(shown: PowerTrace, times_s: Floats) -> PowerTrace:
    """What a counter of these updates shows at the times."""
    moved = shown.power_w * np.diff(shown.time_s, prepend=shown.time_s[0] - 0.1)
    at = np.searchsorted(shown.time_s, times_s, side="right") - 1
    return PowerTrace(times_s, np.cumsum(moved)[at])


def single(name: str, window_s: float, sensor: Sensor, random: np.random.Generator) -> Compared:
    lead_s = 4.0 + round(random.uniform(0.0, 0.2), 3)
    true = simulation.curve(
        simulation.idle(lead_s), simulation.load(name, window_s, random), simulation.idle(2.0)
    )
    shown = simulation.sense(true, sensor, random)
    ends = joules(shown, np.array([lead_s, lead_s + window_s])).power_w
    moved_j = float(ends[1] - ends[0])
    gross = counted_energy(moved_j, window_s, Accuracy(0.1, 1 / ALIASING, ALIASING))
    truth_j = true.energy_j(lead_s, lead_s + window_s)
    return Compared(truth=truth_j, naive=moved_j, said=SensedEnergy(gross))


def in_phases(name: str, total_s: float, sensor: Sensor, random: np.random.Generator) -> Compared:
    shifts_s = phase_shifts_s(sensor)
    length_s = round(total_s / len(shifts_s), 3)
    work_w = simulation.load(name, length_s, random)
    times_s = simulation.clock(sensor, 30.0, random)
    pieces, starts_s, now_s = [simulation.idle(4.0)], [], 4.0
    for shift_s in shifts_s:
        update_s = times_s[np.searchsorted(times_s, now_s + 0.15)]
        pieces += [simulation.idle(update_s + shift_s - now_s), work_w]
        starts_s.append(now_s + pieces[-2].size * simulation.STEP_S)
        now_s = starts_s[-1] + work_w.size * simulation.STEP_S
    true = simulation.curve(*pieces, simulation.idle(4.0))
    shown = simulation.sense(true, sensor, random, times_s[times_s < true.length_s])
    seen = joules(shown, np.arange(shown.start_s, shown.end_s, 0.01))
    said = repeated_energy(counter_updates(seen, 0.1), starts_s, length_s, sensor)
    edges_s = [(start_s, start_s + length_s) for start_s in starts_s]
    naive_j = sum(seen.at(end_s) - seen.at(start_s) for start_s, end_s in edges_s)
    return Compared(truth=sum(true.energy_j(*its) for its in edges_s), naive=naive_j, said=said)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cards", type=int, default=1000, help="simulated cards")
    parser.add_argument("--repeats", type=int, default=50, help="windows of each load of a counter")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    random = np.random.default_rng(options.seed)
    print("offset and gain of a further card:", end=" ")
    sensor = uncalibrated(Sensor(0.1, max_power_w=LIMIT_W))
    print(f"{sensor.offset_low_w:.1f} to {sensor.offset_high_w:.1f} W of {LIMIT_W:g} W,", end=" ")
    print(f"{sensor.gain_low:.3f} to {sensor.gain_high:.3f}")
    simulated(options.cards, random)
    recorded()
    counted(options.repeats, random)


if __name__ == "__main__":
    main()
