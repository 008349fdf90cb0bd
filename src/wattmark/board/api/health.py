"""``/health``: whether the board answers, for those who watch it."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from wattmark.board.api.errors import refusals
from wattmark.board.web.services import Services


class Health(BaseModel):
    """The board answers, and so does its database."""

    status: Literal["ok"]
    version: int = Field(description="Grows with every change that a page shows.")


def routes(services: Services) -> APIRouter:
    """The operation ``getHealth``."""
    router = APIRouter(tags=["board"])

    @router.get("/health", operation_id="getHealth", responses=refusals())
    def health() -> Health:
        """Whether the board and its database answer."""
        with services.database.reading() as connection:
            return Health(status="ok", version=services.database.version(connection))

    return router
