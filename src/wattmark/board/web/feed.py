"""What changed on the board, as an Atom feed (RFC 4287): results that came, editions that froze."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, UUID, uuid5
from xml.etree import ElementTree

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import Connection, select

from wattmark.board.pages.queries import model_path
from wattmark.board.pages.responses import cached_page
from wattmark.board.shelf import tables
from wattmark.board.web.services import Services

MOST_ENTRIES = 50
_ATOM = "http://www.w3.org/2005/Atom"
_PATH = "/feed.atom"
_ACTIONS = ("accept", "open_edition", "freeze_edition")
_A, _B = tables.audit, tables.bundles
#: Of a board on which nothing has happened yet.
_NEVER = "1970-01-01T00:00:00Z"
#: What an XML 1.0 document cannot hold.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: Ids are made from this and the sha256 of the log's entry: they stay when the board moves.
_OF_ENTRIES = UUID("6f2d0f0e-58f5-4c39-9d0c-8a8d4f3c1b77")


@dataclass(frozen=True)
class Change:
    """An entry of the feed; ``path`` is where on the board it shows, ``at`` ISO 8601 in UTC."""

    sha256: str
    at: str
    title: str
    summary: str
    path: str


def routes(services: Services) -> APIRouter:
    """``/feed.atom``."""
    router = APIRouter()

    @router.get(_PATH)
    def feed(request: Request) -> Response:
        def text(connection: Connection) -> str:
            return rendered(changes(connection), services.address)

        return cached_page(services, request, text, media_type="application/atom+xml")

    return router


def changes(connection: Connection) -> list[Change]:
    """The last 50 changes of what the board shows, the newest first, from the log."""
    rows = connection.execute(
        select(_A, _B.c.model, _B.c.task)
        .join(_B, _B.c.digest == _A.c.subject, isouter=True)
        .where(_A.c.action.in_(_ACTIONS))
        .order_by(_A.c.seq.desc())
        .limit(MOST_ENTRIES)
    )
    return [_change(row._mapping) for row in rows]


def rendered(found: list[Change], address: str) -> str:
    """The feed as XML; ``address`` is the board's."""
    feed = ElementTree.Element("feed", xmlns=_ATOM)
    _add(feed, "id", f"urn:uuid:{uuid5(NAMESPACE_URL, address + _PATH)}")
    _add(feed, "title", "Wattmark board: changes")
    _add(feed, "updated", found[0].at if found else _NEVER)
    _add(feed, "link", rel="self", type="application/atom+xml", href=address + _PATH)
    _add(feed, "link", rel="alternate", type="text/html", href=f"{address}/")
    _add(ElementTree.SubElement(feed, "author"), "name", "Wattmark board")
    for change in found:
        entry = ElementTree.SubElement(feed, "entry")
        _add(entry, "id", f"urn:uuid:{uuid5(_OF_ENTRIES, change.sha256)}")
        _add(entry, "title", change.title)
        _add(entry, "updated", change.at)
        _add(entry, "link", rel="alternate", type="text/html", href=address + change.path)
        _add(entry, "summary", change.summary)
    return ElementTree.tostring(feed, encoding="unicode", xml_declaration=True)


def _change(row: Any) -> Change:
    detail, subject = json.loads(row["detail"]), row["subject"]
    if row["action"] == "accept":
        title = f"{row['model']}, {row['task']}: {detail['results']} results"
        summary = f"Accepted into edition {detail['edition']}. Bundle {subject}."
        if detail["reason"]:
            summary += f" {detail['reason']}"
        path = model_path(row["model"])
    elif row["action"] == "open_edition":
        title = f"Edition {subject} is open"
        summary = f"Its results are rated by the rule {detail['rule']}."
        path = f"/editions/{quote(subject)}"
    else:
        title = f"Edition {subject} is frozen"
        summary = f"Its digest is {detail['digest']}."
        path = f"/editions/{quote(subject)}"
    return Change(row["sha256"], row["at"], title, summary, path)


def _add(parent: ElementTree.Element, tag: str, text: str | None = None, **attributes: str) -> None:
    element = ElementTree.SubElement(parent, tag, attributes)
    element.text = None if text is None else _NO_XML.sub("\ufffd", text)
