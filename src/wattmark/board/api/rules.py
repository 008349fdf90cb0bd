"""``/rules``: how stars are given, in words made from the code."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from wattmark.board.api.errors import refusals
from wattmark.rating import installed_rules


class RuleText(BaseModel):
    """A rating rule; another result of it is another version."""

    name: str
    version: int
    text: str


class Rules(BaseModel):
    """All rules by which editions are rated."""

    rules: list[RuleText]


def routes() -> APIRouter:
    """The operation ``listRules``."""
    router = APIRouter(tags=["editions"])

    @router.get("/rules", operation_id="listRules", responses=refusals())
    def rules() -> Rules:
        """The rating rules."""
        return Rules(
            rules=[RuleText(name=r.name, version=r.version, text=r.text) for r in installed_rules()]
        )

    return router
