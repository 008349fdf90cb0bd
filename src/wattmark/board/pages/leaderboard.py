"""The leaderboard of a task: its results in an edition, filtered and sorted by links."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from wattmark import registry
from wattmark.board.pages.leaderboard_rows import rows_html
from wattmark.board.pages.queries import (
    EditionName,
    Text,
    edition_among,
    edition_asked,
    link,
    task_path,
)
from wattmark.board.pages.responses import cached_page
from wattmark.board.pages.views import PER, comparable_energies, energy_of, energy_parts, quality_of
from wattmark.board.shelf import catalogue
from wattmark.board.shelf.catalogue import FACETS, Filter, Order
from wattmark.board.shelf.rules_in_use import rule_text
from wattmark.board.shelf.tables_out import recompute_command
from wattmark.board.web.rendering import render
from wattmark.board.web.services import Services
from wattmark.errors import RefusedError
from wattmark.formatting import quantity_text
from wattmark.rating.pareto import Point, Standing, pareto
from wattmark.reports.impact_table import on_basis
from wattmark.reports.pareto_chart import AMONG

PER_PAGE = 50
#: More points than that cannot be told apart.
MOST_POINTS = 300
#: A facet with more values is a list to choose from, not links.
MOST_LINKS = 8

TaskName = Annotated[str, Path(max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
Stars = Annotated[int | None, Query(ge=1, le=5)]
PageNumber = Annotated[int, Query(ge=1, le=100_000)]


async def _asked(
    framework: Text = None,
    precision: Text = None,
    hardware: Text = None,
    grade: Text = None,
    stars: Stars = None,
) -> dict[str, Any]:
    """What is filtered by: fields of a :class:`Filter`, None where nothing is asked."""
    facets = (framework, precision, hardware, grade)
    given = {name: value or None for name, value in zip(FACETS, facets, strict=True)}
    return {**given, "stars": stars}


Asked = Annotated[dict[str, Any], Depends(_asked)]


def routes(services: Services) -> APIRouter:
    """``/tasks/{task}`` and the points of its plot."""
    router = APIRouter()

    @router.get("/tasks/{task}")
    def leaderboard(
        request: Request,
        task: TaskName,
        asked: Asked,
        edition: EditionName = None,
        order: Order = Order.ENERGY,
        page: PageNumber = 1,
    ) -> Response:
        def page_of(connection: Connection) -> str:
            return _page(services, connection, task, edition, asked, order, page)

        return cached_page(services, request, page_of)

    @router.get("/tasks/{task}/points.json")
    def points(
        request: Request, task: TaskName, asked: Asked, edition: EditionName = None
    ) -> Response:
        def points_of(connection: Connection) -> str:
            found = edition_asked(connection, edition)
            if found is None:
                raise RefusedError(404, "no_edition", "the board has no edition yet")
            filter_ = Filter(found.name, task, **asked)
            rows = catalogue.page(connection, filter_, limit=MOST_POINTS)
            return json.dumps(_points(task, rows), allow_nan=False)

        return cached_page(services, request, points_of, media_type="application/json")

    return router


def _page(
    services: Services,
    connection: Connection,
    task: str,
    edition: str | None,
    asked: dict[str, Any],
    order: Order,
    page: int,
) -> str:
    editions = catalogue.editions(connection)
    found = edition_among(editions, edition)
    combinations = _combinations(services, connection, found.name, task) if found else None
    if found is None or not combinations:
        where = f"in edition {found.name}" if found else "on this board yet"
        raise RefusedError(404, "no_task", f"no result of {task!r} is {where}")
    filter_ = Filter(found.name, task, **asked)
    counts = catalogue.counts(combinations, filter_)
    rows = catalogue.page(connection, filter_, order, limit=PER_PAGE, offset=(page - 1) * PER_PAGE)
    cells, unit = rows_html(rows)
    here = task_path(task)
    query = {"edition": edition, **asked, "order": None if order is Order.ENERGY else order.value}
    return render(
        "leaderboard.html",
        task=task,
        edition=found,
        rows=[(row["gate_passed"] is False, its) for row, its in zip(rows, cells, strict=True)],
        unit=f"{unit} {PER}",
        metric=next((m for row in rows if (m := row["quality_metric"])), "quality"),
        total=counts.total,
        filtered=any(value is not None for value in asked.values()),
        facets=[_facet(name, counts.facets[name], asked[name], here, query) for name in FACETS],
        orders=[
            (
                o.value,
                link(here, **{**query, "order": None if o is Order.ENERGY else o.value}),
                o is order,
            )
            for o in Order
        ],
        stars=[(n, link(here, **{**query, "stars": n}), asked["stars"] == n) for n in (5, 4, 3)],
        editions=[
            (e.name, link(here, **{**query, "edition": e.name}), e.name == found.name)
            for e in editions
        ],
        everything=link(here, edition=edition),
        points=link(f"{here}/points.json", **{**query, "order": None}),
        pages=_pages(counts.total, page, here, query),
        first=(page - 1) * PER_PAGE + 1,
        rule=rule_text(found),
        recompute=recompute_command(
            found.name, task=task, rule=found.rule, address=services.address
        ),
        here=link(here, **query),
    )


def _combinations(
    services: Services, connection: Connection, edition: str, task: str
) -> catalogue.Combinations:
    """They are the same for every filter, order and page of a task, and the dearest query."""
    return services.combinations.get(
        services.database.version(connection),
        (edition, task),
        lambda: catalogue.combinations(connection, edition, task),
    )


def _facet(
    name: str, values: Any, chosen: str | None, here: str, query: dict[str, Any]
) -> dict[str, Any]:
    return {
        "name": name,
        "chosen": chosen,
        "all": link(here, **{**query, name: None}),
        "select": len(values) > MOST_LINKS,
        "values": [
            (value, count, link(here, **{**query, name: value})) for value, count in values.items()
        ],
        "others": {k: v for k, v in query.items() if k != name and v not in (None, "")},
    }


def _pages(total: int, page: int, here: str, query: dict[str, Any]) -> dict[str, Any]:
    last = max(1, -(-total // PER_PAGE))
    return {
        "number": page,
        "last": last,
        "before": link(here, **query, page=page - 1) if page > 1 else None,
        "after": link(here, **query, page=page + 1) if page < last else None,
    }


def _points(task: str, rows: Any) -> dict[str, Any]:
    """Quality against energy, as the plot takes it; results that lack either are left out."""
    usable = [r for r in rows if r["energy_wh"] is not None and r["quality"] is not None]
    energies, among = [energy_of(row) for row in usable], comparable_energies(usable)
    unit = on_basis(energies[0]).unit if energies else "Wh"
    shared = among != energies
    higher = registry.higher_is_better(task)
    qualities = [quality_of(row) for row in usable]
    placed = pareto(
        [
            Point(str(row["id"]), whole.to(unit), quality, own.to(unit), energy_parts(row))
            for row, whole, own, quality in zip(usable, energies, among, qualities, strict=True)
        ],
        higher_is_better=higher,
    )
    return {
        "x_label": f"Energy {PER}, {unit}" + (AMONG if shared else ""),
        "y_label": usable[0]["quality_metric"] if usable else "quality",
        "y_reverse": not higher,
        "points": [
            {
                "id": row["id"],
                "name": f"{row['model']}, {row['setup']}",
                "framework": row["framework"],
                "stars": row["stars"],
                "x": at.point.cost.value,
                "x1": (at.point.among or at.point.cost).low,
                "x2": (at.point.among or at.point.cost).high,
                "y": quality.value,
                "y1": quality.low,
                "y2": quality.high,
                "text": f"{quantity_text(quality)} at {quantity_text(at.point.cost)}",
                "front": at.standing is Standing.FRONT,
            }
            for row, quality, at in zip(usable, qualities, placed, strict=True)
        ],
    }
