"""``/results``: a leaderboard page by page, and each result with its document."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field, StringConstraints
from pydantic.json_schema import SkipJsonSchema

from wattmark.board.api import cursors
from wattmark.board.api.errors import refusals
from wattmark.board.api.figures import RatedResult, ranked, result_of, standing_of
from wattmark.board.api.parameters import (
    EditionAsked,
    GradeAsked,
    ResultId,
    StarsAsked,
    TaskAsked,
    Text,
    edition_asked,
)
from wattmark.board.shelf import catalogue
from wattmark.board.shelf import result_documents as stored
from wattmark.board.shelf.catalogue import Filter, Order
from wattmark.board.web.services import Services
from wattmark.errors import RefusedError
from wattmark.records import Result

_Cursor = Annotated[
    Annotated[
        str,
        StringConstraints(
            min_length=cursors.LENGTH, max_length=cursors.LENGTH, pattern=cursors.PATTERN
        ),
    ]
    | SkipJsonSchema[None],
    Query(description="`next` of the page before, with the same order."),
]


class Results(BaseModel):
    """A page of a leaderboard."""

    edition: str
    results: list[RatedResult]
    next: str | None = Field(description="The cursor of the next page; null on the last one.")


def routes(services: Services) -> APIRouter:
    """The operations ``listResults``, ``getResult`` and ``getResultDocument``."""
    router = APIRouter(tags=["results"])

    @router.get("/results", operation_id="listResults", responses=refusals(404, 422))
    def results(
        edition: EditionAsked = None,
        task: TaskAsked = None,
        model: Annotated[Text, Query(description="A model, by name.")] = None,
        framework: Annotated[Text, Query(description="Such as openvino.")] = None,
        precision: Annotated[Text, Query(description="Such as int8-static.")] = None,
        hardware: Annotated[Text, Query(description="The machine, as results name it.")] = None,
        grade: Annotated[GradeAsked, Query(description="How the energy was obtained.")] = None,
        stars: Annotated[StarsAsked, Query(description="So many stars at least.")] = None,
        order: Annotated[Order, Query(description="The best first; missing last.")] = Order.ENERGY,
        limit: Annotated[int, Query(ge=1, le=500, description="Results a page.")] = 100,
        cursor: _Cursor = None,
    ) -> Results:
        """The results of an edition with their stars, the best first."""
        after = None if cursor is None else cursors.read(order, cursor)
        with services.database.reading() as connection:
            name = edition_asked(connection, edition).name
            asked = Filter(name, task, model, framework, precision, hardware, grade, stars)
            rows, place = catalogue.page_after(connection, asked, order, after, limit)
        following = None if place is None else cursors.written(order, place)
        return Results(edition=name, results=list(map(ranked, rows)), next=following)

    @router.get("/results/{id}", operation_id="getResult", responses=refusals(404, 422))
    def result(id: ResultId) -> RatedResult:
        """A result with its stars in every edition that it stands in."""
        with services.database.reading() as connection:
            row, standings = stored.with_standings(connection, id)
        if row is None:
            raise _missing(id)
        return result_of(row, map(standing_of, standings))

    @router.get(
        "/results/{id}/document",
        operation_id="getResultDocument",
        responses=refusals(404, 422),
        response_model=Result,
    )
    def document(id: ResultId) -> Response:
        """The record of a result, in full, as canonical JSON: its sha256 is that of the result."""
        with services.database.reading() as connection:
            found = stored.document_of(connection, id)
        if found is None:
            raise _missing(id)
        return Response(found, media_type="application/json")

    return router


def _missing(id_: int) -> RefusedError:
    return RefusedError(404, "no_result", f"there is no result {id_}")
