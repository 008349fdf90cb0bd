"""Windows around one's own code: what they say, and what they survive."""

from __future__ import annotations

import os
import sys
import threading
import time
from types import SimpleNamespace

import pytest

import wattmark
from wattmark import registry
from wattmark.contracts import Availability, MeterInfo, Sensor
from wattmark.errors import InputError, MeterError, UnknownNameError
from wattmark.metering import configured, measured_function, opened, readings
from wattmark.metering.idle_reading import IdlePower, IdleRecord, remember_idle
from wattmark.metering.readings import Readings
from wattmark.meters.modelled.modelled_cpu import ModelledCpu
from wattmark.meters.polling import Polled
from wattmark.meters.rapl import Rapl
from wattmark.metrology.counters import window_without_idle
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import EnergyWindow, MeterReading


class Counter:
    """A device of 10 W whose clock is its number of reads: 1 s a read. Can be lost."""

    grade = Grade.COUNTED
    polls = False

    def __init__(self, name: str = "counter", domain: str = "cpu", *, reads: int = 10**6) -> None:
        self.name = name
        self.domain = domain
        self.left = reads
        self.opened = self.closed = self.time_s = 0

    def probe(self) -> Availability:
        return Availability(True)

    def open(self, cores: int) -> MeterInfo:
        self.opened += 1
        return MeterInfo(self.name, (self.domain,), self.grade, 0.0)

    def read(self) -> MeterReading:
        if self.left == 0:
            raise MeterError("the cable was pulled")
        self.left -= 1
        self.time_s += 1
        return MeterReading(time_ns=self.time_s * 10**9, values={self.domain: 10.0 * self.time_s})

    def energy(self, before: MeterReading, after: MeterReading) -> tuple[EnergyWindow, ...]:
        gross = Quantity.exact(after.values[self.domain] - before.values[self.domain], "J")
        return (window_without_idle(self.name, self.domain, gross, before, after),)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(autouse=True)
def own_meters(monkeypatch, tmp_path):
    """No test sees the meters or idle records of another."""
    monkeypatch.setenv("WATTMARK_CACHE", str(tmp_path / "cache"))
    fresh = opened.OpenMeters()
    monkeypatch.setattr(readings, "OPEN_METERS", fresh)
    monkeypatch.setattr("wattmark.metering.idle_reading._known", {})
    yield
    fresh.close()


@pytest.fixture
def installed(monkeypatch):
    """Make these meters all that there are."""

    def put(*meters: object) -> None:
        by_name = {meter.name: meter for meter in meters}
        monkeypatch.setattr(registry, "names", lambda kind: sorted(by_name) * (kind == "meter"))
        monkeypatch.setattr(registry, "meter", by_name.__getitem__)
        monkeypatch.setattr(configured, "entries", dict)
        monkeypatch.setattr(configured, "names", list)

    return put


def work() -> int:
    return sum(range(200_000))


def test_a_window_tells_seconds_and_joules_of_real_work() -> None:
    with wattmark.measure("sum", meters=("modelled-cpu",)) as window:
        work()

    (cpu,) = window.energy
    assert window.meters == ("modelled-cpu",)
    assert window.duration.unit == "s" and window.duration.value > 0
    assert window.overhead.value > 0
    assert (cpu.domain, cpu.gross.grade) == ("cpu", Grade.MODELLED)
    assert cpu.gross.low < cpu.gross.value < cpu.gross.high
    assert 0 < cpu.idle_subtracted.value <= cpu.gross.value
    assert str(window).startswith("sum: ") and "J modelled" in str(window)


def test_more_work_is_more_energy() -> None:
    with wattmark.measure("once", meters=("modelled-cpu",)) as once:
        work()
    with wattmark.measure("ten times", meters=("modelled-cpu",)) as ten_times:
        for _ in range(10):
            work()

    assert ten_times.energy[0].idle_subtracted.value > once.energy[0].idle_subtracted.value


def test_without_names_the_best_meter_of_each_domain_is_taken(installed) -> None:
    installed(ModelledCpu(), Counter("rail", "cpu"), Counter("card", "gpu:0"))

    with wattmark.measure("x") as window:
        pass

    assert window.meters == ("card", "rail")
    assert {w.domain: w.gross.value for w in window.energy} == {"cpu": 10.0, "gpu:0": 10.0}


def test_a_window_cannot_be_read_before_its_end_nor_used_twice() -> None:
    window = wattmark.measure("x", meters=("modelled-cpu",))
    with window:
        with pytest.raises(MeterError, match="'x' has not ended"):
            _ = window.energy
        with pytest.raises(MeterError, match="has not ended"):
            _ = window.duration
    with pytest.raises(MeterError, match="used before"), window:
        pass


def test_an_exception_goes_through_and_the_window_is_still_there() -> None:
    window = wattmark.measure("x", meters=("modelled-cpu",))
    with pytest.raises(ZeroDivisionError), window:
        work()
        _ = 1 // 0

    assert window.energy[0].gross.known


def test_windows_within_windows_share_one_open_meter(installed) -> None:
    counter = Counter()
    installed(counter)
    opened_before = counter.opened

    with wattmark.measure("outer", meters=("counter",)) as outer:
        with wattmark.measure("first", meters=("counter",)) as first:
            pass
        with wattmark.measure("second", meters=("counter",)) as second:
            pass

    assert counter.opened - opened_before == 1
    assert [w.energy[0].gross.value for w in (first, second, outer)] == [10.0, 10.0, 50.0]
    assert counter.closed == 0


def test_a_meter_that_polls_is_closed_with_its_last_window(installed) -> None:
    counter = Counter()
    counter.polls = True
    installed(counter)

    with wattmark.measure("outer", meters=("counter",)):
        with wattmark.measure("inner", meters=("counter",)):
            pass
        assert counter.closed == 0

    assert counter.closed == 1


def test_windows_of_several_threads_are_each_their_own() -> None:
    windows = [wattmark.measure(str(n), meters=("modelled-cpu",)) for n in range(8)]
    together = threading.Barrier(len(windows))

    def run(window: wattmark.Window) -> None:
        together.wait()
        with window:
            work()

    threads = [threading.Thread(target=run, args=(window,)) for window in windows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(window.energy[0].gross.known for window in windows)


def test_a_meter_lost_within_the_block_is_a_reason_and_others_stay(installed) -> None:
    installed(Counter("lost", "gpu:0", reads=1), Counter("kept", "cpu"))

    with wattmark.measure("x", meters=("lost", "kept")) as window:
        pass

    lost, kept = window.energy
    assert (lost.domain, lost.gross.value, lost.gross.reason) == ("gpu:0", None, Reason.SENSOR_LOST)
    assert lost.idle_subtracted.reason is Reason.SENSOR_LOST
    assert "cable was pulled" in lost.gross.detail
    assert kept.gross.value == 10.0


def test_a_lost_meter_does_not_hide_the_exception_of_the_block(installed) -> None:
    installed(Counter(reads=1))

    with pytest.raises(ZeroDivisionError), wattmark.measure("x", meters=("counter",)):
        _ = 1 // 0


def test_even_a_broken_plugin_does_not_stop_the_work(installed, monkeypatch) -> None:
    counter = Counter()
    installed(counter)
    monkeypatch.setattr(counter, "energy", lambda before, after: 1 // 0)

    with wattmark.measure("x", meters=("counter",)) as window:
        pass

    assert window.energy[0].gross.reason is Reason.SENSOR_LOST
    assert "ZeroDivisionError" in window.energy[0].gross.detail


def test_a_lost_meter_is_opened_anew_for_the_next_window(installed) -> None:
    counter = Counter(reads=1)
    installed(counter)
    with wattmark.measure("x", meters=("counter",)):
        pass
    counter.left = 5

    with wattmark.measure("y", meters=("counter",)) as window:
        pass

    assert (counter.opened, counter.closed) == (2, 1)
    assert window.energy[0].gross.value == 10.0


def test_a_meter_that_cannot_be_read_at_the_start_is_missing_too(installed) -> None:
    installed(Counter(reads=0))

    with wattmark.measure("x", meters=("counter",)) as window:
        pass

    assert window.energy[0].gross.reason is Reason.READ_FAILED


def test_a_wrong_name_is_told_before_the_block() -> None:
    with pytest.raises(UnknownNameError, match="modelled-cpu"):
        wattmark.measure("x", meters=("modeled-cpu",)).__enter__()
    with pytest.raises(InputError, match=r"meters=\('rapl',\)"):
        wattmark.measure("x", meters="rapl")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_measures_itself_and_the_parents_window_goes_on() -> None:
    with wattmark.measure("parent", meters=("modelled-cpu",)) as parent:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:  # pragma: no cover - another process
            with wattmark.measure("child", meters=("modelled-cpu",)) as own:
                work()
            parent.__exit__(None, None, None)
            said = f"{own.energy[0].gross.known} {parent.energy[0].gross.reason}"
            os.write(writing, said.encode())
            os._exit(0)
        os.waitpid(child, 0)
        said = os.read(reading, 100).decode()
        os.close(reading)
        os.close(writing)

    assert said == "True sensor_lost"
    assert parent.energy[0].gross.known


def test_idle_is_missing_until_it_was_measured_and_then_taken_off(installed) -> None:
    installed(Counter("rail", "cpu"))

    with wattmark.measure("before", meters=("rail",)) as before:
        pass
    remember_idle(("rail",), idle_record("rail", "cpu", Quantity.between(4.0, 3.0, 5.0, "W")))
    with wattmark.measure("after", meters=("rail",)) as after:
        pass
    with wattmark.measure("without", meters=("rail",), idle=False) as without:
        pass

    assert before.energy[0].idle_subtracted.reason is Reason.IDLE_NOT_MEASURED
    assert after.energy[0].idle_subtracted.bounds() == (5.0, 6.0, 7.0)
    assert 5.0 <= after.energy[0].idle_allocated.low <= after.energy[0].idle_allocated.high <= 10.0
    assert without.energy[0].idle_subtracted.reason is Reason.IDLE_NOT_MEASURED


def test_idle_true_measures_before_the_block_and_once(installed, monkeypatch) -> None:
    measured = []

    def fake(meters: Readings, seconds: float = 2.0) -> IdleRecord:
        measured.append(list(meters.names))
        return idle_record("rail", "cpu", Quantity.exact(4.0, "W"))

    monkeypatch.setattr("wattmark.metering.idle_reading.measure_idle", fake)
    installed(Counter("rail", "cpu"), ModelledCpu())

    for _ in range(2):
        with wattmark.measure("x", meters=("rail", "modelled-cpu"), idle=True) as window:
            pass

    assert measured == [["rail"]]
    assert window.energy[0].idle_subtracted.value == 6.0


def test_a_meter_that_fails_while_idle_is_measured_costs_the_idle_figures_only(
    installed, monkeypatch
) -> None:
    monkeypatch.setattr("wattmark.metering.idle_reading.DEFAULT_SECONDS", 0.01)
    loose = Counter("rail", "cpu")
    usual, asked = loose.read, []

    def read() -> MeterReading:
        asked.append(1)
        if len(asked) == 1:
            raise MeterError("the cable is loose")
        return usual()

    monkeypatch.setattr(loose, "read", read)
    installed(loose)

    with wattmark.measure("x", meters=("rail",), idle=True) as first:
        pass
    with wattmark.measure("x", meters=("rail",), idle=True) as second:
        pass

    (energy,) = first.energy
    assert energy.gross.value == 10.0
    assert energy.idle_subtracted.reason is Reason.READ_FAILED
    assert energy.idle_subtracted.detail == "the cable is loose"
    assert second.energy[0].idle_subtracted.known  # the fault is not remembered


def idle_record(meter: str, domain: str, power: Quantity) -> IdleRecord:
    from time import time

    found = IdlePower(meter=meter, domain=domain, power=power)
    return IdleRecord(machine="", measured_at=time(), seconds=2.0, power=(found,))


def test_a_measured_function_keeps_its_name_signature_and_windows() -> None:
    @wattmark.measured
    def add(a: int, *, b: int = 1) -> int:
        """Add."""
        return a + b

    assert (add(1), add(1, b=2)) == (2, 3)
    assert (add.__name__, add.__doc__) == ("add", "Add.")
    assert [window.duration.unit for window in add.windows] == ["s", "s"]
    assert "add" in add.windows[0].name


def test_a_measured_function_takes_a_name_and_meters_and_works_as_a_method() -> None:
    class Trainer:
        @wattmark.measured(name="a step", meters=("modelled-cpu",))
        def step(self, fail: bool = False) -> str:
            if fail:
                raise ValueError("no")
            return "done"

    trainer = Trainer()
    assert trainer.step() == "done"
    with pytest.raises(ValueError, match="no"):
        trainer.step(fail=True)

    windows = Trainer.step.windows
    assert [window.name for window in windows] == ["a step", "a step"]
    assert all(window.meters == ("modelled-cpu",) for window in windows)


def test_a_measured_function_keeps_its_last_windows_only(monkeypatch) -> None:
    monkeypatch.setattr(measured_function, "KEPT_WINDOWS", 3)

    @wattmark.measured(meters=("modelled-cpu",))
    def nothing() -> None:
        pass

    for _ in range(5):
        nothing()

    assert len(nothing.windows) == 3


def test_what_returns_before_its_work_is_done_cannot_be_measured() -> None:
    async def later() -> None:
        pass

    def one_by_one():
        yield 1

    for function in (later, one_by_one):
        with pytest.raises(InputError, match=r"wattmark\.measure"):
            wattmark.measured(function)


class FakeCuda:
    """``torch.cuda`` with two devices, of which the first has memory in use."""

    def __init__(self, *, fails: bool = False, used: bool = True) -> None:
        self.waited: list[int] = []
        self.fails, self.used = fails, used

    def is_initialized(self) -> bool:
        return self.used

    def device_count(self) -> int:
        return 2

    def memory_reserved(self, device: int) -> int:
        return 1024 if device == 0 else 0

    def synchronize(self, device: int) -> None:
        self.waited.append(device)
        if self.fails and len(self.waited) > 1:
            raise RuntimeError("CUDA error: device-side assert triggered")


def test_a_window_waits_at_both_ends_for_the_gpus_that_torch_uses(monkeypatch) -> None:
    cuda = FakeCuda()
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    with wattmark.measure("x", meters=("modelled-cpu",)):
        assert cuda.waited == [0]
    assert cuda.waited == [0, 0]


def test_a_torch_that_uses_no_gpu_is_left_alone(monkeypatch) -> None:
    cuda = FakeCuda(used=False)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    with wattmark.measure("x", meters=("modelled-cpu",)):
        pass
    assert cuda.waited == []


def test_work_that_failed_on_the_gpu_raises_once_the_window_is_recorded(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=FakeCuda(fails=True)))
    window = wattmark.measure("x", meters=("modelled-cpu",))
    with pytest.raises(RuntimeError, match="device-side assert"), window:
        pass
    assert window.energy[0].gross.known


def test_a_counter_of_the_processor_is_read_at_both_ends(installed, tmp_path) -> None:
    zone = tmp_path / "intel-rapl:0"
    zone.mkdir()
    for name, text in (
        ("name", "package-0"),
        ("energy_uj", "5000000"),
        ("max_energy_range_uj", "262143328850"),
    ):
        (zone / name).write_text(text)
    installed(Rapl(tmp_path))

    with wattmark.measure("x", meters=("rapl",)) as window:
        time.sleep(0.02)
        (zone / "energy_uj").write_text("6000000")

    (cpu,) = window.energy
    assert cpu.gross.value == pytest.approx(1.0)
    assert cpu.gross.grade is Grade.COUNTED
    assert cpu.idle_subtracted.reason is Reason.IDLE_NOT_MEASURED


class Lamp:
    """A power source of 60 W, asked by a thread."""

    name, grade = "lamp", Grade.METERED

    def __init__(self) -> None:
        self.closed = 0

    def probe(self) -> Availability:
        return Availability(True)

    def open(self) -> dict[str, Sensor]:
        return {"node": Sensor(0.01, 0.01)}

    def power_w(self) -> dict[str, float]:
        return {"node": 60.0}

    def close(self) -> None:
        self.closed += 1


def test_an_instrument_that_gives_watts_is_integrated_and_then_closed(installed) -> None:
    lamp = Lamp()
    installed(Polled(lamp))

    with wattmark.measure("x", meters=("lamp",)) as window:
        time.sleep(0.3)

    (node,) = window.energy
    assert lamp.closed == 1
    if node.gross.known:  # on a machine that stalls, the gap is told instead
        low, value, high = node.gross.bounds()
        wall_s = (node.after.time_ns - node.before.time_ns) / 1e9
        assert low <= value <= high and value == pytest.approx(60.0 * wall_s, rel=0.05)
    else:
        assert node.gross.reason is Reason.TRACE_GAP
