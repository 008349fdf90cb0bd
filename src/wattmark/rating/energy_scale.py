"""Which energies share a scale: those of one model on one machine."""

from __future__ import annotations

from wattmark.records import COMPARABLE_FIELDS, Environment, content_digest


def scale_name(scale: str, environment: Environment) -> str:
    """The name of a scale (of a :class:`~wattmark.records.ComparableEnergy`) on a machine.

    It is the same where the model's parameters, the host's name and all fields agree by which runs
    may be compared. Two machines of one kind have different names: how much of the model's error
    they share is not known. It is made of a sha256, so that editions do not describe the machine.
    """
    machine = environment.model_dump(mode="json", include={"hostname", *COMPARABLE_FIELDS})
    return f"scale-{content_digest({'scale': scale, 'machine': machine})[:12]}"
