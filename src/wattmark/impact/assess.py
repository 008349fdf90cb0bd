"""Impact of a use at a place, line by line: quantity, formula, and the factors that went in.

Lines are per ``per`` (a query, or the whole of a bare amount of energy). A missing factor makes
its lines missing, with its reason; the others stand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from wattmark.factors import Factor
from wattmark.impact import steps
from wattmark.impact.place import Place, Placed
from wattmark.quantities import Quantity, Reason, sum_of_parts


@dataclass(frozen=True)
class Use:
    """What was used: ``energy_it`` in J/query (or J), ``time`` of the machine in s/query (or s).

    ``tokens`` is in token/query, where the use has tokens. ``name`` says what it is, ``gpus`` the
    product names of the accelerators that were used.
    """

    name: str
    energy_it: Quantity
    time: Quantity
    per: str = ""
    tokens: Quantity | None = None
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """One figure: ``key`` for machines, ``title`` for people, how it was computed, from what.

    ``group`` is what the title stands under: energy, carbon, water, embodied, money.
    """

    key: str
    title: str
    group: str
    quantity: Quantity
    formula: str
    factors: tuple[Factor, ...] = ()


@dataclass(frozen=True)
class Impact:
    """All lines of a use at a place."""

    use: Use
    place: Place
    lines: tuple[Line, ...]

    def line(self, key: str) -> Line:
        """The line of that key. Raises KeyError."""
        for line in self.lines:
            if line.key == key:
                return line
        raise KeyError(key)


def assess(use: Use, place: Place) -> Impact:
    """The lines of a use at a place. Raises ImpactError for a value that cannot be."""
    e_it, p = use.energy_it, place
    facility = steps.facility_energy(e_it, p.pue.quantity)
    location = steps.emissions(facility, p.carbon.quantity)
    on_site = steps.water_on_site(e_it, p.wue_site.quantity)
    off_site = steps.water_off_site(facility, p.water.quantity)
    made = _made(use, place, "carbon", "kg")
    adpe_made = _made(use, place, "adpe", "kgSb")
    primary_made = _made(use, place, "primary_energy", "MJ")
    allocation = "sum of TE x (time / (lifetime x utilisation)) x share"
    lines = [
        Line("energy_it", "Energy of the machines", "energy", e_it, "as measured"),
        Line(
            "energy_facility", "Energy of the facility", "energy", facility, "E_IT x PUE", (p.pue,)
        ),
        Line(
            "carbon_location",
            "CO2e of electricity, location-based",
            "carbon",
            location,
            "E_IT x PUE x carbon of the grid",
            (p.pue, p.carbon),
        ),
        Line(
            "carbon_market",
            "CO2e of electricity, market-based",
            "carbon",
            steps.emissions(facility, p.market_carbon.quantity),
            "E_IT x PUE x carbon of the contract",
            (p.pue, p.market_carbon),
        ),
        Line(
            "carbon_embodied", "CO2e embodied", "carbon", made, allocation, _embodied(p, "carbon")
        ),
        Line(
            "carbon_total",
            "CO2e, location-based with embodied",
            "carbon",
            steps.software_carbon_intensity(location, made),
            "location-based + embodied",
        ),
        Line(
            "water_on_site",
            "Water on site",
            "water",
            on_site,
            "E_IT x WUE_site",
            (p.wue_site,),
        ),
        Line(
            "water_off_site",
            "Water off site",
            "water",
            off_site,
            "E_IT x PUE x WUE_source",
            (p.pue, p.water),
        ),
        Line(
            "water_total",
            "Water",
            "water",
            steps.water(e_it, p.pue.quantity, p.wue_site.quantity, p.water.quantity),
            "E_IT x (WUE_site + PUE x WUE_source)",
            (p.pue, p.wue_site, p.water),
        ),
        Line(
            "adpe_electricity",
            "Minerals of electricity (ADPe)",
            "resources",
            steps.resources(facility, p.adpe.quantity),
            "E_IT x PUE x ADPe of the grid",
            (p.pue, p.adpe),
        ),
        Line(
            "adpe_embodied",
            "Minerals embodied (ADPe)",
            "resources",
            adpe_made,
            allocation,
            _embodied(p, "adpe"),
        ),
        Line(
            "primary_electricity",
            "Primary energy of electricity",
            "resources",
            steps.resources(facility, p.primary_energy.quantity),
            "E_IT x PUE x primary energy of the grid",
            (p.pue, p.primary_energy),
        ),
        Line(
            "primary_embodied",
            "Primary energy embodied",
            "resources",
            primary_made,
            allocation,
            _embodied(p, "primary_energy"),
        ),
        Line(
            "cost_electricity",
            "Cost of electricity",
            "money",
            steps.electricity_cost(facility, p.price.quantity),
            "E_IT x PUE x price",
            (p.pue, p.price),
        ),
        Line(
            "cost_instance",
            "Cost of the rented machine",
            "money",
            steps.instance_cost(use.time, p.instance_price.quantity, p.share.quantity),
            "time x price x share",
            (p.instance_price, p.share),
        ),
    ]
    return Impact(use, place, tuple(_in_units(line, use.per) for line in lines))


def _made(use: Use, place: Place, what: str, unit: str) -> Quantity:
    per = f"{unit}/{use.per}" if use.per else unit
    if not place.devices:
        return Quantity.missing(
            per, Reason.NOT_GIVEN, "name the devices: --device, or devices in a site"
        )
    # all devices worked for one time, which is the unknown that their parts share
    return sum_of_parts(("time", _of_device(use, place, placed, what)) for placed in place.devices)


def _of_device(use: Use, place: Place, placed: Placed, what: str) -> Quantity:
    factor: Factor = getattr(placed.device, what)
    return steps.embodied(
        factor.quantity,
        use.time,
        placed.lifetime.quantity,
        share=place.share.quantity,
        utilisation=place.utilisation.quantity,
        count=placed.count,
    )


def _embodied(place: Place, what: str) -> tuple[Factor, ...]:
    of_devices = [f for p in place.devices for f in (getattr(p.device, what), p.lifetime)]
    return (*of_devices, place.share, place.utilisation) if of_devices else ()


def _in_units(line: Line, per: str) -> Line:
    unit = {
        "energy": "Wh",
        "carbon": "g",
        "water": "mL",
        "money": "",
        "resources": "mgSb" if line.key.startswith("adpe") else "MJ",
    }[line.group]
    if not unit:
        unit = line.quantity.unit.split("/")[0]
    told = f"{unit}/{per}" if per else unit
    return replace(line, quantity=line.quantity.to(told))
