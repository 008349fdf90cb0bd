from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from wattmark import registry
from wattmark.contracts import Availability, MeterInfo
from wattmark.errors import InputError, MeterError
from wattmark.machine import process_tree
from wattmark.machine.cpu_info import CpuInfo
from wattmark.machine.cpu_ticks import MachineTime
from wattmark.metering import busy_cores
from wattmark.metering.meter_calibration import (
    Bench,
    Step,
    by_hand,
    calibrate,
    instrument,
)
from wattmark.meters.modelled.modelled_cpu import ModelledCpu
from wattmark.meters.rapl import Rapl
from wattmark.metrology import load_line
from wattmark.metrology.counters import Accuracy, counted_energy, elapsed_s, window_without_idle
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import EnergyWindow, MeterReading

CPU = CpuInfo("Linear 9000", 8, 8, 8, False, "x86_64")


class LinearMachine:
    """A machine whose power is a line over its load, with a clock of its own, and its meter."""

    def __init__(
        self,
        idle_w: float = 30.0,
        full_w: float = 150.0,
        *,
        noise_w: float = 0.0,
        name: str = "lab",
        grade: Grade = Grade.METERED,
        domain: str = "cpu",
        gain: float = 1.0,
        fails_after: int | None = None,
    ) -> None:
        self.name, self.grade = name, grade
        self._watts = idle_w, full_w
        self._noise, self._gain, self._domain = noise_w, gain, domain
        self._random = random.Random(3)
        self._time_s = self._joules = self._busy = 0.0
        self._share = 0.0
        self._fails_after = fails_after
        self.closed = False
        self.loads: list[float] = []

    def bench(self) -> Bench:
        return Bench(self.load, lambda: MachineTime(self._busy, self._time_s), self.sleep)

    @contextmanager
    def load(self, share: float) -> Iterator[None]:
        self._share = share
        self.loads.append(share)
        try:
            yield
        finally:
            self._share = 0.0

    def sleep(self, seconds: float) -> None:
        idle_w, full_w = self._watts
        power_w = idle_w + (full_w - idle_w) * self._share + self._random.gauss(0, self._noise)
        self._time_s += seconds
        self._busy += self._share * seconds
        self._joules += self._gain * power_w * seconds

    def probe(self) -> Availability:
        return Availability(True)

    def open(self, cores: int) -> MeterInfo:
        return MeterInfo(self.name, (self._domain,), self.grade, 0.1)

    def read(self) -> MeterReading:
        if self._fails_after is not None:
            self._fails_after -= 1
            if self._fails_after < 0:
                raise MeterError("lab: no answer")
        time_ns = round(self._time_s * 1e9)
        return MeterReading(time_ns=time_ns, values={self._domain: self._joules})

    def energy(self, before: MeterReading, after: MeterReading) -> tuple[EnergyWindow, ...]:
        joules = after.values[self._domain] - before.values[self._domain]
        gross = counted_energy(joules, elapsed_s(before, after), Accuracy(0.0, 0.95, 1.05))
        return (window_without_idle(self.name, self._domain, gross, before, after),)

    def close(self) -> None:
        self.closed = True


def test_a_linear_machine_is_recovered_within_its_interval():
    machine = LinearMachine(noise_w=3.0, gain=1.04)
    found = calibrate(machine, bench=machine.bench(), cpu=CPU, step_s=8)
    for quantity, truth in ((found.idle_w, 30.0), (found.full_w, 150.0)):
        low, value, high = quantity.bounds()
        assert low <= truth <= high
        assert value == pytest.approx(truth * 1.04, abs=4)
    busy_low, _, busy_high = found.model().busy_w.bounds()
    assert busy_low <= 150 / 8 <= busy_high
    share_low, _, share_high = found.model().idle_share.bounds()
    assert share_low <= 30 / 150 <= share_high
    assert (found.source, found.grade, found.domain) == ("lab", Grade.METERED, "cpu")
    assert found.machine.cpu_model == "Linear 9000"
    assert machine.closed


def test_the_ladder_is_climbed_and_told():
    machine = LinearMachine()
    steps: list[Step] = []
    found = calibrate(machine, bench=machine.bench(), cpu=CPU, observe=steps.append)
    assert machine.loads == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert [s.number for s in steps] == [n for n in range(1, 6) for _ in range(2)]
    assert [s.power_w for s in steps[1::2]] == pytest.approx([30, 60, 90, 120, 150])
    assert len(found.points) == 15
    assert [p.utilisation for p in found.points[::3]] == pytest.approx([0, 0.25, 0.5, 0.75, 1])


def test_a_node_meter_leaves_the_idle_share_to_the_default():
    machine = LinearMachine(domain="node")
    found = calibrate(machine, bench=machine.bench(), cpu=CPU)
    low, _, high = found.model().busy_w.bounds()
    assert found.domain == "node"
    assert low < 15 < high


def test_steps_that_are_too_short_for_the_meter_are_refused():
    machine = LinearMachine()
    with pytest.raises(InputError, match="at least 4 s a step"):
        calibrate(machine, bench=machine.bench(), cpu=CPU, step_s=1.0)
    assert machine.closed and machine.loads == []


def test_a_meter_that_fails_midway_ends_the_calibration_and_the_load():
    machine = LinearMachine(fails_after=9)
    with pytest.raises(MeterError, match="no answer"):
        calibrate(machine, bench=machine.bench(), cpu=CPU)
    assert machine.closed and machine._share == 0.0


def test_an_interrupted_calibration_ends_the_load():
    machine = LinearMachine()

    def interrupt(step: Step) -> None:
        if step.number == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        calibrate(machine, bench=machine.bench(), cpu=CPU, observe=interrupt)
    assert machine.closed and machine._share == 0.0


def test_a_meter_of_something_else_is_refused():
    machine = LinearMachine(domain="gpu:0")
    with pytest.raises(MeterError, match="covers gpu:0, not the processor"):
        calibrate(machine, bench=machine.bench(), cpu=CPU)


def test_power_that_does_not_follow_the_load_is_refused():
    machine = LinearMachine(idle_w=100.0, full_w=100.0)
    with pytest.raises(MeterError, match="did not grow"):
        calibrate(machine, bench=machine.bench(), cpu=CPU)


@pytest.fixture
def installed(monkeypatch):
    def put(*meters) -> None:
        by_name = {meter.name: meter for meter in meters}
        names = {"meter": sorted(by_name)}
        monkeypatch.setattr(registry, "names", lambda kind: names.get(kind, []))
        monkeypatch.setattr(registry, "meter", by_name.__getitem__)

    return put


def test_the_processors_own_meter_is_preferred_to_the_nodes(installed):
    node = LinearMachine(name="a-node", domain="node")
    package = LinearMachine(name="b-package", grade=Grade.COUNTED)
    better = LinearMachine(name="c-package", grade=Grade.METERED)
    installed(node, package, better, ModelledCpu())
    assert instrument().name == "c-package"
    installed(node, ModelledCpu())
    assert instrument().name == "a-node"


def test_without_any_sensor_the_cure_is_told(installed, tmp_path):
    installed(ModelledCpu(), Rapl(tmp_path))
    with pytest.raises(MeterError, match=r"--meter NAME.*--watts-idle X --watts-full Y"):
        instrument()


def test_a_model_is_no_instrument_to_calibrate_by():
    with pytest.raises(MeterError, match="is itself a model"):
        instrument("modelled-cpu")


def test_readings_by_hand_are_said_to_be_that():
    found = by_hand(50.0, 130.0, 0.02, CPU)
    assert found.full_w.bounds() == pytest.approx((127.4, 130.0, 132.6))
    assert "a person" in found.source and found.domain == "node"
    low, _, high = found.model().busy_w.bounds()
    assert low < 10 < high


@pytest.mark.parametrize("idle_w, full_w, error", [(50, 40, 0.02), (-1, 9, 0.02), (5, 9, 0.0)])
def test_readings_that_no_machine_gives_are_refused(idle_w, full_w, error):
    with pytest.raises(InputError, match=r"watts with all|error of a reading"):
        by_hand(idle_w, full_w, error, CPU)


def test_readings_that_are_too_unsure_make_no_model():
    with pytest.raises(MeterError, match="not told apart"):
        by_hand(50.0, 55.0, 0.2, CPU)


@pytest.mark.parametrize(
    "share, cores, parts",
    [(0.0, 2, [0, 0]), (0.25, 2, [0.5, 0]), (0.75, 2, [1, 0.5]), (1.0, 3, [1, 1, 1])],
)
def test_a_share_of_the_cores_is_full_ones_first(share, cores, parts):
    assert busy_cores.shares(share, cores) == pytest.approx(parts)


def test_real_processes_keep_cores_busy_and_end_with_the_block():
    first = process_tree.cpu_s()
    with busy_cores.busy(1.0):
        deadline = time.monotonic() + 30
        while process_tree.cpu_s() - first < 0.2 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert process_tree.has_children()
    assert process_tree.cpu_s() - first >= 0.2
    assert not process_tree.has_children()


def test_busy_processes_end_when_their_parent_is_killed():
    code = (
        "import sys, time; from wattmark.metering.busy_cores import busy\n"
        "with busy(1.0):\n print('up', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        children = process_tree.descendants(parent.pid)
        parent.kill()
    assert children
    deadline = time.monotonic() + 30
    while any(map(alive, children)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, children))


def alive(pid: int) -> bool:
    stat = process_tree._stat(pid, process_tree.PROC)
    return stat is not None and stat[0] != "Z"


@pytest.mark.slow
def test_a_calibration_with_real_load(monkeypatch):
    """The real ladder, on a machine that consists of this process and its children."""
    monkeypatch.setattr(load_line, "LEAST_RANGE", 0.02)  # others may use this machine too

    def look() -> MachineTime:
        return MachineTime(process_tree.cpu_s(), os.cpu_count() * time.monotonic())

    class Following(LinearMachine):
        def read(self) -> MeterReading:
            seen = look()
            joules = (30.0 * seen.total + 120.0 * seen.busy) / os.cpu_count()
            return MeterReading(time_ns=time.monotonic_ns(), values={"cpu": joules})

    found = calibrate(
        Following(), step_s=1.4, ladder=(0.0, 0.25, 0.75, 1.0), bench=Bench(look=look)
    )
    low, _, high = found.idle_w.bounds()
    assert low <= 30.0 <= high
    loads = [p.utilisation for p in found.points]
    assert loads[0] < 0.1 < max(loads)
    assert not process_tree.has_children()


def test_a_lost_window_says_its_reason():
    class Losing(LinearMachine):
        def energy(self, before: MeterReading, after: MeterReading) -> tuple[EnergyWindow, ...]:
            lost = Quantity.missing("J", Reason.SENSOR_LOST, "unplugged")
            return (window_without_idle(self.name, "cpu", lost, before, after),)

    machine = Losing()
    with pytest.raises(MeterError, match=r"lost a window.*sensor_lost.*unplugged"):
        calibrate(machine, bench=machine.bench(), cpu=CPU)
