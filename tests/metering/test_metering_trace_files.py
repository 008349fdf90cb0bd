"""Recording real meters and fakes to files, and reading them back."""

from __future__ import annotations

import gzip
import itertools
from pathlib import Path
from types import SimpleNamespace

import pytest

from wattmark.contracts import Availability, Sensor
from wattmark.errors import InputError, MeterError, TraceError
from wattmark.metering.opened import OpenMeters
from wattmark.metering.recording import Recording
from wattmark.metering.replay import ReplayMeter
from wattmark.metering.trace_files import TraceWriter, channels, read_trace
from wattmark.meters.modelled.modelled_cpu import ModelledCpu
from wattmark.meters.polling import Polled
from wattmark.meters.rapl import Rapl
from wattmark.metrology.trace_windows import energy
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import MeterReading

S = 10**9


@pytest.fixture
def available(monkeypatch):
    """Make these the best meters there are, for one recording."""

    def put(*meters: object) -> None:
        by_name = {meter.name: meter for meter in meters}

        def choose(names: tuple[str, ...] = ()) -> list[object]:
            return [by_name[name] for name in names] if names else list(meters)

        monkeypatch.setattr("wattmark.metering.selection.choose", choose)
        monkeypatch.setattr("wattmark.metering.readings.OPEN_METERS", OpenMeters())

    return put


@pytest.fixture
def never_late(monkeypatch):
    """Time passes only while a recording sleeps, so that no tick is missed."""
    now_s = [100.0]

    def sleep(seconds: float) -> None:
        now_s[0] += seconds

    clock = SimpleNamespace(monotonic=lambda: now_s[0], sleep=sleep)
    monkeypatch.setattr("wattmark.metering.live.time", clock)


def plug(*joules: float) -> ReplayMeter:
    """An external meter that shows these joules, a second apart."""
    readings = [
        MeterReading(time_ns=i * S, values={"node": value}) for i, value in enumerate(joules)
    ]
    return ReplayMeter(readings, name="plug", grade=Grade.METERED)


def replayed(path: Path) -> dict[str, Quantity]:
    """Gross energy of the whole recording, by domain."""
    trace = read_trace(path)
    assert trace.span_ns is not None
    return {w.domain: w.gross for w in energy(trace, *trace.span_ns)}


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_a_recording_gives_the_energy_that_the_meter_gave(available, never_late, tmp_path, name):
    available(plug(0, 10, 30, 60))
    with Recording(tmp_path / name, (), 0.001) as done:
        done.run(0.003)

    assert (done.meters, done.samples, done.failed) == (("plug",), 4, 0)
    first, *_, last = read_trace(tmp_path / name).series[0].values
    assert (first, last) == (0, 60)


def test_the_modelled_processor_is_recorded_and_replayed(available, tmp_path):
    available(ModelledCpu())
    with Recording(tmp_path / "a.csv", (), 0.01) as done:
        done.run(0.05)

    cpu = replayed(tmp_path / "a.csv")["cpu"]
    assert cpu.grade is Grade.MODELLED
    assert 0 < cpu.low < cpu.value < cpu.high


def test_rapl_says_where_its_counters_wrap_and_is_replayed_across_it(powercap, tmp_path):
    root = powercap("intel-rapl:0", name="package-0", energy_uj=90, range_uj=99_999_999)
    meter = Rapl(root)
    info = meter.open(cores=1)
    (channel,) = channels(meter)
    assert (channel.key, channel.domain, channel.span_j) == ("cpu:0", "cpu", 100.0)
    assert (channel.update_period_s, channel.grade) == (info.update_period_s, info.grade)

    writer = TraceWriter(tmp_path / "a.csv", [channel], 0.05)
    for i, joules in enumerate((90.0, 95.0, 2.0)):
        reading = MeterReading(time_ns=i * S // 20, values={"cpu:0": joules})
        writer.write("rapl", reading)
    writer.close()
    meter.close()

    assert replayed(tmp_path / "a.csv")["cpu"].value == pytest.approx(12.0)


class Lamp:
    """A power source of 60 W."""

    name, grade = "lamp", Grade.METERED

    def probe(self) -> Availability:
        return Availability(True)

    def open(self) -> dict[str, Sensor]:
        return {"node": Sensor(0.01, 0.01)}

    def power_w(self) -> dict[str, float]:
        return {"node": 60.0}

    def close(self) -> None:
        pass


def test_a_source_of_watts_is_recorded_with_its_sensor(available, tmp_path):
    available(Polled(Lamp()))
    with Recording(tmp_path / "a.csv", (), 0.01) as done:
        done.run(0.3)

    trace = read_trace(tmp_path / "a.csv")
    assert trace.series[0].channel.sensor == Sensor(0.01, 0.01)
    assert set(trace.series[0].values) == {60.0}


def test_a_meter_that_is_lost_leaves_holes_and_the_recording_goes_on(
    available, never_late, tmp_path
):
    available(plug(0, 10))
    with Recording(tmp_path / "a.csv", (), 0.001) as done:
        done.run(0.1)

    assert done.failed >= 1 and done.samples - done.failed == 2
    assert replayed(tmp_path / "a.csv")["node"].reason is not None


class Mute:
    """A meter that does not describe its raw values."""

    name, grade = "mute", Grade.COUNTED

    def open(self, cores: int) -> object:
        return None

    def close(self) -> None:
        pass


def test_a_meter_that_cannot_be_recorded_is_left_out_or_refused(available, tmp_path):
    available(plug(0, 10), Mute())
    with Recording(tmp_path / "a.csv", (), 0.001) as done:
        pass
    assert done.meters == ("plug",)
    assert "'mute' cannot be recorded" in done.left_out[0]

    with pytest.raises(MeterError, match="'mute' cannot be recorded"):
        Recording(tmp_path / "b.csv", ("mute",), 0.001)
    assert not (tmp_path / "b.csv").exists()


def test_the_meters_are_closed_where_the_file_cannot_be_finished(available, tmp_path, monkeypatch):
    available(plug(0, 10))
    closed = []
    monkeypatch.setattr(
        "wattmark.metering.readings.Readings.close", lambda self: closed.append(self)
    )

    def full(self: object) -> None:
        raise OSError(28, "No space left on device")

    done = Recording(tmp_path / "a.csv.gz", (), 0.001)
    with monkeypatch.context() as patched:
        patched.setattr("gzip.GzipFile.close", full)
        with pytest.raises(MeterError, match=r"a\.csv\.gz cannot be written"), done:
            pass
    assert len(closed) == 1


def test_no_recording_is_overwritten(available, tmp_path):
    available(plug(0, 10))
    (tmp_path / "a.csv").write_text("precious")
    with pytest.raises(MeterError, match="is there already"):
        Recording(tmp_path / "a.csv", (), 0.1)
    with pytest.raises(MeterError, match="cannot be written"):
        Recording(tmp_path / "no" / "folder.csv", (), 0.1)
    assert (tmp_path / "a.csv").read_text() == "precious"


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_every_sample_is_in_the_file_before_it_is_closed(available, never_late, tmp_path, name):
    available(plug(0, 10, 30))
    with Recording(tmp_path / name, (), 0.001) as done:
        done.run(0.002)
        assert read_trace(tmp_path / name).series[0].values == [0, 10, 30]


def test_a_compressed_file_that_was_cut_off_is_read_as_far_as_it_goes(
    available, never_late, tmp_path
):
    available(plug(*range(0, 3000, 10)))
    path = tmp_path / "a.csv.gz"
    with Recording(path, (), 0.0001) as done:
        done.run(0.01)
    whole = read_trace(path).series[0].values
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])

    trace = read_trace(path)

    assert 0 < len(trace.series[0].values) < len(whole)
    assert "cut off" in trace.notes[-1]


def test_what_is_not_a_trace_is_told(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\n")
    with pytest.raises(TraceError, match="not text"):
        read_trace(tmp_path / "a.csv")
    with pytest.raises(InputError, match="cannot be read"):
        read_trace(tmp_path / "none.csv")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"x")[:-3] + b"abc")
    with pytest.raises(InputError):
        read_trace(tmp_path / "b.csv.gz")


def test_a_missed_tick_is_left_out(monkeypatch):
    from wattmark.metering import live

    clock = itertools.count(0.0, 0.3)
    monkeypatch.setattr(live.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(live.time, "sleep", lambda seconds: None)
    found = list(live.ticks(0.1, seconds=2.0))
    assert 2 <= len(found) < 20


def test_a_lost_reading_is_a_hole_for_its_window_only(tmp_path):
    (channel,) = channels(plug(0, 1))
    writer = TraceWriter(tmp_path / "a.csv", [channel], 1.0)
    for i in range(5):
        writer.write(
            "plug", MeterReading(time_ns=i * S, values={"node": 10.0 * i} if i != 1 else {})
        )
    writer.close()
    trace = read_trace(tmp_path / "a.csv")
    early, late = energy(trace, 0, 2 * S)[0], energy(trace, 2 * S, 4 * S)[0]
    assert early.gross.reason is Reason.READ_FAILED
    assert late.gross.value == 20.0
