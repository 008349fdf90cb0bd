"""Results one by one and by model: what the API asks of the database beside leaderboards."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, case, func, select

from wattmark.board.intake import submissions
from wattmark.board.shelf import tables
from wattmark.board.shelf.catalogue import STANDING
from wattmark.records import bundle_from, hashed_document
from wattmark.records.canonical import canonical, sha256_of

_S, _R = tables.standings, tables.results


def with_standings(
    connection: Connection, id_: int
) -> tuple[RowMapping | None, Sequence[RowMapping]]:
    """A result by its number, with its standings, the newest edition first.

    A result that a newer one took the place of before any edition was frozen has none.
    """
    row = connection.execute(select(_R).where(_R.c.id == id_)).mappings().one_or_none()
    query = select(_S).where(_S.c.result_id == id_).order_by(_S.c.edition.desc())
    return row, connection.execute(query).mappings().all()


def document_of(connection: Connection, id_: int) -> bytes | None:
    """A result's record as canonical JSON: what its sha256 is of.

    It is the part of its bundle. Earlier boards hashed the record as they read it; where a bundle
    leaves out what has a default, that is not the same, and is what those results get.
    """
    where = select(_R.c.bundle, _R.c.setup, _R.c.sha256).where(_R.c.id == id_)
    row = connection.execute(where).one_or_none()
    bundle = None if row is None else submissions.document_of(connection, row.bundle)
    if row is None or bundle is None:
        return None
    kept = bundle_from(bundle)
    part = kept.result_document(row.setup)
    if sha256_of(part) == row.sha256:
        return part
    return canonical(hashed_document(kept.run.result(row.setup)))


def best_setups(
    connection: Connection, edition: str, *, task: str | None, after: str, limit: int
) -> tuple[Sequence[RowMapping], str | None]:
    """The best setup of every model for every task, by name, and the last name if there are more.

    It is the rated one of least energy; where none is rated, the one of least energy.
    ``limit`` counts models; ``after`` is the name of the last one before. Rows are results with
    their standings and, as ``setups``, how many setups there are.
    """
    conditions = [_S.c.edition == edition]
    if task is not None:
        conditions.append(_S.c.task == task)
    query = select(_S.c.model).where(*conditions, _S.c.model > after).distinct()
    names = connection.scalars(query.order_by(_S.c.model).limit(limit + 1)).all()
    shown = names[:limit]
    own = (_S.c.model, _S.c.task)
    unrated_last = case((_S.c.stars.is_(None), 1), else_=0)
    best = (unrated_last, _S.c.energy_order, _S.c.result_id)
    ranks = (
        select(
            *_S.c,
            func.row_number().over(order_by=best, partition_by=own).label("rank"),
            func.count().over(partition_by=own).label("setups"),
        )
        .where(*conditions, _S.c.model.in_(shown))
        .subquery()
    )
    rows = connection.execute(
        select(_R, *(ranks.c[name] for name in STANDING), ranks.c.setups)
        .join(ranks, ranks.c.result_id == _R.c.id)
        .where(ranks.c.rank == 1)
        .order_by(_R.c.model, _R.c.task)
    )
    return rows.mappings().all(), (shown[-1] if len(names) > limit else None)
