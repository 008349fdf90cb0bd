"""Up to four results side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection, RowMapping

from wattmark.board.pages.queries import EditionName, edition_asked, link, model_path
from wattmark.board.pages.responses import cached_page
from wattmark.board.pages.views import PER, energy_of, energy_parts, views
from wattmark.board.shelf import catalogue
from wattmark.board.web.rendering import render
from wattmark.board.web.services import Services
from wattmark.errors import RefusedError
from wattmark.formatting import quantity_text
from wattmark.records.common_parts import ratio

MOST = 4
Ids = Annotated[list[Annotated[int, Query(ge=1, le=2**63 - 1)]], Query(max_length=50)]


def routes(services: Services) -> APIRouter:
    """``/compare?r=1&r=2``."""
    router = APIRouter()

    @router.get("/compare")
    def compare(request: Request, r: Ids = [], edition: EditionName = None) -> Response:  # noqa: B006
        chosen = tuple(dict.fromkeys(r))
        return cached_page(services, request, lambda c: _page(c, chosen, edition))

    return router


def _page(connection: Connection, ids: tuple[int, ...], edition: str | None) -> str:
    found = edition_asked(connection, edition)
    kept = ids[:MOST]
    rows = []
    for id_ in kept:
        row = catalogue.result(connection, id_, found.name if found else None)
        if row is None:
            raise RefusedError(404, "no_result", f"there is no result {id_} in this edition")
        rows.append(row)
    shown, unit = views(rows)
    ratios = ["", *(_ratio(row, rows[0]) for row in rows[1:])][: len(rows)]
    return render(
        "compare.html",
        edition=found,
        columns=[
            {
                "row": view,
                "ratio": ratio,
                "link": model_path(view.model),
                "without": link("/compare", r=[i for i in kept if i != view.id], edition=edition),
            }
            for view, ratio in zip(shown, ratios, strict=True)
        ],
        unit=f"{unit} {PER}",
        left_out=len(ids) - len(kept),
        mixed=_mixed(rows),
    )


def _ratio(row: RowMapping, first: RowMapping) -> str:
    """Energy over the first one's; empty if it is unknown.

    Of one scale by what the two do not share, else by the extremes of both intervals, since nobody
    knows how far two machines, or two models, err alike.
    """
    parts, its = energy_parts(row), energy_parts(first)
    if parts is None or its is None:
        return ""
    energy, other = energy_of(row), energy_of(first)
    shared = parts.name and parts.name == its.name
    return quantity_text(ratio(energy, other, parts, its) if shared else energy / other)


def _mixed(rows: Sequence[RowMapping]) -> list[str]:
    """What differs so that the energies cannot simply be compared."""
    names = {"task": "tasks", "hardware": "hardware", "grade": "grades of energy"}
    return [plural for name, plural in names.items() if len({row[name] for row in rows}) > 1]
