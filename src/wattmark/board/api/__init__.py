"""The REST API, version 1: everything on the board can be read, and runs are sent to it.

One resource a file. What is read comes from ``shelf``, what is sent goes to ``intake``; no SQL and
no template here, and nothing of ``pages``.
"""

from __future__ import annotations

from fastapi import APIRouter

from wattmark.board.api import (
    audit,
    bundles,
    editions,
    export,
    health,
    models,
    policy,
    results,
    rules,
    schemas,
    tasks,
)
from wattmark.board.web.services import Services


def routers(services: Services) -> list[APIRouter]:
    """The routes of all resources."""
    return [
        tasks.routes(services),
        models.routes(services),
        results.routes(services),
        policy.routes(services),
        editions.routes(services),
        rules.routes(),
        export.routes(services),
        bundles.routes(services),
        schemas.routes(),
        audit.routes(services),
        health.routes(services),
    ]
