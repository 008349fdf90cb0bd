"""``training.yaml``: what training took, measured, by its hardware, or by its operations.

Exactly one of ``measured``, ``hardware`` and ``flops`` is given::

    name: my model, second try
    pue: 1.1
    region: SE
    hardware_used: 8 A100
    hardware: {hours: 355, devices: 8, power_w: {value: 400, low: 350, high: 700}}
"""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from wattmark.errors import ImpactError
from wattmark.impact.site import Given, Range, factor
from wattmark.impact.steps import facility_energy
from wattmark.impact.training import from_flop, from_hardware, training_flop
from wattmark.quantities import Grade, Quantity


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Measured(_Section):
    """Energy of windows that were measured, in kWh, and how they were (``grade``)."""

    energy_kwh: Given
    grade: Grade


class Hardware(_Section):
    """Hours of wall time, number of devices, average watts of one with its share of the server."""

    hours: Given
    devices: Given
    power_w: Given


class Flops(_Section):
    """Operations, or parameters and tokens; a device's peak FLOP/s, its use (MFU), its watts."""

    flop: Given | None = None
    parameters: Given | None = None
    tokens: Given | None = None
    peak_flop_per_s: Given
    mfu: Given
    power_w: Given

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        counted = self.parameters is not None and self.tokens is not None
        if (self.flop is not None) == counted:
            raise ValueError("give flop, or parameters and tokens")
        return self


class Training(_Section):
    """Training of a model; ``pue`` is of the building where it ran (1 where it is not given).

    ``region`` is the country, or part of one, where it ran; ``grid_carbon`` (g/kWh) is taken before
    its grid's. ``hardware_used`` says on what it ran, in words.
    """

    name: str = "training"
    pue: Given = 1.0
    region: str | None = None
    grid_carbon: Given | None = None
    hardware_used: str | None = None
    measured: Measured | None = None
    hardware: Hardware | None = None
    flops: Flops | None = None

    @model_validator(mode="after")
    def _one_method(self) -> Self:
        ways = [self.measured, self.hardware, self.flops]
        if sum(way is not None for way in ways) != 1:
            raise ValueError("give exactly one of measured, hardware, flops")
        return self

    @classmethod
    def parse(cls, document: object, where: str) -> Self:
        """The training that a document describes. Raises ImpactError that names the field."""
        if not isinstance(document, dict):
            raise ImpactError(f"{where}: a training is a mapping, such as `hardware: ...`")
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            problem = error.errors()[0]
            field = ".".join(str(part) for part in problem["loc"]) or "training"
            raise ImpactError(f"{where}: {field}: {problem['msg']}") from None

    def energy_it(self) -> Quantity:
        """Energy of the machines in kWh, with grade. Raises ImpactError."""
        if self.measured is not None:
            energy = _of("energy", self.measured.energy_kwh, "kWh")
            return energy.model_copy(update={"grade": self.measured.grade})
        if self.hardware is not None:
            h = self.hardware
            return from_hardware(
                _of("hours", h.hours, "h"),
                _of("devices", h.devices, "1"),
                _of("power_w", h.power_w, "W"),
            )
        assert self.flops is not None
        f = self.flops
        return from_flop(
            self.flop(),
            _of("peak_flop_per_s", f.peak_flop_per_s, "FLOP/s"),
            _of("mfu", f.mfu, "1"),
            _of("power_w", f.power_w, "W"),
        )

    def flop(self) -> Quantity:
        """Operations of training, given or 6 x N x D; ImpactError where the way has none."""
        if self.flops is None:
            raise ImpactError("flops: this training was not given by its operations")
        if self.flops.flop is not None:
            return _of("flop", self.flops.flop, "FLOP")
        assert self.flops.parameters is not None and self.flops.tokens is not None
        return training_flop(
            _of("parameters", self.flops.parameters, "1"), _of("tokens", self.flops.tokens, "1")
        )

    def energy_facility(self) -> Quantity:
        """Energy of the building for it, in kWh: E_IT x PUE."""
        return facility_energy(self.energy_it(), _of("pue", self.pue, "1")).to("kWh")


def _of(name: str, given: Given, unit: str) -> Quantity:
    if (low := given.low if isinstance(given, Range) else given) < 0:
        raise ImpactError(f"{name}: {low:g} is below zero")
    return factor(name, unit, given).quantity
