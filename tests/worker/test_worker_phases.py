"""Phases are timed by the pipeline's marks and metered by readings at them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from wattmark.contracts import Inputs, Mark, MeterInfo, Output, Runners
from wattmark.errors import MeterError
from wattmark.metering.readings import Readings
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import EnergyWindow, MeterReading
from wattmark.worker import phases
from wattmark.worker.phases import PhaseClock


class Clock:
    """A clock that a pipeline moves on."""

    def __init__(self) -> None:
        self.ns = 0


class Prefill:
    """Takes 5 ns for a prompt of 7 tokens, then 2 ns for each of three tokens, and 1 ns more."""

    phases: Mapping[str, str] = {"prefill": "token", "decode": "token"}

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def __call__(self, runners: Runners, inputs: Inputs, mark: Mark) -> Output:
        self.clock.ns += 5
        mark("prefill", 7)
        for _ in range(3):
            self.clock.ns += 2
            mark("decode", 1)
        self.clock.ns += 1
        if "fail" in inputs:
            raise ValueError("no answer")
        return np.zeros((1, 3))

    def probe(self, runners: Runners, inputs: Inputs) -> Output:
        return np.zeros((1, 3))


class OneWatt:
    """One joule a nanosecond of the clock; refuses windows under ``least`` ns.

    Its read number ``broken`` fails.
    """

    name = "one-watt"
    grade = Grade.COUNTED

    def __init__(self, clock: Clock, least: int = 0, broken: int = 0) -> None:
        self.clock, self.least, self.reads, self.broken = clock, least, 0, broken

    def open(self, cores: int) -> MeterInfo:
        return MeterInfo(self.name, ("cpu",), self.grade, 0.0)

    def read(self) -> MeterReading:
        self.reads += 1
        if self.reads == self.broken:
            raise MeterError("the bus is busy")
        return MeterReading(time_ns=self.clock.ns, values={"cpu": float(self.clock.ns)})

    def energy(self, before: MeterReading, after: MeterReading) -> tuple[EnergyWindow, ...]:
        joules = after.values["cpu"] - before.values["cpu"]
        if joules < self.least:
            gross = Quantity.missing("J", Reason.WINDOW_TOO_SHORT)
        else:
            gross = Quantity.between(joules, joules * 0.9, joules * 1.1, "J", grade=self.grade)
        return (
            EnergyWindow(
                meter=self.name,
                domain="cpu",
                gross=gross,
                idle_subtracted=gross,
                before=before,
                after=after,
            ),
        )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(phases.time, "monotonic_ns", lambda: clock.ns)
    return clock


def watched(clock: Clock, least: int = 0, broken: int = 0) -> tuple[PhaseClock, OneWatt]:
    meter: Any = OneWatt(clock, least, broken)
    return PhaseClock(Prefill(clock), {}, Readings.own([meter])), meter


def test_what_follows_the_last_mark_belongs_to_the_last_phase(clock: Clock) -> None:
    watch, _ = watched(clock)
    watch.answer({})
    watch.answer({})

    spent, units = watch.per_query()
    assert spent.tolist() == [[5, 7], [5, 7]]
    assert units.tolist() == [[7, 3], [7, 3]]


def test_the_energy_of_the_phases_adds_up_to_that_of_the_queries(clock: Clock) -> None:
    watch, meter = watched(clock)
    for _ in range(4):
        watch.answer({})

    prefill, decode = watch.windows()
    assert prefill.energy[0].gross.bounds() == pytest.approx((18, 20, 22))
    assert decode.energy[0].gross.value == pytest.approx(28)
    assert (prefill.units, decode.units) == (28, 12)
    assert meter.reads == 4 * 3  # where a query starts, after prefill, and where it ends


def test_one_window_that_the_sensor_refuses_makes_the_sum_missing(clock: Clock) -> None:
    watch, _ = watched(clock, least=6)
    watch.answer({})

    prefill, decode = watch.windows()
    assert prefill.energy[0].gross.reason is Reason.WINDOW_TOO_SHORT
    assert decode.energy[0].gross.value == 7


def test_a_failed_query_leaves_no_half_measured_phase(clock: Clock) -> None:
    watch, _ = watched(clock)
    watch.answer({})
    with pytest.raises(ValueError, match="no answer"):
        watch.answer({"fail": np.zeros(1)})

    assert [w.energy[0].gross.value for w in watch.windows()] == [5, 7]
    assert len(watch.per_query()[0]) == 2


def test_a_round_begins_with_nothing_kept(clock: Clock) -> None:
    watch, _ = watched(clock)
    watch.answer({})
    watch.reset()
    watch.answer({})

    assert watch.windows()[0].units == 7


def test_the_energy_of_a_phase_keeps_the_level_of_the_instrument(clock: Clock) -> None:
    watch, _ = watched(clock)
    for _ in range(5):
        watch.answer({})

    assert [phase.energy[0].gross.level for phase in watch.windows()] == [0.95, 0.95]


@pytest.mark.parametrize(
    ("broken", "prefill", "decode"),
    [
        (1, Reason.READ_FAILED, None),  # where the query starts
        (2, Reason.SENSOR_LOST, Reason.READ_FAILED),  # where prefill gives way to decode
        (3, None, Reason.SENSOR_LOST),  # where the query ends
    ],
)
def test_a_fault_of_a_meter_within_a_phase_costs_its_energy_and_not_the_query(
    clock: Clock, broken: int, prefill: Reason | None, decode: Reason | None
) -> None:
    watch, _ = watched(clock, broken=broken)
    watch.answer({})
    watch.answer({})

    found = [phase.energy[0].gross for phase in watch.windows()]
    assert [gross.reason for gross in found] == [prefill, decode]
    assert {gross.detail for gross in found} <= {"the bus is busy", ""}
    assert watch.per_query()[0].tolist() == [[5, 7], [5, 7]]
