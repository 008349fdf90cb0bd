"""The same work many times: what a part-time sensor hides once, it shows the next time."""

from __future__ import annotations

import sys
import time
from bisect import bisect_right
from collections.abc import Mapping

import pytest

import wattmark
from wattmark.contracts import Availability, Sensor
from wattmark.errors import MeterError
from wattmark.metering.opened import OpenMeters
from wattmark.meters.nvml import Nvml
from wattmark.meters.polling import Polled
from wattmark.quantities import Grade, Reason

IDLE_W, BUSY_W = 50.0, 250.0


class Device:
    """Draws 250 W in the first half of each piece of work and 50 W otherwise; knows the truth."""

    def __init__(self) -> None:
        self._since_s = [time.monotonic()]
        self._watts = [IDLE_W]

    def set(self, watts: float) -> None:
        self._since_s.append(time.monotonic())
        self._watts.append(watts)

    def work(self) -> None:
        """A piece in step with a sensor that updates every 40 ms."""
        for watts in (BUSY_W, IDLE_W):
            self.set(watts)
            time.sleep(0.02)

    def energy_j(self, start_s: float, end_s: float) -> float:
        """What was really drawn between two times."""
        first = max(0, bisect_right(self._since_s, start_s) - 1)
        last = bisect_right(self._since_s, end_s)
        edges = [start_s, *self._since_s[first + 1 : last], end_s]
        return sum(
            watts * (b - a)
            for watts, a, b in zip(self._watts[first:last], edges, edges[1:], strict=False)
        )


class PartTime:
    """A sensor of that device that looks for 10 of every 40 ms."""

    name, grade = "part-time", Grade.COUNTED

    def __init__(self, device: Device) -> None:
        self.device = device
        self.sensor = Sensor(0.04, 0.01, duty=0.25, max_power_w=BUSY_W)

    def probe(self) -> Availability:
        return Availability(True)

    def open(self) -> Mapping[str, Sensor]:
        return {"gpu:0": self.sensor}

    def power_w(self) -> Mapping[str, float]:
        update_s = time.monotonic() // 0.04 * 0.04
        return {"gpu:0": self.device.energy_j(update_s - 0.01, update_s) / 0.01}

    def close(self) -> None:
        pass


@pytest.fixture
def installed(monkeypatch):
    """Make these the meters that can be asked for by name."""

    def put(*meters: object) -> None:
        by_name = {meter.name: meter for meter in meters}
        monkeypatch.setattr(
            "wattmark.metering.selection.choose",
            lambda names=(): [by_name[name] for name in names] if names else list(meters),
        )
        monkeypatch.setattr("wattmark.metering.readings.OPEN_METERS", OpenMeters())

    return put


class CountingNvml:
    """NVML with one H100 of that device: each 100 ms its counter adds what 25 of them drew."""

    NVMLError = RuntimeError

    def __init__(self, device: Device) -> None:
        self.device = device
        self.update = int(time.monotonic() / 0.1)
        self.joules = 5e6

    def nvmlInit(self) -> None: ...

    def nvmlShutdown(self) -> None: ...

    def nvmlDeviceGetCount(self) -> int:
        return 1

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetName(self, handle: int) -> str:
        return "NVIDIA H100 80GB HBM3"

    def nvmlDeviceGetPowerManagementLimit(self, handle: int) -> int:
        return 700_000

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:
        while (self.update + 1) * 0.1 <= time.monotonic():
            self.update += 1
            update_s = self.update * 0.1
            self.joules += 0.1 * self.device.energy_j(update_s - 0.025, update_s) / 0.025
        return round(1e3 * self.joules)


@pytest.mark.slow
@pytest.mark.alone
def test_the_counter_of_a_part_time_card_is_seen_whole_by_default(installed, monkeypatch) -> None:
    device = Device()
    monkeypatch.setitem(sys.modules, "pynvml", CountingNvml(device))
    installed(Nvml())
    truth_j: list[float] = []

    def work() -> None:
        """In step with its 100 ms: seen by itself it is 250 W, or 50."""
        start_s = time.monotonic()
        for watts in (BUSY_W, IDLE_W):
            device.set(watts)
            time.sleep(0.05)
        truth_j.append(device.energy_j(start_s, time.monotonic()))

    found = wattmark.measure_repeats("in step", work, seconds=1.6)

    (gpu,) = found.energy
    assert (gpu.meter, gpu.domain, found.blocks) == ("nvml", "gpu:0", 8)
    low, _, high = gpu.per_call.bounds()
    assert low <= max(truth_j[2:])
    assert min(truth_j[2:]) <= high


@pytest.mark.slow
@pytest.mark.alone
def test_work_in_step_with_the_sensor_is_seen_whole(installed) -> None:
    device = Device()
    meter = Polled(PartTime(device))
    installed(meter)
    truth_j: list[float] = []

    def work() -> None:
        start_s = time.monotonic()
        device.work()
        truth_j.append(device.energy_j(start_s, time.monotonic()))

    found = wattmark.measure_repeats("in step", work, seconds=1.3)

    (gpu,) = found.energy
    assert (found.blocks, found.calls) == (8, len(truth_j) - 2)
    low, value, high = gpu.per_call.bounds()
    # calls are taken to be equal; on a busy machine they are not, and which one is "a call" is open
    assert low <= max(truth_j[2:])
    assert min(truth_j[2:]) <= high
    assert high < 2 * value  # one window of such a sensor spans a factor of four
    assert gpu.per_call.unit == "J/call"


def test_a_meter_that_sees_all_needs_one_block(installed) -> None:
    from wattmark import ReplayMeter
    from wattmark.records import MeterReading

    readings = [MeterReading(time_ns=i * 10**9, values={"node": 60.0 * i}) for i in range(3)]
    installed(ReplayMeter(readings, name="plug", grade=Grade.METERED))

    found = wattmark.measure_repeats("work", lambda: time.sleep(0.001), seconds=0.004)

    (node,) = found.energy
    assert found.blocks == 1
    assert node.per_call.value == pytest.approx(60.0 / found.calls)
    assert node.per_call.grade is Grade.METERED


def test_a_meter_that_is_lost_gives_a_reason(installed) -> None:
    from wattmark import ReplayMeter
    from wattmark.records import MeterReading

    installed(ReplayMeter([MeterReading(time_ns=0, values={"node": 1.0})], name="plug"))
    (node,) = wattmark.measure_repeats("work", lambda: None, seconds=0.001).energy
    assert node.per_call.reason is Reason.SENSOR_LOST


def test_a_time_that_is_not_above_zero_is_refused() -> None:
    with pytest.raises(MeterError, match="above 0"):
        wattmark.measure_repeats("work", lambda: None, seconds=0.0)


def test_blocks_of_one_instrument_add_up_with_the_level_that_they_have() -> None:
    from wattmark.metering.readings import Readings
    from wattmark.metering.repeating import _Block, _energies
    from wattmark.metering.replay import ReplayMeter
    from wattmark.metrology.counters import Accuracy
    from wattmark.records import MeterReading

    shown = [MeterReading(time_ns=i * 10**9, values={"node": 60.0 * i}) for i in range(10)]
    plug = ReplayMeter(shown, name="plug", accuracy=Accuracy(0.0, 0.95, 1.05))
    with Readings.own([plug]) as opened:
        blocks = [_Block(0, 10**9, opened.read(), opened.read()) for _ in range(5)]
        (node,) = _energies(opened, blocks, calls=1)

    assert node.per_call.level == 0.95
    assert node.per_call.bounds() == pytest.approx((60 / 1.05, 60.0, 60 / 0.95))
