"""Three front doors: for those who build models, who choose and buy, and who make policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from wattmark import registry
from wattmark.board.pages.countries import countries, country_of, impact_in
from wattmark.board.pages.model import Country
from wattmark.board.pages.queries import EditionName, Text, edition_asked, link, task_path
from wattmark.board.pages.responses import cached_page
from wattmark.board.pages.views import PER, views
from wattmark.board.shelf import catalogue, policy_counts
from wattmark.board.shelf.catalogue import FACETS, Filter
from wattmark.board.web.rendering import render
from wattmark.board.web.services import Services

#: Setups of a task that are looked through for a buyer.
MOST_SEARCHED = 2000
SHORTLIST = 10
Number = Annotated[str | None, Query(max_length=20, pattern=r"^[0-9.eE+,-]*$")]


def routes(services: Services) -> APIRouter:
    """``/build``, ``/choose`` and ``/policy``."""
    router = APIRouter()

    @router.get("/build")
    def build(request: Request) -> Response:
        def page(connection: Connection) -> str:
            return render("build.html", address=services.address)

        return cached_page(services, request, page)

    @router.get("/choose")
    def choose(
        request: Request,
        task: Text = None,
        edition: EditionName = None,
        hardware: Text = None,
        min_quality: Number = None,
        max_latency_ms: Number = None,
        country: Country = None,
    ) -> Response:
        where = country_of(country, request.headers.get("accept-language", ""))

        def page(connection: Connection) -> str:
            limits = (_number(min_quality), _number(max_latency_ms))
            return _choose(connection, edition, task or None, hardware or None, limits, where)

        return cached_page(services, request, page, variant=where)

    @router.get("/policy")
    def make_policy(
        request: Request,
        edition: EditionName = None,
        task: Text = None,
        min_stars: Annotated[str | None, Query(max_length=1, pattern=r"^[1-5]?$")] = None,
        max_energy_wh: Number = None,
    ) -> Response:
        def page(connection: Connection) -> str:
            stars = int(min_stars) if min_stars else None
            return _policy(connection, edition, task or None, stars, _number(max_energy_wh))

        return cached_page(services, request, page)

    return router


def _number(text: str | None) -> float | None:
    """A number that a person typed, above zero; None where it is none."""
    try:
        number = float((text or "").replace(",", "."))
    except ValueError:
        return None
    return number if 0 < number < 1e12 else None


def _choose(
    connection: Connection,
    edition: str | None,
    task: str | None,
    hardware: str | None,
    limits: tuple[float | None, float | None],
    country: str,
) -> str:
    found = edition_asked(connection, edition)
    tasks = [t.name for t in catalogue.tasks(connection, found.name)] if found else []
    rows: Sequence[Any] = []
    machines: list[str] = []
    if found is not None and task in tasks:
        combinations = catalogue.combinations(connection, found.name, task)
        machines = combinations.values[FACETS.index("hardware")]
        filter_ = Filter(found.name, task, hardware=hardware)
        searched = catalogue.page(connection, filter_, limit=MOST_SEARCHED)
        rows = [row for row in searched if _fits(row, task, *limits)][:SHORTLIST]
    shown, unit = views(rows)
    carbon = [_carbon(row, country) for row in rows]
    return render(
        "choose.html",
        edition=found,
        tasks=tasks,
        task=task,
        machines=machines,
        hardware=hardware,
        min_quality=limits[0],
        max_latency_ms=limits[1],
        higher=registry.higher_is_better(task) if task in tasks else True,
        country=country,
        countries=countries(),
        rows=list(zip(shown, carbon, strict=True)),
        unit=f"{unit} {PER}",
        board=link(task_path(task), edition=edition, hardware=hardware) if task else "",
    )


def _fits(row: Any, task: str, min_quality: float | None, max_latency_ms: float | None) -> bool:
    """Whether a result surely meets the limits: the worse end of each interval counts.

    One that missed its gate or lacks a figure does not. ``min_quality`` (the most, of a metric of
    which less is better) is in percent where the metric is a share.
    """
    if row["gate_passed"] is False or row["energy_wh"] is None:
        return False
    if min_quality is not None:
        if row["quality"] is None:
            return False
        limit = min_quality / 100 if row["quality_high"] <= 1.0 else min_quality
        if registry.higher_is_better(task):
            if row["quality_low"] < limit:
                return False
        elif row["quality_high"] > limit:
            return False
    high = row["latency_p50_ms_high"]
    return max_latency_ms is None or (high is not None and high <= max_latency_ms)


def _carbon(row: Any, country: str) -> str:
    lines, _ = impact_in(row, country)
    return next((x["figure"] for x in lines if x["title"].startswith("CO2e of electricity")), "—")


def _policy(
    connection: Connection,
    edition: str | None,
    task: str | None,
    min_stars: int | None,
    max_energy_wh: float | None,
) -> str:
    found = edition_asked(connection, edition)
    asked = min_stars is not None or max_energy_wh is not None
    outcomes = []
    if found is not None and asked:
        # people ask per 1 000 queries, results are per query
        per_query = None if max_energy_wh is None else max_energy_wh / 1000
        outcomes = policy_counts.outcomes(
            connection, found.name, task=task, min_stars=min_stars, max_energy_wh=per_query
        )
    return render(
        "policy.html",
        edition=found,
        tasks=[t.name for t in catalogue.tasks(connection, found.name)] if found else [],
        task=task,
        min_stars=min_stars,
        max_energy_wh=max_energy_wh,
        outcomes=outcomes,
        asked=asked,
    )
