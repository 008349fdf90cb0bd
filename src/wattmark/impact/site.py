"""A site as the user describes it: on the command line, or in a file ``site.yaml``."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from wattmark.errors import ImpactError
from wattmark.factors import GIVEN, Factor


class Range(BaseModel):
    """A value that is not known exactly."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    value: float
    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.value} is not within [{self.low}, {self.high}]")
        return self


Given = float | Range


class OwnDevice(BaseModel):
    """A device that the tables do not have: what its making took, by its maker's declaration."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    count: int = Field(default=1, ge=1)
    carbon_kg: Given
    adpe_kgsb: Given | None = None
    primary_energy_mj: Given | None = None
    lifetime_years: Given
    source: str = "given by the user"


class Site(BaseModel):
    """Where a model runs, and on what terms. All fields are optional; what is absent is missing.

    ``region`` is a country or a part of one; ``provider`` and ``zone`` name a cloud's zone
    instead. ``grid_carbon`` and ``market_carbon`` are in g/kWh, ``wue_site`` in L/kWh, prices as
    ``0.25 EUR/kWh`` and ``3.20 USD/h``. ``devices`` are names of the table with an optional count
    (``h100:8``), or described.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = ""
    region: str | None = None
    provider: str | None = None
    zone: str | None = None
    pue: Given | None = None
    wue_site: Given | None = None
    wue_source: Given | None = None
    grid_carbon: Given | None = None
    market_carbon: Given | None = None
    price: str | None = None
    instance_price: str | None = None
    devices: tuple[str | OwnDevice, ...] = ()
    lifetime_years: Given | None = None
    share: Given | None = None
    utilisation: Given | None = None

    @classmethod
    def parse(cls, document: object, where: str) -> Self:
        """The site that a document describes. Raises ImpactError that names the field."""
        if not isinstance(document, dict):
            raise ImpactError(f"{where}: a site is a mapping of fields, such as `region: FR`")
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise ImpactError(_said(error, where)) from None

    def with_(self, **given: object) -> Self:
        """The same site with what is given (and not None, nor empty) in place of its own."""
        named = {k: v for k, v in given.items() if v is not None and v != ()}
        return self.model_copy(update=named)


def factor(name: str, unit: str, given: Given, scale: float = 1.0) -> Factor:
    """The factor that a given value is; ``scale`` takes it to ``unit``."""
    if isinstance(given, Range):
        low, value, high = (scale * v for v in (given.low, given.value, given.high))
        return Factor.of(name, value, unit, GIVEN, low=low, high=high)
    return Factor.given(name, scale * given, unit)


def _said(error: ValidationError, where: str) -> str:
    problems = error.errors()
    problem = next((p for p in problems if p["type"] == "value_error"), problems[0])
    # which of two types was tried is in the path too: float, function-after[_ordered(), Range]
    path = [p for p in map(str, problem["loc"]) if not p.endswith(("float", "Range", "Range]"))]
    field = ".".join(path)
    if problem["type"] == "extra_forbidden":
        return f"{where}: unknown key {field!r}; known: {', '.join(Site.model_fields)}"
    return f"{where}: {field}: {problem['msg']}, not {problem['input']!r}"
