"""``/schemas``: what a bundle has to look like."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import APIRouter

from wattmark.board.api.errors import refusals
from wattmark.records import Run


def routes() -> APIRouter:
    """The operation ``getRunSchema``."""
    router = APIRouter(tags=["submissions"])

    @router.get("/schemas/run.json", operation_id="getRunSchema", responses=refusals())
    def run_schema() -> dict[str, Any]:
        """The JSON Schema of the document of a run, which POST /bundles takes."""
        return _run_schema()

    return router


@cache
def _run_schema() -> dict[str, Any]:
    return Run.model_json_schema()
