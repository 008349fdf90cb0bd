"""Labels and badges of results in frozen editions, as SVG and PNG."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response

from wattmark.board.pages.queries import EditionInPath, ResultId
from wattmark.board.shelf import catalogue
from wattmark.board.shelf.standings import entry_of_row
from wattmark.board.web.services import Services
from wattmark.editions.edition import Star
from wattmark.editions.edition_files import label_for
from wattmark.editions.label import Label, languages, png_of, render_badge, render_label
from wattmark.errors import RefusedError

Language = Annotated[str, Query(max_length=8, pattern=r"^[a-z-]+$")]
_FOR_A_DAY = {"Cache-Control": "public, max-age=86400"}


def routes(services: Services) -> APIRouter:
    """``/labels/{edition}/{result}.svg``, ``.png`` and ``/badge.svg``."""
    router = APIRouter()

    @router.get("/labels/{edition}/{result_id}/badge.svg")
    def badge(edition: EditionInPath, result_id: ResultId, lang: Language = "en") -> Response:
        svg = render_badge(_label(services, edition, result_id), _known(lang))
        return Response(svg, media_type="image/svg+xml", headers=_FOR_A_DAY)

    @router.get("/labels/{edition}/{result_id}/label.{kind}")
    def label(
        edition: EditionInPath,
        result_id: ResultId,
        kind: Literal["svg", "png"],
        lang: Language = "en",
    ) -> Response:
        svg = render_label(_label(services, edition, result_id), _known(lang))
        if kind == "png":
            return Response(png_of(svg), media_type="image/png", headers=_FOR_A_DAY)
        return Response(svg, media_type="image/svg+xml", headers=_FOR_A_DAY)

    return router


def _known(language: str) -> str:
    if language not in languages():
        raise RefusedError(404, "no_language", f"labels come in {', '.join(languages())}")
    return language


def _label(services: Services, name: str, result_id: int) -> Label:
    with services.database.reading() as connection:
        edition = next((e for e in catalogue.editions(connection) if e.name == name), None)
        row = catalogue.result(connection, result_id, name)
    if edition is None or row is None:
        raise RefusedError(404, "no_result", f"edition {name} has no result {result_id}")
    if edition.digest is None or edition.frozen_on is None:
        raise RefusedError(409, "not_frozen", f"edition {name} has no labels until it is frozen")
    star = Star(
        stars=row["stars"],
        probability=row["probability"],
        distance_pct=row["distance_pct"],
        unrated_reason=row["unrated_reason"],
    )
    return label_for(
        entry_of_row(row),
        star,
        edition=name,
        date=edition.frozen_on,
        digest=edition.digest,
        address=f"{services.address}/results/{result_id}?edition={name}",
    )
