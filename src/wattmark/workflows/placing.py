"""Putting results in places: a run and a site in, impact out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from wattmark.errors import ImpactError, SignalError, UnknownNameError
from wattmark.factors import Factor, Source
from wattmark.factors.boavizta import PREFIX, boavizta_device
from wattmark.factors.clouds import cloud, cloud_grid, providers
from wattmark.factors.devices import Device, accelerator_called, device
from wattmark.factors.grid import Grid, grid
from wattmark.factors.live_signals import carbon_now
from wattmark.factors.zones import find_zone
from wattmark.impact import Place, Placed, Use
from wattmark.impact.amounts import parse_count, parse_price
from wattmark.impact.site import Given, OwnDevice, Site, factor
from wattmark.impact.steps import a_share, above_zero, at_least_one
from wattmark.impact.training_file import Training
from wattmark.outside.documents import read_document
from wattmark.quantities import Quantity, Reason
from wattmark.records import Result, Run
from wattmark.records.domains import is_gpu_device
from wattmark.records.reading import energy_per_query, ok

#: No building is known: a machine on a desk (1.0), or one in an average data centre (1.56).
_NO_BUILDING = Factor.of(
    "PUE, building not given",
    1.0,
    "1",
    Source(
        title="Uptime Institute, Global Data Center Survey 2024 (average)",
        url="https://uptimeinstitute.com",
        year=2024,
    ),
    low=1.0,
    high=1.56,
    note="1.0 is a machine without a building around it; an average data centre has 1.56",
)


def read_site(path: Path) -> Site:
    """The site in a file. Raises InputError that names the file, and the line or the field."""
    return Site.parse(read_document(path).data, str(path))


def read_training(path: Path) -> Training:
    """The training in a file. Raises InputError that names the file, and the line or the field."""
    return Training.parse(read_document(path).data, str(path))


def place(site: Site, *, gpus: Iterable[str] = (), now: bool = False) -> tuple[Place, list[str]]:
    """The factors of a site, and what is to be said about them.

    ``gpus`` are the accelerators that were used, for a site that names no devices. ``now`` asks
    for a live signal of the grid; where there is none, the yearly average stands in, and a remark
    says so. Raises ImpactError, UnknownNameError with the nearest names, MissingPackageError.
    """
    remarks: list[str] = []
    found = _grid(site)
    if now and found is not None:
        try:
            found = replace(found, carbon=carbon_now(found.zone))
        except SignalError as error:
            remarks.append(f"Yearly average of the grid, not now: {error}.")
    if found is not None and (whole := found.of_whole_country):
        remarks.append(
            f"{found.zone.name}: no table has its {', '.join(whole)}; "
            "the figure is of the whole country, with a range that holds any part of it."
        )
    made = Place(
        name=site.name or (found.zone.name if found else "no place"),
        pue=_NO_BUILDING,
        carbon=found.carbon if found else _unplaced("carbon of the grid", "kg/kWh"),
        water=found.water if found else _unplaced("water of the grid", "L/kWh"),
        adpe=found.adpe if found else _unplaced("resources of the grid", "kgSb/kWh"),
        primary_energy=found.primary_energy if found else _unplaced("primary energy", "MJ/kWh"),
        devices=_devices(site, gpus),
    )
    if site.provider is not None:
        its = cloud(site.provider)
        made = replace(made, pue=its.pue, wue_site=its.wue_site)
    return _with_given(made, site), remarks


def _unplaced(name: str, unit: str) -> Factor:
    return Factor.missing(name, unit, Reason.NOT_GIVEN, "give --region, or --provider and --zone")


def _grid(site: Site) -> Grid | None:
    if site.zone is not None and site.provider is None:
        raise ImpactError(f"zone: {site.zone!r} needs a provider: one of {', '.join(providers())}")
    if site.region is not None and site.zone is not None:
        raise ImpactError("region, zone: give a region or a provider's zone, not both")
    if site.provider is not None and site.zone is not None:
        return cloud_grid(site.provider, site.zone)
    return grid(find_zone(site.region)) if site.region is not None else None


def _with_given(made: Place, site: Site) -> Place:
    """The place with what the user gave in place of what was looked up."""
    given: dict[str, Factor] = {}

    def take(field: str, value: Given | None, name: str, unit: str, scale: float = 1.0) -> None:
        if value is not None:
            given[field] = factor(name, unit, value, scale)
            if (low := given[field].quantity.bounds()[0]) < 0:
                raise ImpactError(f"{field}: {low / scale:g} is below zero")

    take("pue", site.pue, "PUE", "1")
    take("wue_site", site.wue_site, "WUE on site", "L/kWh")
    take("water", site.wue_source, "water of the grid", "L/kWh")
    take("carbon", site.grid_carbon, "carbon of the grid", "kg/kWh", 1e-3)
    take("market_carbon", site.market_carbon, "carbon of the contract", "kg/kWh", 1e-3)
    take("share", site.share, "share of the machine reserved", "1")
    take("utilisation", site.utilisation, "utilisation over the lifetime", "1")
    for field, text, per in (
        ("price", site.price, "kWh"),
        ("instance_price", site.instance_price, "h"),
    ):
        if text is not None:
            price = parse_price(text, per, field)
            given[field] = Factor.given(field.replace("_", " "), price.bounds()[1], price.unit)
    made = replace(made, **given)  # type: ignore[arg-type]
    at_least_one("pue", made.pue.quantity)
    a_share("share", made.share.quantity)
    a_share("utilisation", made.utilisation.quantity)
    above_zero("utilisation", made.utilisation.quantity)
    return made


def _devices(site: Site, gpus: Iterable[str]) -> tuple[Placed, ...]:
    if site.devices:
        found = [_device(entry) for entry in site.devices]
    else:
        called = [accelerator_called(product) for product in gpus]
        found = [(device(name), called.count(name)) for name in sorted(set(called))]
    years = site.lifetime_years
    placed = tuple(
        Placed(d, n, d.lifetime if years is None else factor("lifetime", "year", years))
        for d, n in found
    )
    for p in placed:
        above_zero("lifetime_years", p.lifetime.quantity)
    return placed


def _device(entry: str | OwnDevice) -> tuple[Device, int]:
    if isinstance(entry, str):
        name, count = parse_count(entry)
        if name.startswith(PREFIX):
            return boavizta_device(name.removeprefix(PREFIX)), count
        return device(name), count

    def made(what: str, unit: str, value: Given | None) -> Factor:
        title = f"{what} of {entry.name}"
        if value is None:
            return Factor.missing(title, unit, Reason.NOT_GIVEN, entry.name)
        return factor(title, unit, value).model_copy(
            update={"sources": (Source(title=entry.source),)}
        )

    return (
        Device(
            name=entry.name,
            kind="server",
            carbon=made("embodied carbon", "kg", entry.carbon_kg),
            adpe=made("embodied resources (ADPe)", "kgSb", entry.adpe_kgsb),
            primary_energy=made("embodied primary energy", "MJ", entry.primary_energy_mj),
            lifetime=made("lifetime", "year", entry.lifetime_years),
        ),
        entry.count,
    )


def uses(run: Run) -> dict[str, Use]:
    """What a query of each setup of a run used, by the setup's name; failed ones are left out."""
    return {r.id: replace(use_of(r), gpus=gpus_of(run, r)) for r in run.results if ok(r)}


def used_by(run: Run, setup: str | None) -> list[Use]:
    """What the setup of that name used; of the baseline where none is named, or of ``all``.

    Raises ImpactError for a run without results, UnknownNameError for a setup that it has not.
    """
    found = uses(run)
    if not found:
        raise ImpactError(f"run {run.id} has no setup that gave a result")
    if setup == "all":
        return list(found.values())
    if setup is None:
        baseline = run.plan.baseline_label
        return [found[baseline] if baseline in found else next(iter(found.values()))]
    if setup not in found:
        raise UnknownNameError("setup", setup, found)
    return [found[setup]]


def gpus_of(run: Run, result: Result) -> tuple[str, ...]:
    """Product names of the GPUs that a result is charged with; where its energy does not name
    them, all of the machine for a setup on a GPU and none for another."""
    there = run.environment.gpus
    charged = {e.domain for e in result.energy if e.domain.startswith("gpu:")}
    if charged:
        return tuple(name for n, name in enumerate(there) if f"gpu:{n}" in charged)
    on_gpu = is_gpu_device(result.trial.setup.device)
    return there if on_gpu or run.plan.whole_node else ()


def use_of(result: Result) -> Use:
    """What a query of a result used: its energy, the machine's time, its tokens."""
    energy = energy_per_query(result)
    if energy is None:
        energy = Quantity.missing("J/query", Reason.NO_METER)
    return Use(result.id, _drawn(energy), _time(result), "query", _tokens(result))


def _drawn(energy: Quantity) -> Quantity:
    """Energy of which there is an impact: what noise took below zero was not given back."""
    if energy.value is None or energy.low is None or energy.low >= 0:
        return energy
    if energy.value < 0:
        detail = f"its energy is {energy.value:.3g} {energy.unit}, below zero by noise"
        return Quantity.missing(energy.unit, Reason.WINDOW_TOO_SHORT, detail)
    return energy.model_copy(update={"low": 0.0})


def _time(result: Result) -> Quantity:
    """Time of the machine per query: the reciprocal of throughput (batches share their time)."""
    rate = result.throughput
    if rate is not None and rate.known and rate.bounds()[0] > 0:
        return Quantity.exact(1.0, "1") / rate
    if result.latency is not None and result.latency.mean.known:
        return result.latency.mean.to("s") / Quantity.exact(1.0, "query")
    return Quantity.missing("s/query", Reason.NOT_MEASURED)


def _tokens(result: Result) -> Quantity | None:
    for phase in result.phases:
        if phase.phase == "decode" and phase.unit == "token":
            return phase.units_per_query
    return None


def bare(energy: Quantity) -> Use:
    """The use that a bare amount of energy is; nobody says how long the machine took for it."""
    return Use(
        "energy given",
        energy,
        Quantity.missing("s", Reason.NOT_GIVEN, "a bare amount of energy has no time"),
    )
