"""Whether a board is what it says: its log, its bundles, its frozen editions."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, select

from wattmark.board.shelf import audit_log, catalogue, tables
from wattmark.editions import edition as rating
from wattmark.editions import edition_problems
from wattmark.records.canonical import sha256_of

_S, _R = tables.standings, tables.results


def problems(connection: Connection) -> Iterator[str]:
    """What is wrong, and where; nothing where all is well."""
    yield from audit_log.problems(connection)
    bundles = tables.bundles
    for digest, document in connection.execute(select(bundles.c.digest, bundles.c.document)):
        if sha256_of(document) != digest:
            yield f"bundle {digest[:12]}: its document has another digest"
    frozen: dict[str, rating.Edition] = {}
    for info in reversed(catalogue.editions(connection)):
        if info.digest is None:
            continue
        document = catalogue.edition_document(connection, info.name)
        if document is None:
            yield f"edition {info.name}: its document is missing"
            continue
        made = frozen[info.name] = rating.Edition.model_validate_json(document)
        if made.digest != info.digest:
            yield f"edition {info.name}: the document has another digest than the board says"
        previous = frozen.get(made.previous or "")
        yield from edition_problems.problems(made, previous, document)
        yield from _differing(connection, made)


def _differing(connection: Connection, made: rating.Edition) -> Iterator[str]:
    """Stars that the board shows and the document does not have."""
    query = (
        select(_R.c.sha256, _S.c.stars)
        .join(_S, _S.c.result_id == _R.c.id)
        .where(_S.c.edition == made.name)
    )
    shown = dict(connection.execute(query).tuples().all())
    said = {e.result_sha256: s.stars for e, s in zip(made.entries, made.stars, strict=True)}
    for entry in made.entries:
        sha = entry.result_sha256
        if shown.get(sha) != said[sha]:
            yield (
                f"edition {made.name}: {entry.model}, {entry.setup}: shown with "
                f"{shown.get(sha)} stars, frozen with {said[sha]}"
            )
