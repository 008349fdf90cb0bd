"""Which model of the whole node holds for this machine: the best that is known of it.

1. The calibration of this machine by a meter of the node (a plug, ``wattmark meter calibrate``).
2. Servers of its generation (`wattmark.meters.modelled.server_table`).

A machine of no server generation has neither: its node is not modelled.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from wattmark.errors import MeterError
from wattmark.machine.cpu_info import CpuInfo, cpu_info
from wattmark.meters.modelled.calibration_file import (
    MachineIdentity,
    calibration_path,
    read_calibration,
    utc_now,
)
from wattmark.meters.modelled.cpu_model import ChosenModel
from wattmark.meters.modelled.server_table import generation_model
from wattmark.metrology.cpu_power import PowerModel

#: What would make a figure of a generation narrower.
NARROWER = (
    "narrower by a meter of the node (a plug or BMC in meters.yaml, `wattmark doctor` names the "
    "kinds) or its readings (`wattmark meter calibrate --watts-idle W --watts-full W`)"
)


def choose_node_model(
    cpu: CpuInfo | None = None, *, calibration: Path | None = None, now: datetime | None = None
) -> ChosenModel:
    """The best model of the node for a processor, by default this machine's.

    Raises MeterError, with what to do, where nothing is known of such a machine.
    """
    cpu = cpu or cpu_info()
    model, note = _calibrated(cpu, calibration or calibration_path(), now or utc_now())
    if model is not None:
        return ChosenModel(model, note)
    notes = [note] if note else []
    found = generation_model(cpu)
    if found is None:
        seen = cpu.identification or "nothing"
        notes.append(
            f"{cpu.name!r} ({seen}) is of no server generation whose power at the wall was "
            f"published: {NARROWER.removeprefix('narrower ')}"
        )
        raise MeterError("; ".join(["no model of the node", *notes]))
    model, source = found
    return ChosenModel(model, "; ".join([source, *notes, NARROWER]))


def _calibrated(cpu: CpuInfo, path: Path, now: datetime) -> tuple[PowerModel | None, str]:
    """The calibrated model and where it comes from, or None and why, if a person may wonder."""
    try:
        found = read_calibration(path)
        model = found.node_model() if found is not None else None
        if found is None or model is None:
            return None, ""
        objection = found.objection(MachineIdentity.of(cpu), now)
    except MeterError as error:
        return None, f"the calibration is not used: {error}"
    if objection is not None:
        return None, f"the calibration is not used: {objection}"
    return model, found.describe()


def describe(chosen: ChosenModel) -> str:
    """Parameters and source of a node's model in one line."""
    low, value, high = chosen.model.busy_w.bounds()
    least, share, most = chosen.model.idle_share.bounds()
    return (
        f"{value:.2g} W at the wall per busy hardware thread [{low:.2g}, {high:.2g}], idle "
        f"{share:.0%} of it [{least:.0%}, {most:.0%}]; from {chosen.source}"
    )
