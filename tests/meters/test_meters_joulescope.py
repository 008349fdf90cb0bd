"""A Joulescope, simulated by an object with the calls of `pyjoulescope_driver.Driver`."""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace

import pytest

from wattmark.errors import MeterError
from wattmark.meters.node import pushed
from wattmark.quantities import Grade, Reason


class SimulatedDriver:
    """Sends one statistics message when it is subscribed to, further ones by ``send``."""

    def __init__(self, devices: list[str], energy_j: float | None = 5.0) -> None:
        self.devices = devices
        self.energy_j = energy_j
        self.opened: list[str] = []
        self.published: dict[str, object] = {}
        self.topic = ""
        self.finalized = 0

    def device_paths(self) -> list[str]:
        return self.devices

    def open(self, device: str) -> None:
        if not device.startswith("u/"):
            raise RuntimeError("jsdrv_open failed: busy")
        self.opened.append(device)

    def publish(self, topic: str, value: object) -> None:
        self.published[topic] = value

    def subscribe(self, topic: str, flags: str, receive) -> None:
        self.topic, self.receive = topic, receive
        if self.energy_j is not None:
            self.send(self.energy_j)

    def send(self, energy_j: float) -> None:
        accumulators = {"energy": {"value": energy_j, "units": "J"}, "charge": {"value": 1.0}}
        self.receive(self.topic, {"accumulators": accumulators, "signals": {}})

    def finalize(self) -> None:
        self.finalized += 1


@pytest.fixture
def plug_in(monkeypatch):
    def put(*devices: str, **more) -> SimulatedDriver:
        driver = SimulatedDriver(list(devices), **more)
        package = SimpleNamespace(Driver=lambda: driver)
        monkeypatch.setitem(sys.modules, "pyjoulescope_driver", package)
        return driver

    return put


def test_its_own_accumulator_is_the_counter(plug_in, configure):
    driver = plug_in("u/js220/002557")
    meter = configure({"kind": "joulescope"})
    info = meter.open(cores=1)
    before = meter.read()
    driver.send(65.0)
    after = meter.read().model_copy(update={"time_ns": before.time_ns + 10 * 10**9})
    (window,) = meter.energy(before, after)
    meter.close()
    assert (info.domains, info.grade, info.update_period_s) == (("node",), Grade.METERED, 0.1)
    # 60 J in 10 s, two edges of 0.1 s at 6 W, an error of 1 %
    assert window.gross.bounds() == pytest.approx((58.8 / 1.01, 60.0, 61.2 / 0.99))
    assert driver.published["u/js220/002557/s/stats/scnt"] == 100_000
    assert driver.finalized == 1


def test_a_js110_is_heard_at_its_own_pace(plug_in, configure):
    driver = plug_in("u/js110/000099")
    detail = configure({"kind": "joulescope"}).probe().detail
    assert "set `update_period_s: 0.5`" in detail
    meter = configure({"kind": "joulescope", "update_period_s": 0.5})
    assert meter.probe().available
    assert driver.topic == "u/js110/000099/s/sstats/value"


def test_one_of_several_is_named_by_its_serial_number(plug_in, configure):
    driver = plug_in("u/js220/002557", "u/js220/001122")
    assert "plugged in: u/js220/002557, u/js220/001122" in (
        configure({"kind": "joulescope"}).probe().detail
    )
    assert configure({"kind": "joulescope", "serial": "001122"}).probe().available
    assert driver.opened == ["u/js220/001122"]
    missing = configure({"kind": "joulescope", "serial": "7777"}).probe().detail
    assert "no Joulescope 7777 is plugged in" in missing


@pytest.mark.parametrize(
    ("devices", "more", "reason", "said"),
    [
        ([], {}, Reason.READ_FAILED, "no Joulescope is plugged in (found: none)"),
        (["usb/js220/1"], {}, Reason.PERMISSION, "jsdrv_open failed: busy"),
        (["u/js220/1"], {"energy_j": None}, Reason.READ_FAILED, "sent nothing within 0.05 s"),
        (
            ["u/js220/1"],
            {"energy_j": float("nan")},
            Reason.READ_FAILED,
            "it sent nan, which is not a finite number",
        ),
    ],
)
def test_what_goes_wrong_is_told_with_the_cure(plug_in, configure, devices, more, reason, said):
    driver = plug_in(*devices, **more)
    found = configure({"kind": "joulescope", "timeout_s": 0.05}).probe()
    assert found.reason is reason
    assert said in found.detail
    assert driver.finalized == 1


def test_one_that_was_unplugged_is_not_read_as_standing_still(plug_in, configure, monkeypatch):
    plug_in("u/js220/1")
    meter = configure({"kind": "joulescope"})
    meter.open(cores=1)
    now_ns = time.monotonic_ns() + 10 * 10**9
    monkeypatch.setattr(pushed, "time", SimpleNamespace(monotonic_ns=lambda: now_ns))
    with pytest.raises(MeterError, match=r"has sent nothing for 10.* s.*is it still there"):
        meter.read()
    meter.close()


def test_a_missing_package_comes_with_the_extra_to_install(configure, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyjoulescope_driver", None)
    found = configure({"kind": "joulescope"}).probe()
    assert not found.available
    assert "pip install 'wattmark[joulescope]'" in found.detail
