"""Whether a setup can run here, found without importing a framework."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wattmark.contracts import Availability
from wattmark.machine.installed import is_installed
from wattmark.quantities import Reason
from wattmark.records import Precision, Setup


def unavailable(detail: str) -> Availability:
    """It cannot be used; ``detail`` says why, and the cure."""
    return Availability(False, Reason.NOT_SUPPORTED, detail)


def has_cell(
    framework: str, modes: Mapping[str, tuple[Precision, ...]], setup: Setup
) -> Availability | None:
    """None where ``modes`` has the setup's mode and precision, else that it has not."""
    if setup.precision in modes.get(setup.mode, ()):
        return None
    cells = (f"{mode}/{precision}" for mode in modes for precision in modes[mode])
    return unavailable(f"{framework} has {', '.join(cells)}")


def lacks(packages: Iterable[str], extra: str) -> Availability | None:
    """None where all are installed, else which is not."""
    for package in packages:
        if not is_installed(package):
            return unavailable(f"{package} is not installed: pip install 'wattmark[{extra}]'")
    return None
