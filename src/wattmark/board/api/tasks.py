"""``/tasks``: what is measured in an edition."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from wattmark.board.api.errors import refusals
from wattmark.board.api.parameters import EditionAsked, edition_asked
from wattmark.board.shelf import catalogue
from wattmark.board.shelf.catalogue import TaskInfo
from wattmark.board.web.services import Services


class Tasks(BaseModel):
    """The tasks of an edition, by name."""

    edition: str
    tasks: list[TaskInfo]


def routes(services: Services) -> APIRouter:
    """The operation ``listTasks``."""
    router = APIRouter(tags=["results"])

    @router.get("/tasks", operation_id="listTasks", responses=refusals(404, 422))
    def tasks(edition: EditionAsked = None) -> Tasks:
        """The tasks of an edition: how many results and models each has, how many are rated."""
        with services.database.reading() as connection:
            found = edition_asked(connection, edition)
            return Tasks(edition=found.name, tasks=catalogue.tasks(connection, found.name))

    return router
