"""The first page: three doors, and what is on the board."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from wattmark.board.pages.queries import EditionName, edition_asked, link, task_path
from wattmark.board.pages.responses import cached_page
from wattmark.board.pages.views import views
from wattmark.board.shelf import catalogue
from wattmark.board.web.rendering import render
from wattmark.board.web.services import Services


def routes(services: Services) -> APIRouter:
    """``/``."""
    router = APIRouter()

    @router.get("/")
    def home(request: Request, edition: EditionName = None) -> Response:
        return cached_page(services, request, lambda connection: _page(connection, edition))

    return router


def _page(connection: Connection, edition: str | None) -> str:
    found = edition_asked(connection, edition)
    tasks = catalogue.tasks(connection, found.name) if found else []
    best = {}
    for task in tasks:
        assert found is not None
        filter_ = catalogue.Filter(found.name, task.name)
        rated = replace(filter_, stars=1)
        rows = catalogue.page(connection, rated if task.rated else filter_, limit=1)
        shown, unit = views(rows)
        best[task.name] = (shown[0], unit)
    return render(
        "home.html",
        edition=found,
        tasks=[
            {
                "info": task,
                "link": link(task_path(task.name), edition=edition),
                "best": best[task.name][0],
                "unit": best[task.name][1],
            }
            for task in tasks
        ],
    )
