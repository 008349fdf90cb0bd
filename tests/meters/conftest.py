from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

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
