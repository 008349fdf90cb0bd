"""The facts of an exported result: the same figures, in the same words, in every format.

A fact says its phase (inference or training), its boundary (IT is the machines alone, facility the
building with its PUE), its place and what it is the sum of. Formats have fields for some of them
and carry all of them where they have room for text: nobody takes one boundary for the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from wattmark.formatting import quantity_text
from wattmark.quantities import Quantity

Phase = Literal["inference", "training"]
Boundary = Literal["IT", "facility"]

NO_PLACE = "no place"
#: What a line of impact covers, where it is not the facility.
_OTHER_BOUNDARIES = {
    "energy_it": "IT",
    "carbon_embodied": "devices",
    "carbon_total": "facility and devices",
    "adpe_embodied": "devices",
    "primary_embodied": "devices",
    "cost_instance": "rented machine",
}


@dataclass(frozen=True)
class Fact:
    """One known figure: ``key`` for machines, ``title`` for people; in kWh or kg CO2e.

    ``pue`` is what took it from the machines to the facility; None where it is of the machines.
    """

    key: str
    title: str
    phase: Phase
    boundary: Boundary
    place: str
    scope: str
    quantity: Quantity
    pue: Quantity | None = None

    def sentence(self) -> str:
        """All of it in one line, with the figure and its range in brackets."""
        low, value, high = self.quantity.bounds()
        pue = "" if self.pue is None else f" (PUE {quantity_text(self.pue)})"
        return (
            f"{self.title}: {value:.6g} {self.quantity.unit} [{low:.6g}, {high:.6g}]; "
            f"phase: {self.phase}; boundary: {self.boundary}{pue}; place: {self.place}; "
            f"of {self.scope}"
        )

    def document(self) -> dict[str, Any]:
        """All of it for machines."""
        low, value, high = self.quantity.bounds()
        return {
            "key": self.key,
            "phase": self.phase,
            "boundary": self.boundary,
            "pue": None if self.pue is None else self.pue.bounds()[1],
            "place": self.place,
            "scope": self.scope,
            "value": value,
            "low": low,
            "high": high,
            "unit": self.quantity.unit,
            "grade": None if self.quantity.grade is None else str(self.quantity.grade),
        }


def line_boundary(key: str) -> str:
    """What a line of impact covers: IT, facility, or what was made."""
    return _OTHER_BOUNDARIES.get(key, "facility")
