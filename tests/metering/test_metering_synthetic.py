"""The meter for trying an analysis: the truth is known, and the clock may be one's own."""

from __future__ import annotations

import numpy as np
import pytest

from wattmark.errors import MeterError
from wattmark.metering.synthetic import SyntheticMeter
from wattmark.metrology import simulation
from wattmark.metrology.sensor_classes import CLASSES
from wattmark.quantities import Reason
from wattmark.records import EnergyWindow


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def watched(sensor: str, load: str, length_s: float) -> tuple[EnergyWindow, float]:
    """Five idle seconds, the load, five idle seconds: the load's window, and its true energy."""
    clock = Clock()
    random = np.random.default_rng(3)
    curve = simulation.curve(
        simulation.idle(5.0), simulation.load(load, length_s, random), simulation.idle(5.0)
    )
    meter = SyntheticMeter(curve, CLASSES[sensor], clock=clock)
    meter.open(cores=1)
    clock.now_s = 105.0
    before = meter.read()
    clock.now_s += length_s
    after = meter.read()
    (window,) = meter.energy(before, after)
    return window, meter.true_energy_j(before, after)


def test_the_truth_is_known_and_lies_in_the_interval() -> None:
    window, truth_j = watched("instant-100-100", "bursty", 6.0)
    low_j, value_j, high_j = window.gross.bounds()
    assert low_j <= truth_j <= high_j
    assert value_j == pytest.approx(truth_j, rel=0.02)
    assert window.flags == ()


def test_a_part_time_sensor_says_so() -> None:
    window, truth_j = watched("instant-100-25", "periodic", 6.0)
    low_j, _, high_j = window.gross.bounds()
    assert low_j <= truth_j <= high_j
    assert window.flags == (Reason.ALIASING,)


def test_after_the_end_of_its_curve_the_sensor_is_lost() -> None:
    clock = Clock()
    meter = SyntheticMeter(
        simulation.curve(simulation.idle(2.0)), CLASSES["instant-100-100"], clock=clock
    )
    meter.open(cores=1)
    before = meter.read()
    clock.now_s += 3.0
    (window,) = meter.energy(before, meter.read())
    assert window.gross.reason is Reason.SENSOR_LOST


def test_it_must_be_open() -> None:
    with pytest.raises(MeterError, match="not open"):
        SyntheticMeter(simulation.curve(simulation.idle(1.0)), CLASSES["lagging-15"]).read()
