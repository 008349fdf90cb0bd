"""The CUDA driver, asked for what this process has open; it is simulated behind ctypes."""

from __future__ import annotations

import ctypes
import subprocess
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from wattmark.machine import cuda_driver

UUIDS = [UUID(int=n + 1) for n in range(3)]
NOT_INITIALISED = 3


def driver(active: set[int], *, started: bool = True) -> SimpleNamespace:
    """Three devices, with a primary context on those that are active."""

    def count(number: Any) -> int:
        number._obj.value = len(UUIDS)
        return 0 if started else NOT_INITIALISED

    def device(handle: Any, ordinal: int) -> int:
        handle._obj.value = ordinal
        return 0

    def uuid(into: Any, handle: Any) -> int:
        into._obj[:] = UUIDS[handle.value].bytes
        return 0

    def state(handle: int, flags: Any, into: Any) -> int:
        into._obj.value = int(handle in active)
        return 0

    return SimpleNamespace(
        cuDeviceGetCount=count,
        cuDeviceGet=device,
        cuDeviceGetUuid_v2=uuid,
        cuDevicePrimaryCtxGetState=state,
        cuInit=lambda flags: 0,
    )


def test_open_are_the_devices_with_a_context(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name, mode=0: driver({0, 2}))
    assert cuda_driver.opened_uuids() == (str(UUIDS[0]), str(UUIDS[2]))


def test_a_driver_that_was_not_started_has_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name, mode=0: driver({0}, started=False))
    assert cuda_driver.opened_uuids() == ()


def test_without_a_driver_nothing_is_open_and_no_order_is_known() -> None:
    assert cuda_driver.opened_uuids() == ()


def test_the_order_is_asked_of_a_process_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name, mode=0: driver(set()))
    assert cuda_driver._main() == 0
    printed = capsys.readouterr().out
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    started: dict[str, str] = {}

    def run(command: list[str], *, env: dict[str, str], **_: Any) -> SimpleNamespace:
        started.update(env)
        return SimpleNamespace(returncode=0, stdout=printed.encode())

    monkeypatch.setattr(subprocess, "run", run)
    asked = {"CUDA_VISIBLE_DEVICES": "2,0,1", "CUDA_DEVICE_ORDER": None}
    assert cuda_driver.order_in_process(asked) == tuple(map(str, UUIDS))
    assert started["CUDA_VISIBLE_DEVICES"] == "2,0,1" and "CUDA_DEVICE_ORDER" not in started
