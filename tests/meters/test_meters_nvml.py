from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from wattmark.errors import MeterError
from wattmark.meters.nvml import Nvml, device_names
from wattmark.metrology.sensor_classes import uncalibrated_counter
from wattmark.quantities import Grade, Reason
from wattmark.records import MeterReading


class NVMLError(Exception):
    pass


def fake_pynvml(gpus: dict[str, list[int] | None], sessions: list[int]) -> SimpleNamespace:
    """NVML with recorded millijoules by product name; None: a GPU without the counter.

    ``sessions`` has one element: how often the library is initialised.
    """
    names = list(gpus)
    recorded = {name: iter(values or []) for name, values in gpus.items()}

    def energy(handle: int) -> int:
        try:
            return next(recorded[names[handle]])
        except StopIteration:
            raise NVMLError("Not Supported") from None

    def count(step: int) -> None:
        sessions[0] += step

    return SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=lambda: count(1),
        nvmlShutdown=lambda: count(-1),
        nvmlDeviceGetCount=lambda: len(names),
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetName=lambda handle: names[handle],
        nvmlDeviceGetTotalEnergyConsumption=energy,
    )


@pytest.fixture
def install(monkeypatch):
    """Put a fake NVML in place; afterwards every session must have been ended."""
    sessions = [0]

    def put(gpus: dict[str, list[int] | None]) -> SimpleNamespace:
        fake = fake_pynvml(gpus, sessions)
        monkeypatch.setitem(sys.modules, "pynvml", fake)
        return fake

    yield put
    assert sessions == [0]


def between(meter: Nvml, seconds: float) -> tuple:
    before = meter.read()
    after = meter.read()
    return meter.energy(
        before, after.model_copy(update={"time_ns": before.time_ns + round(seconds * 1e9)})
    )


@pytest.mark.parametrize("limit_mw", [450_000, None])
def test_a_counter_that_jumps_by_more_than_the_card_can_draw_could_not_be_read(install, limit_mw):
    fake = install({"NVIDIA GeForce RTX 4090": [1_000, 1_000, 2_000, 37 * 10**14]})
    if limit_mw is not None:
        fake.nvmlDeviceGetPowerManagementLimit = lambda handle: limit_mw
    meter = Nvml()
    meter.open(cores=1)
    assert meter.channels()[0].max_power_w == (limit_mw and limit_mw / 1e3)
    (window,) = between(meter, 5.0)
    meter.close()
    assert window.gross.reason is Reason.READ_FAILED
    assert "no device that it counts draws that" in window.gross.detail


def test_energy_is_the_difference_of_the_counter(install):
    # the first two values are used to probe and to open
    install({"NVIDIA GeForce RTX 4090": [1_000, 1_000, 2_000, 502_000]})
    meter = Nvml()
    info = meter.open(cores=1)
    (window,) = between(meter, 5.0)
    meter.close()
    assert (info.domains, info.grade, info.update_period_s) == (("gpu:0",), Grade.COUNTED, 0.1)
    # 500 J in 5 s: edges of 2 x 100 W x 0.1 s, gain and offset of a card that nobody calibrated
    card = uncalibrated_counter(0.1)
    assert window.gross.bounds() == pytest.approx(
        (
            (480 - 5 * card.offset_high_w) / card.gain_high,
            500.0,
            (520 - 5 * card.offset_low_w) / card.gain_low,
        )
    )
    assert window.flags == ()
    assert window.before.values == {"gpu:0": 2.0}
    assert window.idle_subtracted.reason is Reason.IDLE_NOT_MEASURED


def test_a_part_time_sensor_has_a_wider_interval_and_says_so(install):
    install({"NVIDIA H100 80GB HBM3": [0, 0, 0, 500_000]})
    meter = Nvml()
    info = meter.open(cores=1)
    (window,) = between(meter, 5.0)
    (channel,) = meter.channels()  # what a recording is judged by
    meter.close()
    assert channel.part_time
    # without the factor: repeats in its phases see the whole (`measure_repeats`)
    assert channel.sensor is not None and channel.sensor.duty == 0.25
    assert channel.sensor.gain_low == uncalibrated_counter(0.1).gain_low
    card = uncalibrated_counter(0.1)
    assert window.gross.bounds() == pytest.approx(
        (
            (480 - 5 * card.offset_high_w) / (2 * card.gain_high),
            500.0,
            (520 - 5 * card.offset_low_w) / (card.gain_low / 2),
        )
    )
    assert window.flags == (Reason.ALIASING,)
    assert "part-time sensor" in info.detail


def test_the_offset_of_a_card_is_a_share_of_its_power_limit(install):
    fake = install({"NVIDIA L4": [0, 0, 0, 500_000]})
    fake.nvmlDeviceGetPowerManagementLimit = lambda handle: 72_000
    meter = Nvml()
    meter.open(cores=1)
    (channel,) = meter.channels()
    meter.close()
    card = uncalibrated_counter(0.1, 72.0)
    assert (channel.offset_low_w, channel.offset_high_w) == (card.offset_low_w, card.offset_high_w)
    assert -5.0 < channel.offset_low_w < 0 < channel.offset_high_w < 4.0
    assert channel.sensor is None


def test_a_window_below_a_second_is_missing(install):
    install({"NVIDIA L4": [0, 0, 0, 9_000]})
    meter = Nvml()
    meter.open(cores=1)
    (window,) = between(meter, 0.9)
    meter.close()
    assert window.gross.reason is Reason.WINDOW_TOO_SHORT


def test_a_counter_that_went_back_was_reset(install):
    install({"NVIDIA L4": [0, 0, 900_000, 100]})
    meter = Nvml()
    meter.open(cores=1)
    (window,) = between(meter, 10.0)
    meter.close()
    assert window.gross.reason is Reason.COUNTER_RESET


def test_each_gpu_is_a_domain_and_one_without_counter_says_why(install):
    install({"Quadro K620": None, "NVIDIA L4": [0, 0, 0, 9_000]})
    meter = Nvml()
    assert meter.open(cores=1).domains == ("gpu:1",)
    old, new = between(meter, 2.0)
    meter.close()
    assert (old.domain, old.gross.reason) == ("gpu:0", Reason.NO_ENERGY_COUNTER)
    assert (new.domain, new.gross.value) == ("gpu:1", 9.0)


def test_a_gpu_that_fails_within_the_window_is_a_failed_reading(install):
    install({"NVIDIA L4": [0, 0, 0, 9_000], "NVIDIA L40": [0, 0, 0]})
    meter = Nvml()
    meter.open(cores=1)
    windows = between(meter, 2.0)
    meter.close()
    assert [w.gross.reason for w in windows] == [None, Reason.READ_FAILED]


def test_a_machine_whose_gpus_all_lack_the_counter(install):
    install({"Quadro K620": None})
    availability = Nvml().probe()
    assert availability.reason is Reason.NO_ENERGY_COUNTER
    assert "Quadro K620" in availability.detail


def test_names_of_devices(install):
    install({"NVIDIA L4": [0]})
    assert device_names() == ("NVIDIA L4",)


def test_no_driver_means_no_meter_and_no_names(install):
    def no_library() -> None:
        raise NVMLError("NVML Shared Library Not Found")

    install({}).nvmlInit = no_library
    availability = Nvml().probe()
    assert availability.reason is Reason.NO_METER
    assert "NVML Shared Library Not Found" in availability.detail
    assert device_names() == ()
    with pytest.raises(MeterError, match="nvml cannot be used"):
        Nvml().open(cores=1)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert "install nvidia-ml-py" in Nvml().probe().detail


def test_readings_survive_the_record_format(install):
    install({"NVIDIA L4": [0, 0, 123_456]})
    meter = Nvml()
    meter.open(cores=1)
    reading = meter.read()
    meter.close()
    assert MeterReading.model_validate_json(reading.model_dump_json()) == reading
    with pytest.raises(MeterError, match="not open"):
        meter.read()
