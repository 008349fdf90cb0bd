"""Power readings of NVIDIA GPUs: the class of the sensor, and a meter by polling."""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace

import pytest

from wattmark import registry
from wattmark.errors import MeterError
from wattmark.meters.nvml_power import NvmlPower, sensor_class
from wattmark.meters.polling import Polled
from wattmark.quantities import Grade, Reason


class FakeError(Exception):
    pass


def fake_nvml(power_mw: dict[str, int | None], generation: int = 6) -> SimpleNamespace:
    """One GPU for each name, drawing that much; None: it does not say."""
    names = list(power_mw)

    def power(handle: int) -> int:
        found = power_mw[names[handle]]
        if found is None:
            raise FakeError("Not Supported")
        return found

    def missing(*_: object) -> int:
        raise FakeError("Not Supported")

    return SimpleNamespace(
        NVMLError=FakeError,
        nvmlInit=lambda: None,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetCount=lambda: len(names),
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetName=lambda handle: names[handle],
        nvmlDeviceGetTotalEnergyConsumption=missing,
        nvmlDeviceGetPowerUsage=power,
        nvmlDeviceGetArchitecture=lambda handle: generation,
        nvmlDeviceGetPowerManagementLimit=lambda handle: 250_000,
        nvmlDeviceGetFieldValues=missing,
    )


@pytest.mark.parametrize(
    ("name", "generation", "instant", "found"),
    [
        ("NVIDIA A100-SXM4-80GB", 7, True, "instant-100-25"),
        ("NVIDIA H100 80GB HBM3", 9, True, "instant-100-25"),
        ("NVIDIA GeForce RTX 3090", 7, True, "instant-100-100"),
        ("NVIDIA GeForce RTX 3090", 7, False, "average-100-1000"),
        ("Quadro RTX 8000", 6, False, "instant-100-20"),
        ("Tesla V100-SXM2-16GB", 5, False, "instant-20-10"),
        ("Tesla K40m", 2, False, "lagging-15"),
        ("Tesla K20Xm", 2, False, "lagging-15"),
        ("Quadro K2000", 2, False, "lagging-100"),
        ("NVIDIA of tomorrow", 99, True, "instant-100-20"),
        ("driver too old to say", None, False, "instant-100-20"),
    ],
)
def test_the_class_of_a_card(name: str, generation: int | None, instant: bool, found: str) -> None:
    assert sensor_class(name, generation, instant) == found


@pytest.mark.usefixtures("no_gap")
def test_polled_power_becomes_energy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml({"Tesla V100-SXM2-16GB": 200_000}, 5))
    meter = Polled(NvmlPower())
    info = meter.open(cores=1)
    before = meter.read()
    time.sleep(0.3)
    (window,) = meter.energy(before, meter.read())
    meter.close()
    assert (info.domains, info.grade) == (("gpu:0",), Grade.COUNTED)
    seconds = (window.after.time_ns - window.before.time_ns) / 1e9
    assert window.gross.value == pytest.approx(200.0 * seconds, rel=1e-6)
    assert window.flags == (Reason.ALIASING,)  # Volta looks half of the time
    assert len(window.power) >= 2


def test_a_gpu_that_does_not_show_its_power_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fake_nvml({"GeForce GT 710": None, "Tesla P100": 80_000}, 4)
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    source = NvmlPower()
    sensors = source.open()
    assert list(sensors) == ["gpu:1"]
    assert sensors["gpu:1"].max_power_w == 250.0
    assert source.power_w() == {"gpu:1": 80.0}


def test_a_machine_whose_gpus_show_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml({"GeForce GT 710": None}, 2))
    assert "GeForce GT 710" in NvmlPower().probe().detail
    with pytest.raises(MeterError, match="nvml-power cannot be used"):
        NvmlPower().open()


def test_it_is_found_by_its_name() -> None:
    assert isinstance(registry.meter("nvml-power"), Polled)
