"""The pages: one file each, rendered on the server, whole without a script.

A page asks ``shelf`` and fills a template of ``templates/``; no SQL here, and nothing of ``api``.
"""

from __future__ import annotations

from fastapi import APIRouter

from wattmark.board.pages import (
    compare,
    doors,
    editions,
    home,
    labels,
    leaderboard,
    maintain,
    method,
    model,
    result,
)
from wattmark.board.web.services import Services

_PAGES = (home, leaderboard, model, result, compare, editions, labels, method, doors, maintain)


def routers(services: Services) -> list[APIRouter]:
    """The routes of all pages."""
    return [page.routes(services) for page in _PAGES]
