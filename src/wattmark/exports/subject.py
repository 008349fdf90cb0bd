"""What an export is about: a result of a run, its impact in a place, and its training, if known.

All formats take their figures from here. Whole figures are of all measured queries; where a format
has one field for an energy, it is that of the facility, unless it asks for what was metered.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from wattmark.exports.facts import NO_PLACE, Boundary, Fact
from wattmark.factors import Factor
from wattmark.factors.clouds import cloud_grid
from wattmark.factors.grid import grid
from wattmark.factors.zones import find_zone
from wattmark.impact import Impact
from wattmark.impact.site import Site, factor
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

    @property
    def place(self) -> str | None:
        """Country, part of one or cloud's zone of inference; None where the site names none."""
        if self.site.provider is not None and self.site.zone is not None:
            return cloud_grid(self.site.provider, self.site.zone).zone.name
        return None if self.site.region is None else find_zone(self.site.region).name

    @property
    def training_place(self) -> str | None:
        """Country or part of one where training ran; None where nobody says."""
        region = None if self.training is None else self.training.region
        return None if region is None else find_zone(region).name

    def measured_kwh(self) -> Quantity:
        """Energy of the machines for all measured queries."""
        return self._of_all("energy_it", "kWh")

    def facility_kwh(self) -> Quantity:
        """Energy of the facility for all measured queries."""
        return self._of_all("energy_facility", "kWh")

    def inference_kg(self) -> Quantity:
        """CO2e of the electricity of all measured queries, location-based, of the facility."""
        return self._of_all("carbon_location", "kg")

    def training_kwh(self) -> Quantity:
        """Energy of the facility for training, or why it is missing."""
        if self.training is None:
            return Quantity.missing("kWh", Reason.NOT_GIVEN, "give --training")
        return self.training.energy_facility()

    def training_kg(self) -> Quantity:
        """CO2e of training with the grid of where it ran, which need not be that of inference."""
        return (self.training_kwh() * self._training_carbon().quantity).to("kg")

    def facts(self) -> tuple[Fact, ...]:
        """What is known of it, each with its phase, boundary and place."""
        energy, carbon = "energy", "CO2e of electricity, location-based"
        found = [
            self._of_inference("it", energy, "IT", self.measured_kwh()),
            self._of_inference("facility", energy, "facility", self.facility_kwh()),
            self._of_inference("carbon", carbon, "facility", self.inference_kg()),
            self._of_training("energy", energy, self.training_kwh()),
            self._of_training("carbon", carbon, self.training_kg()),
        ]
        return tuple(fact for fact in found if fact.quantity.known)

    def _of_inference(self, key: str, title: str, boundary: Boundary, figure: Quantity) -> Fact:
        place, scope = self.place or NO_PLACE, f"{self.queries} measured queries"
        pue = self.impact.place.pue.quantity if boundary == "facility" else None
        return Fact(f"inference_{key}", title, "inference", boundary, place, scope, figure, pue)

    def _of_training(self, key: str, title: str, figure: Quantity) -> Fact:
        """Training whose file has no PUE is that of its machines."""
        place, scope, pue = self.training_place or NO_PLACE, "the whole training", None
        if self.training is not None and "pue" in self.training.model_fields_set:
            pue = factor("PUE", "1", self.training.pue).quantity
        boundary: Boundary = "IT" if pue is None else "facility"
        return Fact(f"training_{key}", title, "training", boundary, place, scope, figure, pue)

    def _of_all(self, key: str, unit: str) -> Quantity:
        per_query = self.impact.line(key).quantity
        return (per_query * Quantity.exact(float(self.queries), "query")).to(unit)

    def _training_carbon(self) -> Factor:
        training, name = self.training, "carbon of the grid of training"
        if training is not None and training.grid_carbon is not None:
            return factor(name, "kg/kWh", training.grid_carbon, 1e-3)
        if training is not None and training.region is not None:
            return grid(find_zone(training.region)).carbon
        how = "say in the training file where it ran: region, or grid_carbon"
        return Factor.missing(name, "kg/kWh", Reason.NOT_GIVEN, how)


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
