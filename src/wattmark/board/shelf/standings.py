"""Editions on the board: results take their places in the open one, and are rated at once.

The ratings are those of :mod:`wattmark.editions.edition`, population by population. Freezing makes
the same document as ``wattmark edition freeze``; what is downloaded is verified by
``wattmark edition verify``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, insert, literal, select, update

from wattmark.board.intake.entries import order_of
from wattmark.board.shelf import audit_log, tables, times
from wattmark.contracts import Limits
from wattmark.editions.edition import (
    Edition,
    Entry,
    Star,
    closing_date,
    document,
    frozen,
    opened,
    stars,
)
from wattmark.editions.edition import population as population_name
from wattmark.editions.edition_diff import diff
from wattmark.errors import BoardError
from wattmark.rating import DEFAULT_RULE, find_rule, needs_limits
from wattmark.rating.rated_row import EntryFields

_S, _R, _E = tables.standings, tables.results, tables.editions
_KEY = ("task", "model", "setup", "hardware")
_FILTERED = ("framework", "precision", "grade")


def half_year(date: str) -> str:
    """The edition that is named for a date (ISO 8601): ``2026-H2``."""
    return f"{date[:4]}-H{1 if date[5:7] <= '06' else 2}"


def open_edition(
    connection: Connection,
    name: str,
    rule: str | None = None,
    *,
    by: str,
    limits: dict[str, Limits] | None = None,
) -> str:
    """Open an edition with the results of the newest one before it.

    Without ``rule``, that of the one before. ``limits`` as in
    :func:`wattmark.editions.edition.opened`. Raises BoardError where it exists, RatingError for a
    bad name, UnknownNameError for a bad rule.
    """
    closing_date(name)
    names = dict(connection.execute(select(_E.c.name, _E.c.digest)).tuples().all())
    if name in names:
        raise BoardError(f"edition {name} exists already")
    earlier = max((n for n in names if n < name), default=None)
    if earlier is not None and names[earlier] is None:
        raise BoardError(f"edition {earlier} comes before {name} and is not frozen")
    if rule is None and earlier is not None:
        rule = connection.scalar(select(_E.c.rule).where(_E.c.name == earlier))
    rule = rule or DEFAULT_RULE
    before = _frozen(connection, earlier) if earlier and needs_limits(rule) else None
    made = opened(name, rule, before, limits)
    connection.execute(
        insert(_E).values(
            name=name,
            closes=made.closes,
            rule=made.rule,
            rule_version=made.rule_version,
            limits=made.limits,
            opened_at=times.now(),
            previous=earlier,
        )
    )
    if earlier is not None:
        columns = [literal(name) if c.name == "edition" else c for c in _S.c]
        taken = select(*columns).where(_S.c.edition == earlier)
        connection.execute(insert(_S).from_select(_S.c.keys(), taken))
        rerate(connection, name)
    audit_log.append(connection, by, "open_edition", name, rule=rule)
    return name


def edition_for(connection: Connection, date: str, *, by: str) -> str:
    """The edition that takes results on a date: that of its half-year, or the next if frozen.

    It is opened where it is not there yet; one of an earlier half-year that nobody froze is frozen
    first, as of its closing date.
    """
    known = dict(connection.execute(select(_E.c.name, _E.c.frozen_on)).tuples().all())
    name = half_year(date)
    while known.get(name) is not None:
        name = _next(name)
    if name in known:
        return name
    for earlier in sorted(n for n, frozen_on in known.items() if n < name and frozen_on is None):
        if _results(connection, earlier, None):
            freeze(connection, earlier, closing_date(earlier), by=by)
        else:
            connection.execute(delete(_E).where(_E.c.name == earlier))
    return open_edition(connection, name, by=by)


def place(connection: Connection, edition: str, rows: Sequence[dict[str, Any]]) -> None:
    """Give results (rows of ``board_results`` with their ``id``) their places, and rate anew.

    An older result of the same setup, model and machine is replaced; before a newer one, a result
    gets no place.
    """
    touched = set()
    for row in rows:
        its = (_S.c.edition == edition, *(_S.c[name] == row[name] for name in _KEY))
        query = select(_S.c.population, _R.c.measured_at).join(_R, _S.c.result_id == _R.c.id)
        there = connection.execute(query.where(*its)).one_or_none()
        if there is not None:
            if there.measured_at > row["measured_at"]:
                continue
            touched.add(there.population)
            connection.execute(delete(_S).where(*its))
        made = _standing(edition, row)
        touched.add(made["population"])
        connection.execute(insert(_S), [made])
    for population in sorted(touched):
        rerate(connection, edition, population)


def fill(connection: Connection, edition: str, rows: Iterable[dict[str, Any]]) -> None:
    """As :func:`place`, for an edition that has no results yet; everything is rated once."""
    connection.execute(insert(_S), [_standing(edition, row) for row in rows])
    rerate(connection, edition)


def rerate(connection: Connection, edition: str, population: str | None = None) -> None:
    """Rate one population of an edition anew, or all."""
    rows = _results(connection, edition, population)
    _write_stars(connection, edition, rows, stars(_edition(connection, edition, rows)))


def freeze(connection: Connection, name: str, date: str, *, by: str) -> Edition:
    """Freeze an edition for good, as of a date. Raises BoardError, RatingError."""
    row = connection.execute(select(_E.c.frozen_on).where(_E.c.name == name)).one_or_none()
    if row is not None and row.frozen_on is not None:
        raise BoardError(f"edition {name} is frozen already, on {row.frozen_on}")
    rows = _results(connection, name, None)
    made = frozen(_edition(connection, name, rows), date)
    _write_stars(connection, name, rows, made.stars)
    changes = None
    if made.previous is not None:
        changes = changes_of(_frozen(connection, made.previous), made)
    connection.execute(
        update(_E)
        .where(_E.c.name == name)
        .values(
            frozen_on=made.frozen_on,
            digest=made.digest,
            document=document(made),
            changes=changes,
        )
    )
    audit_log.append(connection, by, "freeze_edition", name, digest=made.digest)
    return made


def changes_of(old: Edition, new: Edition) -> dict[str, list[dict[str, Any]]]:
    """What :func:`wattmark.editions.edition_diff.diff` finds, for machines and people."""
    found = diff(old, new)

    def named(entry: Entry) -> dict[str, Any]:
        return {name: getattr(entry, name) for name in _KEY}

    return {
        "joined": [named(entry) for entry in found.joined],
        "left": [named(entry) for entry in found.left],
        "changed": [
            {
                **named(changed.entry),
                "before": changed.before.stars,
                "after": changed.after.stars,
                "why": changed.why,
                "sentence": changed.sentence(),
            }
            for changed in found.changed
        ],
    }


def entry_of_row(row: Mapping[Any, Any]) -> Entry:
    """A result (a row of ``board_results``) as an entry of an edition."""
    its = {field: row[tables.name_of(field)] for field in EntryFields.model_fields}
    return Entry(result_sha256=row["sha256"], **its)


def _standing(edition: str, row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "edition": edition,
        "result_id": row["id"],
        **{name: row[name] for name in (*_KEY, *_FILTERED)},
        "population": population_name(row["task"], row["model_class"], row["hardware"]),
        **order_of(row["task"], row["energy_wh"], row["quality"], row["latency_p50_ms"]),
    }


def _results(connection: Connection, edition: str, population: str | None) -> Sequence[RowMapping]:
    """Results of an edition, in the order of their keys: that of a frozen document."""
    query = select(_R).join(_S, _S.c.result_id == _R.c.id).where(_S.c.edition == edition)
    if population is not None:
        query = query.where(_S.c.population == population)
    rows = connection.execute(query).mappings().all()
    return sorted(rows, key=lambda row: tuple(row[name] for name in _KEY))


def _edition(connection: Connection, name: str, rows: Sequence[RowMapping]) -> Edition:
    """Raises BoardError where there is no edition of that name."""
    row = connection.execute(select(_E).where(_E.c.name == name)).one_or_none()
    if row is None:
        raise BoardError(f"there is no edition {name!r}")
    digest = None
    if row.previous is not None:
        digest = connection.scalar(select(_E.c.digest).where(_E.c.name == row.previous))
    return Edition(
        name=row.name,
        closes=row.closes,
        rule=row.rule,
        rule_version=row.rule_version,
        limits=row.limits,
        min_population=find_rule(row.rule).min_population,
        previous=row.previous,
        previous_digest=digest,
        entries=tuple(map(entry_of_row, rows)),
    )


def _frozen(connection: Connection, name: str) -> Edition:
    """A frozen edition's document."""
    query = select(_E.c.document).where(_E.c.name == name)
    document: bytes = connection.execute(query).scalar_one()
    return Edition.model_validate_json(document)


def _write_stars(
    connection: Connection, edition: str, rows: Sequence[RowMapping], given: Sequence[Star]
) -> None:
    statement = (
        update(_S)
        .where(_S.c.edition == edition, _S.c.result_id == bindparam("of"))
        .values({name: bindparam(f"new_{name}") for name in Star.model_fields})
    )
    values = [
        {"of": row["id"], **{f"new_{k}": v for k, v in star.model_dump(mode="json").items()}}
        for row, star in zip(rows, given, strict=True)
    ]
    if values:
        connection.execute(statement, values)


def _next(name: str) -> str:
    year, half = int(name[:4]), name[-1]
    return f"{year}-H2" if half == "1" else f"{year + 1}-H1"
