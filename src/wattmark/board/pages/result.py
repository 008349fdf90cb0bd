"""A single result: its star, how sure it is, what would change it, and where it came from."""

from __future__ import annotations

from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from wattmark.board.intake import submissions
from wattmark.board.pages.queries import EditionName, ResultId, model_path, task_path
from wattmark.board.pages.responses import cached_page
from wattmark.board.pages.views import PER, comparable_energies, views
from wattmark.board.shelf import catalogue
from wattmark.board.shelf.rules_in_use import rule_of
from wattmark.board.web.rendering import render
from wattmark.board.web.services import Services
from wattmark.errors import RefusedError
from wattmark.rating.what_would_change import what_would_change
from wattmark.reports.cells import Cell, bounds_cell


def routes(services: Services) -> APIRouter:
    """``/results/{id}``."""
    router = APIRouter()

    @router.get("/results/{result_id}")
    def result(request: Request, result_id: ResultId, edition: EditionName = None) -> Response:
        def page(connection: Connection) -> str:
            return _page(connection, result_id, edition)

        return cached_page(services, request, page)

    return router


def _page(connection: Connection, result_id: int, edition: str | None) -> str:
    row = catalogue.result(connection, result_id, edition)
    if row is None:
        where = f" in edition {edition}" if edition else ""
        raise RefusedError(404, "no_result", f"there is no result {result_id}{where}")
    (view,), unit = views([row])
    info = next(e for e in catalogue.editions(connection) if e.name == row["edition"])
    return render(
        "result.html",
        row=view,
        unit=f"{unit} {PER}",
        comparable=_comparable(row, unit),
        edition=info,
        sha256=row["sha256"],
        bundle=submissions.find(connection, row["bundle"]),
        changes=_changes(connection, row, info),
        population=row["population"],
        model_link=model_path(row["model"]),
        task_link=task_path(row["task"]),
    )


def _comparable(row: Any, unit: str) -> Cell | None:
    """Its energy with the interval that counts among results of its scale; None without one."""
    if not row["energy_wh_scale"]:
        return None
    low, value, high = comparable_energies([row])[0].to(unit).bounds()
    return bounds_cell(value, low, high)


def _changes(connection: Connection, row: Any, edition: catalogue.EditionInfo) -> list[str]:
    """What would change its star, in words, in energy of 1 000 queries; empty if it has none."""
    if row["stars"] is None:
        return []
    members = [
        r
        for r in catalogue.population(connection, row["edition"], row["population"])
        if r["stars"] is not None
    ]
    energies = 1000 * np.array([r["energy_wh"] for r in members])
    at = next(i for i, r in enumerate(members) if r["id"] == row["id"])
    rule = rule_of(edition, row["population"], 1000.0)
    return list(what_would_change(energies, at, rule))
