"""``/policy``: what a rule for purchases would let through."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from pydantic.json_schema import SkipJsonSchema

from wattmark.board.api.errors import refusals
from wattmark.board.api.parameters import EditionAsked, StarsAsked, TaskAsked, edition_asked
from wattmark.board.shelf import policy_counts
from wattmark.board.shelf.policy_counts import Outcome
from wattmark.board.web.services import Services
from wattmark.errors import RefusedError

_MostEnergy = Annotated[float, Query(gt=0, le=1e9, allow_inf_nan=False)]


class Share(BaseModel):
    """A share between 0 and 1: what surely passes, and that with what may pass."""

    low: float
    high: float


class TaskOutcome(BaseModel):
    """What becomes of a task's models; the best rated setup of a model decides.

    Shares are of the rated models, null where none is; an unrated model never passes.
    """

    task: str
    models: int
    passing: int = Field(description="Models that surely pass, by the intervals of their energy.")
    uncertain: int = Field(description="Models that may pass or not.")
    failing: int = Field(description="Models that surely fail.")
    unrated: int = Field(description="Models without a rated setup.")
    share_of_models: Share | None
    energy_wh: float = Field(
        description="Of one query to every rated model, in its rated setup of least energy, in Wh."
    )
    share_of_energy: Share | None


class Policy(BaseModel):
    """What was asked, and what becomes of each task."""

    edition: str
    min_stars: int | None
    max_energy_wh: float | None = Field(description="Wh per query")
    tasks: list[TaskOutcome]


def routes(services: Services) -> APIRouter:
    """The operation ``getPolicy``."""
    router = APIRouter(tags=["results"])

    @router.get("/policy", operation_id="getPolicy", responses=refusals(404, 422))
    def outcome(
        edition: EditionAsked = None,
        task: TaskAsked = None,
        min_stars: Annotated[StarsAsked, Query(description="So many stars at least.")] = None,
        max_energy_wh: Annotated[
            _MostEnergy | SkipJsonSchema[None],
            Query(description="The most energy of a query, in Wh."),
        ] = None,
    ) -> Policy:
        """Which models would pass a minimum of stars, a maximum of energy, or both."""
        if min_stars is None and max_energy_wh is None:
            raise RefusedError(422, "nothing_asked", "give min_stars or max_energy_wh, or both")
        with services.database.reading() as connection:
            name = edition_asked(connection, edition).name
            found = policy_counts.outcomes(
                connection, name, task=task, min_stars=min_stars, max_energy_wh=max_energy_wh
            )
        return Policy(
            edition=name,
            min_stars=min_stars,
            max_energy_wh=max_energy_wh,
            tasks=list(map(_outcome, found)),
        )

    return router


def _outcome(found: Outcome) -> TaskOutcome:
    return TaskOutcome(
        task=found.task,
        models=found.models,
        passing=found.passing,
        uncertain=found.uncertain,
        failing=found.failing,
        unrated=found.unrated,
        share_of_models=_share(found.share_of_models),
        energy_wh=found.energy_wh,
        share_of_energy=_share(found.share_of_energy),
    )


def _share(share: tuple[float, float] | None) -> Share | None:
    return None if share is None else Share(low=share[0], high=share[1])
