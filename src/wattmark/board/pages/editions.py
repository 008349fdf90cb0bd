"""Editions: the list, and each with its rule, what changed, its hashes and how to verify it."""

from __future__ import annotations

import json

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from wattmark.board.pages.queries import EditionInPath, link, task_path
from wattmark.board.pages.responses import cached_page
from wattmark.board.shelf import catalogue
from wattmark.board.shelf.rules_in_use import limits_texts, rule_text
from wattmark.board.shelf.tables_out import recompute_command
from wattmark.board.web.rendering import render
from wattmark.board.web.services import Services
from wattmark.errors import RefusedError

#: Changes that a page shows; all of them are in the JSON beside it.
MOST_CHANGES = 200


def routes(services: Services) -> APIRouter:
    """``/editions``, ``/editions/{name}``, and its document and changes as JSON."""
    router = APIRouter()

    @router.get("/editions")
    def editions(request: Request) -> Response:
        def page(connection: Connection) -> str:
            return render("editions.html", editions=catalogue.editions(connection))

        return cached_page(services, request, page)

    @router.get("/editions/{name}.json")
    def document(name: EditionInPath) -> Response:
        with services.database.reading() as connection:
            found = catalogue.edition_document(connection, name)
        if found is None:
            raise RefusedError(404, "not_frozen", f"edition {name} is not here, or not frozen yet")
        headers = {"Content-Disposition": f'attachment; filename="{name}.json"'}
        return Response(found, media_type="application/json", headers=headers)

    @router.get("/editions/{name}/changes.json")
    def changes(name: EditionInPath) -> Response:
        with services.database.reading() as connection:
            found = catalogue.edition_changes(connection, name)
        if found is None:
            raise RefusedError(404, "no_changes", f"edition {name} follows none, or is not frozen")
        return Response(json.dumps(found, ensure_ascii=False), media_type="application/json")

    @router.get("/editions/{name}")
    def edition(request: Request, name: EditionInPath) -> Response:
        return cached_page(services, request, lambda c: _page(services, c, name))

    return router


def _page(services: Services, connection: Connection, name: str) -> str:
    known = catalogue.editions(connection)
    found = next((e for e in known if e.name == name), None)
    if found is None:
        raise RefusedError(404, "no_edition", f"there is no edition {name}")
    previous = next((e for e in known if e.name == found.previous), None)
    changes = catalogue.edition_changes(connection, name)
    return render(
        "edition.html",
        edition=found,
        previous=previous,
        following=next((e for e in known if e.previous == name), None),
        rule_text=rule_text(found),
        limits=limits_texts(found),
        address=services.address,
        tasks=[
            (task, link(task_path(task.name), edition=name))
            for task in catalogue.tasks(connection, name)
        ],
        changes=changes,
        most=MOST_CHANGES,
        recompute=recompute_command(name, rule=found.rule, address=services.address),
    )
