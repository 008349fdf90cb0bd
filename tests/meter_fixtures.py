from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from simulated_device import SimulatedDevice, simulated_device

from wattmark.contracts import Meter
from wattmark.metering import configured

#: what Intel's and AMD's drivers state as the highest value of the counter
INTEL_RANGE_UJ = 262_143_328_850


@pytest.fixture
def powercap(tmp_path: Path) -> Callable[..., Path]:
    """A builder of fake powercap trees: ``powercap("intel-rapl:0", name="package-0", ...)``."""
    root = tmp_path / "powercap"
    root.mkdir()

    def zone(
        folder: str, *, name: str, energy_uj: int, range_uj: int = INTEL_RANGE_UJ, **limits_uw: int
    ) -> Path:
        path = root / folder
        path.mkdir(exist_ok=True)
        (path / "name").write_text(f"{name}\n")
        (path / "energy_uj").write_text(f"{energy_uj}\n")
        (path / "max_energy_range_uj").write_text(f"{range_uj}\n")
        for limit, value in limits_uw.items():
            (path / limit).write_text(f"{value}\n")
        return root

    return zone


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedDevice]:
    """An instrument on loopback."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with simulated_device() as simulated:
        yield simulated


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Meter]:
    """Write one instrument into a settings file of its own, and make its meter."""

    def write(settings: Mapping[str, Any]) -> Meter:
        file = tmp_path / "meters.yaml"
        file.write_text(yaml.safe_dump({"mine": dict(settings)}))
        monkeypatch.setenv(configured.ENVIRONMENT, str(file))
        return configured.meter("mine")

    return write


@pytest.fixture
def no_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that stalls makes no gap: its samples are taken as they come."""
    monkeypatch.setattr("wattmark.metrology.windows.LONGEST_GAP_PERIODS", 1e3)
    monkeypatch.setattr("wattmark.meters.polling.LONGEST_GAP_PERIODS", 1e3)
