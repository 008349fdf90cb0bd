"""All results of an edition as one table, row by row in the order of its frozen document.

``published_stars`` and its neighbours are what the board says; ``wattmark rate`` computes them
anew from the other columns and puts its own beside them (:func:`recompute_command`). Energies are
in Wh a query, latencies in ms. In CSV a text that a spreadsheet would take for a formula (it
begins with = + - @, a tab or a line break, or an apostrophe) has an apostrophe in front; numbers
stay numbers (https://owasp.org/www-community/attacks/CSV_Injection).
"""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import islice
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import ColumnElement, Connection, String, func, select

from wattmark.board.shelf import tables
from wattmark.board.shelf.catalogue import EditionInfo
from wattmark.contracts import Limits
from wattmark.rating import DEFAULT_RULE, needs_limits
from wattmark.rating.rated_row import RatedRow, column_name

if TYPE_CHECKING:
    import pyarrow as pa

_S, _R = tables.standings, tables.results
_KEY = ("task", "model", "setup", "hardware")
#: Fields of a rated row that are not handed out, or in another form.
_KEPT_BACK = ("model_class", "quality", "energy_per_correct_wh")
#: Name in the table -> where it comes from.
COLUMNS: dict[str, ColumnElement[Any]] = {
    "edition": _S.c.edition,
    "class": func.coalesce(func.nullif(_R.c.model_class, "", type_=String), "all"),
    **{
        column_name(field): _R.c[tables.name_of(field)]
        for field in RatedRow.model_fields
        if field not in _KEPT_BACK
    },
    "bundle": _R.c.bundle,
    "result": _R.c.id,
    "result_sha256": _R.c.sha256,
    "published_stars": _S.c.stars,
    "published_star_probability": _S.c.probability,
    "published_boundary_distance_pct": _S.c.distance_pct,
    "published_unrated_reason": _S.c.unrated_reason,
}
_ROWS_AT_ONCE = 5000
#: The first characters of formulas, full-width forms too; the apostrophe, so that it can be undone.
_FORMULA = frozenset("=+-@\t\r\n'＝＋－＠")
_Row = dict[str, Any]


class Form(StrEnum):
    """A file's format, and its suffix."""

    PARQUET = "parquet"
    JSON = "json"
    CSV = "csv"


def write(
    connection: Connection, edition: str, file: IO[bytes], form: Form, *, task: str | None = None
) -> int:
    """Write the results of an edition, or of one task of it: how many there were.

    Rows are read and written in chunks, so that memory does not grow with their number.
    """
    writers: dict[Form, Callable[[IO[bytes], Iterable[list[_Row]]], int]] = {
        Form.PARQUET: _write_parquet,
        Form.JSON: _write_json,
        Form.CSV: _write_csv,
    }
    return writers[form](file, _chunks(connection, edition, task))


def limits_by_population(connection: Connection, edition: EditionInfo) -> dict[str, Limits] | None:
    """The fixed limits of an edition's rule, by population as ``wattmark rate`` names it.

    None where its rule has none.
    """
    if edition.limits is None:
        return None
    columns = (COLUMNS["task"], COLUMNS["class"], COLUMNS["hardware"], _S.c.population)
    query = select(*columns).join(_S, _S.c.result_id == _R.c.id).distinct()
    found = connection.execute(query.where(_S.c.edition == edition.name))
    return {
        json.dumps(values): edition.limits[population]
        for *values, population in found
        if population in edition.limits
    }


def recompute_command(
    edition: str,
    *,
    task: str | None = None,
    rule: str = DEFAULT_RULE,
    address: str = "",
    file: str = "",
) -> str:
    """The command that gives the stars of an edition anew, beside those of the board.

    ``address`` is the board's: the command then fetches first what it reads. ``file`` is the
    export, where it has another name than the board gave it.
    """
    name, limits = f"{edition}.{Form.PARQUET}", f"{edition}.limits.json"
    file = shlex.quote(file or name)
    more = f" --rule {rule}" if rule != DEFAULT_RULE else ""
    if needs_limits(rule):
        more += f" --limits {limits}"
    rate = (
        f"wattmark rate {file} --by task,class,hardware --value energy_wh --gate gate_passed "
        f"--grade grade{more} --out rated.csv"
    )
    if not address:
        return rate
    query = f"?task={quote(task, safe='')}" if task else ""
    addresses = {file: f"{address}/api/v1/export/{name}{query}"}
    if needs_limits(rule):
        addresses[limits] = f"{address}/api/v1/editions/{edition}/limits"
    fetch = (f"curl -o {to} {shlex.quote(source)}" for to, source in addresses.items())
    return "\n".join([*fetch, rate])


def defused(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in _FORMULA else text


def _chunks(connection: Connection, edition: str, task: str | None) -> Iterator[list[_Row]]:
    query = select(*(column.label(name) for name, column in COLUMNS.items()))
    query = query.join(_S, _S.c.result_id == _R.c.id).where(_S.c.edition == edition)
    if task is not None:
        query = query.where(_S.c.task == task)
    keys: list[ColumnElement[Any]] = [_S.c[name] for name in _KEY]
    if connection.dialect.name == "postgresql":  # by code points, as Python and SQLite sort
        keys = [key.collate("C") for key in keys]
    found = connection.execute(
        query.order_by(*keys), execution_options={"yield_per": _ROWS_AT_ONCE}
    ).mappings()
    while chunk := [dict(row) for row in islice(found, _ROWS_AT_ONCE)]:
        yield chunk


def _write_parquet(file: IO[bytes], chunks: Iterable[list[_Row]]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema, count = _schema(), 0
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for chunk in chunks:
            writer.write_table(pa.Table.from_pylist(chunk, schema))
            count += len(chunk)
    return count


def _schema() -> pa.Schema:
    import pyarrow as pa

    types = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
    return pa.schema([(name, types[column.type.python_type]) for name, column in COLUMNS.items()])


def _write_json(file: IO[bytes], chunks: Iterable[list[_Row]]) -> int:
    count = 0
    file.write(b"[")
    for chunk in chunks:
        for row in chunk:
            text = json.dumps(row, ensure_ascii=False, allow_nan=False)
            file.write((",\n" if count else "\n").encode() + text.encode())
            count += 1
    file.write(b"\n]\n")
    return count


def _write_csv(file: IO[bytes], chunks: Iterable[list[_Row]]) -> int:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    count = 0
    for chunk in chunks:
        writer.writerows(map(_cells, chunk))
        count += len(chunk)
    text.detach()
    return count


def _cells(row: _Row) -> list[object]:
    return [
        defused(value)
        if isinstance(value, str)
        else str(value).lower()
        if isinstance(value, bool)
        else value
        for value in row.values()
    ]
