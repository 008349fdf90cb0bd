"""What is on the board, as pages and the API read it.

A page of a leaderboard is one walk along an index; the numbers beside the filters come from one
grouped count of the task, whatever is filtered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    func,
    or_,
    select,
)

from wattmark.board.shelf import tables
from wattmark.contracts import Limits

_S, _R, _E = tables.standings, tables.results, tables.editions

#: What a leaderboard is filtered by.
FACETS = ("framework", "precision", "hardware", "grade")
#: What a standing adds to a result.
STANDING = ("edition", "population", "stars", "probability", "distance_pct", "unrated_reason")


class Order(StrEnum):
    """What a leaderboard is sorted by, the best first."""

    ENERGY = "energy"
    QUALITY = "quality"
    LATENCY = "latency"


@dataclass(frozen=True)
class Filter:
    """Which results of an edition; None stands for all."""

    edition: str
    task: str | None = None
    model: str | None = None
    framework: str | None = None
    precision: str | None = None
    hardware: str | None = None
    grade: str | None = None
    stars: int | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """As SQL: with the standings."""
        given = {name: getattr(self, name) for name in ("edition", "task", "model", *FACETS)}
        found = [_S.c[name] == value for name, value in given.items() if value is not None]
        if self.stars is not None:
            found.append(_S.c.stars >= self.stars)
        return found


@dataclass(frozen=True)
class EditionInfo:
    """An edition without its entries; ``digest`` and ``frozen_on`` are None while it is open.

    ``limits`` are those of a rule that needs them, for each population, in Wh a query, else None.
    """

    name: str
    closes: str
    rule: str
    rule_version: int
    limits: dict[str, Limits] | None
    opened_at: str
    previous: str | None
    frozen_on: str | None
    digest: str | None


@dataclass(frozen=True)
class TaskInfo:
    """A task in an edition: its results, its models, and how many of the results have a star."""

    name: str
    results: int
    models: int
    rated: int


@dataclass(frozen=True)
class Combinations:
    """Every combination of facets and stars in a task, and how many results have it.

    ``values`` are those of each facet, sorted; ``codes`` has a row for each combination with its
    places in them; ``stars`` is 0 for none.
    """

    values: tuple[list[str], ...]
    codes: NDArray[np.intp]
    stars: NDArray[np.intp]
    results: NDArray[np.intp]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.results)


@dataclass(frozen=True)
class Counts:
    """How many results of a task each value of a facet has, by facet; and how many in all."""

    total: int
    facets: Mapping[str, Mapping[str, int]]


def editions(connection: Connection) -> list[EditionInfo]:
    """All editions, the newest first."""
    columns = [_E.c[name] for name in EditionInfo.__dataclass_fields__]
    rows = connection.execute(select(*columns).order_by(_E.c.name.desc())).mappings()
    return [EditionInfo(**row) for row in rows]


def edition_document(connection: Connection, name: str) -> bytes | None:
    """A frozen edition's canonical JSON."""
    found: bytes | None = connection.scalar(select(_E.c.document).where(_E.c.name == name))
    return found


def edition_changes(connection: Connection, name: str) -> dict[str, list[dict[str, Any]]] | None:
    """What changed from the edition before it to a frozen one (`standings.changes_of`)."""
    found: dict[str, list[dict[str, Any]]] | None = connection.scalar(
        select(_E.c.changes).where(_E.c.name == name)
    )
    return found


def tasks(connection: Connection, edition: str) -> list[TaskInfo]:
    """The tasks of an edition, by name."""
    query = (
        select(
            _S.c.task.label("name"),
            func.count().label("results"),
            func.count(_S.c.model.distinct()).label("models"),
            func.count(_S.c.stars).label("rated"),
        )
        .where(_S.c.edition == edition)
        .group_by(_S.c.task)
        .order_by(_S.c.task)
    )
    return [TaskInfo(**row) for row in connection.execute(query).mappings()]


def combinations(connection: Connection, edition: str, task: str) -> Combinations:
    """The combinations of facets and stars that a task's results have in an edition."""
    columns = [_S.c[name] for name in FACETS]
    query = select(*columns, _S.c.stars, func.count()).where(
        _S.c.edition == edition, _S.c.task == task
    )
    rows = connection.execute(query.group_by(*columns, _S.c.stars)).all()
    values = tuple(sorted({row[i] for row in rows}) for i in range(len(FACETS)))
    place = [{value: code for code, value in enumerate(its)} for its in values]
    codes = [[place[i][row[i]] for i in range(len(FACETS))] for row in rows]
    return Combinations(
        values,
        np.array(codes, dtype=np.intp).reshape(len(rows), len(FACETS)),
        np.array([row[-2] or 0 for row in rows], dtype=np.intp),
        np.array([row[-1] for row in rows], dtype=np.intp),
    )


def counts(combinations: Combinations, filter_: Filter) -> Counts:
    """What a filter leaves; a facet's own numbers are as if it were not filtered by."""
    results = np.where(combinations.stars >= (filter_.stars or 0), combinations.results, 0)
    passed = {
        i: combinations.codes[:, i] == (values.index(asked) if asked in values else -1)
        for i, (name, values) in enumerate(zip(FACETS, combinations.values, strict=True))
        if (asked := getattr(filter_, name)) is not None
    }
    found = {}
    for i, (name, values) in enumerate(zip(FACETS, combinations.values, strict=True)):
        left = results.copy()
        for other, mask in passed.items():
            if other != i:
                left *= mask
        sums = np.bincount(combinations.codes[:, i], left, len(values)).astype(int).tolist()
        found[name] = {value: count for value, count in zip(values, sums, strict=True) if count}
    for mask in passed.values():
        results = results * mask
    return Counts(int(results.sum()), found)


def page(
    connection: Connection,
    filter_: Filter,
    order: Order = Order.ENERGY,
    *,
    limit: int = 50,
    offset: int = 0,
) -> Sequence[RowMapping]:
    """Results with their standings (columns of both tables), the best first."""
    column = _S.c[f"{order.value}_order"]
    query = _rows().where(*filter_.conditions()).order_by(column, _S.c.result_id)
    return connection.execute(query.limit(limit).offset(offset)).mappings().all()


def page_after(
    connection: Connection,
    filter_: Filter,
    order: Order,
    after: tuple[float, int] | None,
    limit: int,
) -> tuple[Sequence[RowMapping], tuple[float, int] | None]:
    """Results behind a place in the order, and the place of the last of them if there are more."""
    column = _S.c[f"{order.value}_order"]
    query = _rows(column.label("place")).where(*filter_.conditions())
    if after is not None:
        behind = and_(column == after[0], _S.c.result_id > after[1])
        query = query.where(or_(column > after[0], behind))
    found = connection.execute(query.order_by(column, _S.c.result_id).limit(limit + 1)).mappings()
    rows = found.all()
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], (last["place"], last["id"])


def result(connection: Connection, id_: int, edition: str | None = None) -> RowMapping | None:
    """A result by its number, with its standing in an edition (or the newest that has it)."""
    query = _rows().where(_R.c.id == id_).order_by(_S.c.edition.desc()).limit(1)
    if edition is not None:
        query = query.where(_S.c.edition == edition)
    return connection.execute(query).mappings().one_or_none()


def of_model(connection: Connection, model: str) -> Sequence[RowMapping]:
    """Every standing of a model in every edition, the newest edition first, then by energy."""
    query = _rows().where(_S.c.model == model)
    query = query.order_by(_S.c.edition.desc(), _S.c.task, _S.c.energy_order, _S.c.result_id)
    return connection.execute(query).mappings().all()


def models(connection: Connection, edition: str, task: str | None = None) -> list[dict[str, Any]]:
    """The models of an edition with their best setup's energy and star, by name."""
    query = (
        select(
            _S.c.model,
            _S.c.task,
            func.count().label("setups"),
            func.min(_R.c.energy_wh).label("energy_wh"),
            func.max(_S.c.stars).label("stars"),
        )
        .join(_R, _R.c.id == _S.c.result_id)
        .where(_S.c.edition == edition)
        .group_by(_S.c.model, _S.c.task)
        .order_by(_S.c.model, _S.c.task)
    )
    if task is not None:
        query = query.where(_S.c.task == task)
    return [dict(row) for row in connection.execute(query).mappings()]


def population(connection: Connection, edition: str, name: str) -> Sequence[RowMapping]:
    """All results of a population, by energy."""
    query = _rows().where(_S.c.edition == edition, _S.c.population == name)
    return connection.execute(query.order_by(_S.c.energy_order)).mappings().all()


def _rows(*more: ColumnElement[Any]) -> Select[Any]:
    standing = (_S.c[name] for name in STANDING)
    return select(_R, *standing, *more).join(_S, _S.c.result_id == _R.c.id)
