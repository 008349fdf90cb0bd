"""How it is measured and rated, told by the code that does it."""

from __future__ import annotations

from inspect import getdoc

from fastapi import APIRouter, Request
from fastapi.responses import Response

from wattmark import registry
from wattmark.board.intake import plausibility
from wattmark.board.pages.responses import cached_page
from wattmark.board.web.rendering import render
from wattmark.board.web.services import Services
from wattmark.editions.edition import Edition
from wattmark.errors import AssetError
from wattmark.quantities import Reason
from wattmark.rating import boundary_distance_pct, installed_rules
from wattmark.rating.unrated import Unrated
from wattmark.reports.method import grade_texts


def routes(services: Services) -> APIRouter:
    """``/method``."""
    router = APIRouter()

    @router.get("/method")
    def method(request: Request) -> Response:
        return cached_page(services, request, lambda connection: _page())

    return router


def _page() -> str:
    return render(
        "method.html",
        grades=grade_texts(),
        rules=[(rule.name, rule.version, rule.text) for rule in installed_rules()],
        fewest=" or ".join(
            f"{rule.min_population} by {rule.name}"
            for rule in installed_rules()
            if rule.min_population > 1
        ),
        resamples=Edition.model_fields["resamples"].default,
        distance=_first_sentence(boundary_distance_pct),
        unrated=[(r.value, r.sentence) for r in Unrated],
        reasons=[(r.value, r.sentence) for r in Reason],
        tasks=[(name, _introduction(name)) for name in registry.names("task")],
        plausible={
            "power_w": (plausibility.LEAST_W, plausibility.MOST_W),
            "flop_per_j": plausibility.MOST_FLOP_PER_J,
            "few_queries": plausibility.FEW_QUERIES,
        },
    )


def _introduction(task: str) -> str:
    """The first paragraph of a task's card."""
    try:
        card = registry.card("task", task)
    except AssetError:
        return ""
    paragraphs = [p.strip() for p in card.split("\n\n")]
    text = next((p for p in paragraphs if p and not p.startswith(("#", "|", "---"))), "")
    return " ".join(text.replace("`", "").replace("**", "").split())


def _first_sentence(function: object) -> str:
    return " ".join((getdoc(function) or "").split(". ")[0].split()).rstrip(".") + "."
