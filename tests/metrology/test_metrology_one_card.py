"""Gain and offset are a card's own: what that makes of single windows and of their ratios."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wattmark.contracts import Sensor
from wattmark.metering.power_csv import read_power_csv
from wattmark.metrology.counters import counted_energy
from wattmark.metrology.power_trace import PowerTrace
from wattmark.metrology.recorded_pair import of_recording, paired_ratios, paired_windows
from wattmark.metrology.sensor_classes import (
    CLASSES,
    PUBLISHED_LINES,
    gain_of_an_unknown_card,
    uncalibrated,
    uncalibrated_counter,
)
from wattmark.metrology.windows import sensed_energy, sensed_ratio
from wattmark.quantities import Reason

A100 = Path(__file__).parent / "fixtures" / "a100"
IDLE, BUSY = (2.0, 5.0), (12.0, 15.0)


def steps(idle_w: float, busy_w: float) -> PowerTrace:
    """Idle for 10 s, busy for 10 s."""
    times_s = np.arange(0.0, 20.0, 0.05)
    return PowerTrace.of(times_s, np.where(times_s < 10.0, idle_w, busy_w))


def test_a_sensor_right_under_load_and_a_quarter_low_at_idle_is_covered() -> None:
    shown = steps(50.0 * 0.74, 400.0)
    sensor = uncalibrated(replace(CLASSES["instant-100-100"], max_power_w=450.0))
    assert sensed_energy(shown, *IDLE, sensor).covers(3 * 50.0)
    assert sensed_energy(shown, *BUSY, sensor).covers(3 * 400.0)
    assert sensed_ratio(shown, IDLE, BUSY, sensor).covers(50.0 / 400.0)
    assert sensed_ratio(shown, BUSY, IDLE, sensor).covers(400.0 / 50.0)


def test_the_gain_cancels_in_a_ratio_and_the_offset_does_not() -> None:
    sensor = Sensor(0.1, gain_low=0.5, gain_high=2.0, offset_low_w=-5.0, offset_high_w=10.0)
    same = sensed_ratio(steps(60.0, 300.0), IDLE, IDLE, sensor)
    assert same.gross.bounds() == pytest.approx((1.0, 1.0, 1.0))
    low, value, high = sensed_ratio(steps(60.0, 300.0), IDLE, BUSY, sensor).gross.bounds()
    hidden_j = 2 * 0.25 * 0.1 * 240.0  # at the two edges of the busy window
    assert value == pytest.approx(180.0 / 900.0)
    assert low == pytest.approx((180.0 - 30.0) / (900.0 + hidden_j - 30.0))
    assert high == pytest.approx((180.0 + 15.0) / (900.0 - hidden_j + 15.0))


def test_counters_of_one_card_hold_the_ratio_between_their_ends() -> None:
    card = uncalibrated_counter(0.1, 450.0)
    # right under load and a quarter low at idle, so that the same card's ends are divided
    idle, busy = (counted_energy(j, 10.0, card).bounds() for j in (10 * 50.0 * 0.74, 10 * 400.0))
    assert idle[1] / busy[1] == pytest.approx(0.74 * 50 / 400)
    assert idle[0] / busy[0] <= 50 / 400 <= idle[2] / busy[2]


def test_of_what_an_idle_card_shows_no_more_than_half_is_offset() -> None:
    sensor = uncalibrated(replace(CLASSES["instant-100-100"], max_power_w=450.0))
    low_j, _, _ = sensed_energy(steps(10.0, 400.0), *IDLE, sensor).gross.bounds()
    assert low_j == pytest.approx(3 * 5.0 / gain_of_an_unknown_card()[1])
    # so that the ratio to it has an end
    assert sensed_ratio(steps(10.0, 400.0), BUSY, IDLE, sensor).gross.known


def test_a_ratio_lacks_what_one_of_its_windows_lacks() -> None:
    sensor = CLASSES["instant-100-100"]
    for windows in (((2.0, 2.5), BUSY), (BUSY, (2.0, 2.5))):
        found = sensed_ratio(steps(60.0, 300.0), *windows, sensor).gross
        assert (found.reason, found.unit) == (Reason.WINDOW_TOO_SHORT, "1")


@pytest.mark.parametrize("name", PUBLISHED_LINES)
def test_the_other_cards_foretell_each_published_one(name: str, monkeypatch) -> None:
    line = PUBLISHED_LINES[name]
    others = {card: its for card, its in PUBLISHED_LINES.items() if card != name}
    monkeypatch.setattr("wattmark.metrology.sensor_classes.PUBLISHED_LINES", others)
    sensor = uncalibrated(replace(CLASSES["instant-100-100"], max_power_w=300.0))
    offset_w = (line.offset or 0.0) * 300.0
    for idle_w in (25.0, 50.0, 100.0):
        shown = steps(line.gain * idle_w + offset_w, line.gain * 280.0 + offset_w)
        if name != "RTX 2060 Super":  # four that show too little do not foretell it
            assert sensed_energy(shown, *IDLE, sensor).covers(3 * idle_w)
            assert sensed_energy(shown, *BUSY, sensor).covers(3 * 280.0)
        assert sensed_ratio(shown, IDLE, BUSY, sensor).covers(idle_w / 280.0)


@pytest.mark.parametrize("window_s", [1.0, 2.0, 5.0])
def test_windows_and_ratios_of_a_recorded_a100_hold_what_a_meter_saw(window_s: float) -> None:
    meter, shown = (read_power_csv(A100 / f"{name}.csv.gz") for name in ("meter", "sensor"))
    # as if it looked all the time: what is left are edges, gain and offset
    sensor = of_recording(CLASSES["instant-100-100"], shown)
    found = list(paired_windows(meter, shown, sensor, window_s))
    assert all(window.covered for window in found)
    ratios = list(paired_ratios(found, sensor))
    assert all(ratio.covered for ratio in ratios)
    assert np.median([ratio.half_width for ratio in ratios]) < 0.2
