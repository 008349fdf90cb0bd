"""The Atom feed tells what changed, in a form that readers take (RFC 4287)."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from api_boards import ADDRESS, client_of
from boards import a_run, accepted

from wattmark.board.shelf import audit_log, standings, times
from wattmark.board.shelf.database import Database
from wattmark.board.web import feed

EDITION = standings.half_year(times.today())
ATOM = {"a": "http://www.w3.org/2005/Atom"}


def read(database: Database, address: str = ADDRESS) -> ElementTree.Element:
    with database.reading() as connection:
        return ElementTree.fromstring(feed.rendered(feed.changes(connection), address))


def texts(tree: ElementTree.Element, path: str) -> list[str]:
    return [element.text or "" for element in tree.findall(path, ATOM)]


def test_what_was_accepted_opened_and_frozen_is_told_newest_first(database: Database) -> None:
    accepted(database, a_run(1, model="hub.example/small"))
    with database.writing() as connection:
        standings.freeze(connection, EDITION, times.today(), by="test")
    tree = read(database)
    assert texts(tree, "a:entry/a:title") == [
        f"Edition {EDITION} is frozen",
        "hub.example/small, text-classification: 9 results",
        f"Edition {EDITION} is open",
    ]
    links = [link.get("href") for link in tree.findall("a:entry/a:link", ATOM)]
    assert links == [
        f"{ADDRESS}/editions/{EDITION}",
        f"{ADDRESS}/models/hub.example/small",
        f"{ADDRESS}/editions/{EDITION}",
    ]


def test_every_entry_has_what_atom_asks_for(database: Database) -> None:
    accepted(database, a_run(1), a_run(2, model="other"))
    tree = read(database)
    for element in (tree, *tree.findall("a:entry", ATOM)):
        assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", element.findtext("a:id", "", ATOM))
        updated = element.findtext("a:updated", "", ATOM)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", updated)
    ids = texts(tree, "a:entry/a:id")
    assert len(set(ids)) == len(ids) == 3
    assert tree.findtext("a:updated", "", ATOM) == texts(tree, "a:entry/a:updated")[0]
    assert tree.find("a:author/a:name", ATOM) is not None
    (itself,) = tree.findall("a:link[@rel='self']", ATOM)
    assert itself.get("href") == f"{ADDRESS}/feed.atom"


def test_entries_keep_their_ids_when_others_come_and_the_board_moves(database: Database) -> None:
    accepted(database, a_run(1))
    before = texts(read(database), "a:entry/a:id")
    accepted(database, a_run(2, model="other"))
    after = texts(read(database, "https://elsewhere.example"), "a:entry/a:id")
    assert after[1:] == before


def test_names_are_text_whatever_is_in_them(database: Database) -> None:
    name = "<b>&amp;</b> ]]> \ufffe ☃ \"'"
    accepted(database, a_run(1, model=name))
    title = texts(read(database), "a:entry/a:title")[0]
    assert title.startswith("<b>&amp;</b> ]]> \ufffd ☃ \"'")


def test_the_last_fifty_changes_are_told(database: Database) -> None:
    with database.writing() as connection:
        for year in range(2000, 2052):
            audit_log.append(connection, "test", "open_edition", f"{year}-H1", rule="quintile")
    titles = texts(read(database), "a:entry/a:title")
    assert len(titles) == feed.MOST_ENTRIES and titles[0] == "Edition 2051-H1 is open"


def test_a_board_without_changes_has_a_feed_without_entries(database: Database) -> None:
    tree = read(database)
    assert texts(tree, "a:entry/a:title") == [] and texts(tree, "a:updated")


def test_a_reader_that_has_it_is_told_so(database: Database) -> None:
    accepted(database, a_run(1))
    with client_of(database) as client:
        first = client.get("/feed.atom")
        assert first.status_code == 200
        assert first.headers["Content-Type"].startswith("application/atom+xml")
        known = {"If-None-Match": first.headers["ETag"]}
        again = client.get("/feed.atom", headers=known)
        assert again.status_code == 304 and again.content == b""
        accepted(database, a_run(2, model="other"))
        assert client.get("/feed.atom", headers=known).status_code == 200
