"""A model: its history over editions, every setup, its impact where the reader lives, its label."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from wattmark.board.pages.countries import countries, country_of, impact_in
from wattmark.board.pages.queries import Text, link, model_path, task_path
from wattmark.board.pages.responses import cached_page
from wattmark.board.pages.views import PER, views
from wattmark.board.shelf import catalogue
from wattmark.board.web.rendering import render
from wattmark.board.web.services import Services
from wattmark.editions.label import languages
from wattmark.errors import RefusedError

ModelName = Annotated[str, Path(max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")]
Country = Annotated[str | None, Query(max_length=5, pattern=r"^[A-Za-z]*$")]


def routes(services: Services) -> APIRouter:
    """``/models`` and ``/models/{name}``."""
    router = APIRouter()

    @router.get("/models")
    def find(request: Request, q: Text = None) -> Response:
        return cached_page(services, request, lambda connection: _found(connection, q or ""))

    @router.get("/models/{name:path}")
    def model(request: Request, name: ModelName, country: Country = None) -> Response:
        where = country_of(country, request.headers.get("accept-language", ""))

        def page(connection: Connection) -> str:
            return _page(connection, name, where)

        return cached_page(services, request, page, variant=where)

    return router


def _found(connection: Connection, text: str) -> str:
    editions = catalogue.editions(connection)
    models = catalogue.models(connection, editions[0].name) if editions else []
    asked = text.casefold()
    found = [m for m in models if asked in m["model"].casefold()]
    return render(
        "models.html",
        text=text,
        edition=editions[0] if editions else None,
        models=[{**m, "link": model_path(m["model"])} for m in found[:200]],
        total=len(found),
    )


def _page(connection: Connection, name: str, country: str) -> str:
    rows = catalogue.of_model(connection, name)
    if not rows:
        raise RefusedError(404, "no_model", f"there is no result of a model {name[:100]!r}")
    editions = {e.name: e for e in catalogue.editions(connection)}
    newest = rows[0]["edition"]
    current = [row for row in rows if row["edition"] == newest]
    shown, unit = views(current)
    best = next((r for r in current if r["stars"] is not None), current[0])
    lines, remark = impact_in(best, country)
    frozen = [row for row in rows if editions[row["edition"]].digest is not None]
    return render(
        "model.html",
        model=name,
        edition=editions[newest],
        rows=shown,
        unit=f"{unit} {PER}",
        best=next(row for row in shown if row.id == best["id"]),
        tasks=[(task, task_path(task)) for task in sorted({row["task"] for row in current})],
        history=_history(rows),
        country=country,
        countries=countries(),
        impact=lines,
        remark=remark,
        label=_label(frozen),
        languages=languages(),
        here=model_path(name),
        digest=best["model_digest"],
    )


def _history(rows: Any) -> list[dict[str, Any]]:
    """The best setup of each edition and task, the oldest edition first."""
    found = []
    ordered = sorted(rows, key=lambda r: (r["edition"], r["task"], r["stars"] is None))
    for (edition, task), group in groupby(ordered, key=lambda r: (r["edition"], r["task"])):
        members = list(group)
        rated = [r for r in members if r["stars"] is not None] or members
        best = min(rated, key=lambda r: (r["energy_wh"] is None, r["energy_wh"] or 0.0))
        (view,), unit = views([best])
        found.append(
            {
                "edition": edition,
                "task": task,
                "setups": len(members),
                "view": view,
                "unit": f"{unit} {PER}",
                "link": link(task_path(task), edition=edition),
            }
        )
    return found


def _label(frozen: Any) -> dict[str, str] | None:
    """Addresses of the label in the newest frozen edition; None while there is none."""
    if not frozen:
        return None
    newest = [row for row in frozen if row["edition"] == frozen[0]["edition"]]
    best = next((row for row in newest if row["stars"] is not None), newest[0])
    base = f"/labels/{best['edition']}/{best['id']}"
    return {"edition": best["edition"], "setup": best["setup"], "base": base}
