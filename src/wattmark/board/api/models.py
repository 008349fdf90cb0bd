"""``/models``: the models of an edition, and one model over all of them."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from wattmark.board.api.errors import refusals
from wattmark.board.api.figures import RatedResult, ranked, result_of, standing_of
from wattmark.board.api.parameters import EditionAsked, TaskAsked, edition_asked
from wattmark.board.shelf import catalogue, result_documents
from wattmark.board.web.services import Services
from wattmark.errors import RefusedError

_After = Annotated[
    str,
    Query(max_length=300, pattern=r"^[^\x00]*$", description="`next` of the page before."),
]
_Name = Annotated[
    str,
    Path(
        min_length=1,
        max_length=300,
        pattern=r"^[^\x00]+$",
        description="A model, by name; slashes in it may be written as they are.",
    ),
]


class ModelOfTask(BaseModel):
    """A model on a task: how many setups it has, and the rated one of least energy per query.

    Where no setup is rated, ``best`` is the one of least energy.
    """

    model: str
    task: str
    setups: int
    best: RatedResult


class Models(BaseModel):
    """A page of the models of an edition, by name."""

    edition: str
    models: list[ModelOfTask]
    next: str | None


class Model(BaseModel):
    """A model with all results that stand in an edition, the newest edition first."""

    model: str
    results: list[RatedResult]


def routes(services: Services) -> APIRouter:
    """The operations ``listModels`` and ``getModel``."""
    router = APIRouter(tags=["results"])

    @router.get("/models", operation_id="listModels", responses=refusals(404, 422))
    def models(
        edition: EditionAsked = None,
        task: TaskAsked = None,
        after: _After = "",
        limit: Annotated[int, Query(ge=1, le=500, description="Models a page.")] = 100,
    ) -> Models:
        """The models of an edition with their best setups, by name."""
        with services.database.reading() as connection:
            found = edition_asked(connection, edition)
            rows, following = result_documents.best_setups(
                connection, found.name, task=task, after=after, limit=limit
            )
        listed = [
            ModelOfTask(model=r["model"], task=r["task"], setups=r["setups"], best=ranked(r))
            for r in rows
        ]
        return Models(edition=found.name, models=listed, next=following)

    @router.get("/models/{name:path}", operation_id="getModel", responses=refusals(404, 422))
    def model(name: _Name) -> Model:
        """Every result of a model that stands in an edition, with its stars in all of them."""
        with services.database.reading() as connection:
            rows = catalogue.of_model(connection, name)
        if not rows:
            raise RefusedError(404, "no_model", f"no model {name[:100]!r} is in any edition")
        first = {row["id"]: at for at, row in reversed(list(enumerate(rows)))}
        together = sorted(rows, key=lambda row: first[row["id"]])
        grouped = [list(its) for _, its in groupby(together, key=lambda row: row["id"])]
        return Model(
            model=name, results=[result_of(its[0], map(standing_of, its)) for its in grouped]
        )

    return router
