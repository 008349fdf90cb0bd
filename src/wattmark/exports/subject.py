"""What an export is about: a result of a run, its impact in a place, and its training, if known."""

from __future__ import annotations

from dataclasses import dataclass, field

from wattmark.impact import Impact
from wattmark.impact.site import Site
from wattmark.impact.training_file import Training
from wattmark.quantities import Quantity, Reason
from wattmark.records import Result, Run


@dataclass(frozen=True)
class Subject:
    """A result with all that is known around it."""

    run: Run
    result: Result
    impact: Impact
    site: Site
    training: Training | None = None

    @property
    def queries(self) -> int:
        """How many queries were measured."""
        return self.result.queries

    @property
    def energy_it(self) -> Quantity:
        """Energy of the machines for a query, Wh/query; or why it is missing."""
        return self.impact.line("energy_it").quantity

    def measured_kwh(self) -> Quantity:
        """Energy of the machines for all measured queries."""
        return (self.energy_it * Quantity.exact(float(self.queries), "query")).to("kWh")

    def training_kwh(self) -> Quantity:
        """Energy of the facility for training, or why it is missing."""
        if self.training is None:
            return Quantity.missing("kWh", Reason.NOT_GIVEN, "give --training")
        return self.training.energy_facility()

    def training_kg(self) -> Quantity:
        """CO2e of training with the grid of the place."""
        return (self.training_kwh() * self.impact.place.carbon.quantity).to("kg")


@dataclass
class Omissions:
    """Fields of a format that are not known, each with why; an export lists them."""

    listed: list[str] = field(default_factory=list)

    def add(self, name: str, why: str) -> None:
        """Note that a field is left open."""
        self.listed.append(f"{name}: {why}")

    def value(self, name: str, quantity: Quantity, unit: str | None = None) -> float | None:
        """The quantity's value in ``unit``; None, and noted, where it is missing."""
        if not quantity.known:
            assert quantity.reason is not None
            self.add(name, quantity.detail or quantity.reason.sentence)
            return None
        return (quantity.to(unit) if unit else quantity).bounds()[1]
