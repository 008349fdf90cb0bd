"""What a calibration of this machine is, where it is kept, and whether it still holds.

It is one JSON file, ``calibration.json`` in the data folder: ``WATTMARK_DATA``, or the user's data
folder. It is written whole or not at all.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, ValidationError

from wattmark.assets import data_folder, write_whole
from wattmark.errors import MeterError
from wattmark.machine.cpu_info import CpuInfo
from wattmark.metrology.cpu_power import PowerModel
from wattmark.metrology.load_line import node_model, processor_model
from wattmark.quantities import Grade, Quantity
from wattmark.records.base import Record

FILE_NAME = "calibration.json"
MAX_AGE_DAYS = 90


class MachineIdentity(Record):
    """What must be the same for a calibration to hold; none of it changes with a new start."""

    cpu_model: str
    logical_cpus: int
    architecture: str

    @classmethod
    def of(cls, cpu: CpuInfo) -> MachineIdentity:
        """The identity of the machine with that processor."""
        return cls(cpu_model=cpu.name, logical_cpus=cpu.logical_cpus, architecture=cpu.architecture)

    def __str__(self) -> str:
        return f"{self.cpu_model} with {self.logical_cpus} logical CPUs ({self.architecture})"


class LoadPoint(Record):
    """One window of the load ladder: share of all cores that was busy, and mean watts."""

    utilisation: float
    power_w: float


class Calibration(Record):
    """Watts of a machine at idle and with all cores busy, and how they were obtained.

    ``domain`` is ``cpu`` or ``node``. ``grade`` is that of the instrument ``source``; the
    instrument's own error is within the intervals.
    """

    version: Literal[1] = 1
    measured_at: AwareDatetime
    machine: MachineIdentity
    source: str
    grade: Grade
    domain: Literal["cpu", "node"]
    idle_w: Quantity
    full_w: Quantity
    points: tuple[LoadPoint, ...] = ()

    def model(self) -> PowerModel:
        """The power model per logical CPU. Raises MeterError where it is too unsure for one."""
        make = processor_model if self.domain == "cpu" else node_model
        return make(self.idle_w, self.full_w, self.machine.logical_cpus)

    def node_model(self) -> PowerModel | None:
        """Watts of the whole machine per logical CPU; None where only the processor was measured.

        Raises MeterError where it is too unsure for one.
        """
        if self.domain != "node":
            return None
        return processor_model(self.idle_w, self.full_w, self.machine.logical_cpus)

    def objection(self, machine: MachineIdentity, now: datetime) -> str | None:
        """Why it does not hold on that machine at that time; None where it does."""
        if self.machine != machine:
            return f"it is of another machine: {self.machine}; this is {machine}"
        age_days = (now - self.measured_at).days
        if age_days > MAX_AGE_DAYS:
            return f"it is {age_days} days old, and the limit is {MAX_AGE_DAYS}"
        if age_days < -1:
            return f"it is of the future ({self.measured_at:%Y-%m-%d}): a clock is wrong"
        return None

    def describe(self) -> str:
        """Where it comes from, in one line."""
        return (
            f"this machine's calibration of {self.measured_at:%Y-%m-%d} "
            f"by {self.source} ({self.grade}, {self.domain})"
        )


def calibration_path() -> Path:
    """Where this user's calibration is kept; it need not exist."""
    return data_folder() / FILE_NAME


def read_calibration(path: Path) -> Calibration | None:
    """The calibration in a file; None where there is no file. Raises MeterError if unreadable."""
    try:
        return Calibration.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MeterError(f"the calibration {path} cannot be read: {error}") from error
    except ValidationError as error:
        raise MeterError(
            f"{path} is no calibration of a version that is known here "
            f"({error.error_count()} faults, first: {error.errors()[0]['msg']}): "
            "calibrate again with `wattmark meter calibrate`"
        ) from error


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Put it in place of any other, whole or not at all. Raises MeterError where that fails."""
    try:
        write_whole(path, calibration.model_dump_json(indent=1) + "\n")
    except OSError as error:
        raise MeterError(
            f"the calibration could not be written to {path}: {error}; "
            "set WATTMARK_DATA to a folder that you can write to"
        ) from error


def utc_now() -> datetime:
    """The time now, to the second."""
    return datetime.now(UTC).replace(microsecond=0)
