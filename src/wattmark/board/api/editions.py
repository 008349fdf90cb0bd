"""``/editions``: dated populations with their stars, as they were frozen."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from wattmark.board.api.errors import refusals
from wattmark.board.api.parameters import EditionNamed, edition_asked
from wattmark.board.shelf import catalogue, tables_out
from wattmark.board.web.services import Services
from wattmark.editions.edition import Edition
from wattmark.editions.thresholds import LIMITS_VERSION
from wattmark.errors import RefusedError

_Limits = Annotated[
    list[float],
    Field(
        min_length=4, max_length=4, description="The most energy for 5, 4, 3 and 2 stars, in Wh."
    ),
]


class EditionSummary(BaseModel):
    """An edition without its results; frozen_on and digest are null while it is open."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    closes: str = Field(description="The last day of its half-year.")
    rule: str
    rule_version: int
    limits: dict[str, _Limits] | None = Field(
        description="Of a rule that needs them, for each population, in Wh a query; else null."
    )
    opened_at: str
    previous: str | None
    frozen_on: str | None
    digest: str | None


class Editions(BaseModel):
    """All editions, the newest first."""

    editions: list[EditionSummary]


class LimitsFile(BaseModel):
    """A file that `wattmark rate --rule RULE --limits` reads; energies in Wh a query."""

    limits_version: int
    most_energy_for_5_4_3_2_stars: dict[str, _Limits]


class Named(BaseModel):
    """Which entry of an edition."""

    task: str
    model: str
    setup: str
    hardware: str


class ChangedStar(BaseModel):
    """A star that changed: null where there is none."""

    task: str
    model: str
    setup: str
    hardware: str
    before: int | None
    after: int | None
    why: str = Field(description="correction, rule or population")
    sentence: str


class Changes(BaseModel):
    """What changed from the edition before."""

    joined: list[Named]
    left: list[Named]
    changed: list[ChangedStar]


def routes(services: Services) -> APIRouter:
    """The operations on editions."""
    router = APIRouter(tags=["editions"])

    @router.get("/editions", operation_id="listEditions", responses=refusals())
    def editions() -> Editions:
        """All editions, the newest first."""
        with services.database.reading() as connection:
            found = catalogue.editions(connection)
        return Editions(editions=list(map(EditionSummary.model_validate, found)))

    @router.get("/editions/{name}", operation_id="getEdition", responses=refusals(404, 422))
    def edition(name: EditionNamed) -> EditionSummary:
        """An edition with its rule, and its digest once it is frozen."""
        with services.database.reading() as connection:
            return EditionSummary.model_validate(edition_asked(connection, name))

    @router.get(
        "/editions/{name}/document",
        operation_id="getEditionDocument",
        responses=refusals(404, 422),
        response_model=Edition,
    )
    def document(name: EditionNamed) -> Response:
        """A frozen edition as canonical JSON (RFC 8785): `wattmark edition verify` reads it.

        Its digest is the sha256 of the canonical JSON of everything but the digest.
        """
        with services.database.reading() as connection:
            edition_asked(connection, name)
            found = catalogue.edition_document(connection, name)
        if found is None:
            raise RefusedError(404, "not_frozen", f"edition {name} is open: it has no document yet")
        return Response(found, media_type="application/json")

    @router.get(
        "/editions/{name}/limits", operation_id="getEditionLimits", responses=refusals(404, 422)
    )
    def limits(name: EditionNamed) -> LimitsFile:
        """The limits of an edition whose rule needs them, for each population."""
        with services.database.reading() as connection:
            found = tables_out.limits_by_population(connection, edition_asked(connection, name))
        if found is None:
            raise RefusedError(404, "no_limits", f"the rule of edition {name} has no fixed limits")
        limits = {population: list(its) for population, its in found.items()}
        return LimitsFile(limits_version=LIMITS_VERSION, most_energy_for_5_4_3_2_stars=limits)

    @router.get(
        "/editions/{name}/changes", operation_id="getEditionChanges", responses=refusals(404, 422)
    )
    def changes(name: EditionNamed) -> Changes:
        """What changed from the edition before to a frozen one, and why each star did."""
        with services.database.reading() as connection:
            edition_asked(connection, name)
            found = catalogue.edition_changes(connection, name)
        if found is None:
            raise RefusedError(
                404, "no_changes", f"edition {name} follows none, or is not frozen yet"
            )
        return Changes.model_validate(found)

    return router
